// Values that stand in policy data and in what policy answers, so that both are held to the same shape.
import type { MaskedColumn } from './decision.ts';

const methods: ReadonlySet<unknown> = new Set(['redact', 'null', 'last4', 'hash'] satisfies MaskedColumn['method'][]);

export function isMaskedColumn(value: unknown): value is MaskedColumn {
  return (
    isRecord(value) &&
    hasExactly(value, ['schema', 'table', 'column', 'method']) &&
    [value.schema, value.table, value.column].every((name) => typeof name === 'string' && name !== '') &&
    methods.has(value.method)
  );
}

/** A whole number of things, from 0; what limits in data and obligations are. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function hasExactly(value: Readonly<Record<string, unknown>>, fields: readonly string[]): boolean {
  return Object.keys(value).length === fields.length && fields.every((field) => Object.hasOwn(value, field));
}
