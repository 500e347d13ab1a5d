// Values that stand in policy data and in what policy answers, so that both are held to the same shape.
import type { MaskedColumn, WindowTerms } from './decision.ts';

/** Calls of one window, whatever data or a record claims. */
export const windowCallsMax = 100;

const methods: ReadonlySet<unknown> = new Set(['redact', 'null', 'last4', 'hash'] satisfies MaskedColumn['method'][]);

export function isMaskedColumn(value: unknown): value is MaskedColumn {
  return (
    isRecord(value) &&
    hasExactly(value, ['schema', 'table', 'column', 'method']) &&
    [value.schema, value.table, value.column].every((name) => typeof name === 'string' && name !== '') &&
    methods.has(value.method)
  );
}

/** A card shows what stays the same, each on a line. */
const sameMax = 8;
/** RFC 6901, but for the empty one: a window in which nothing may differ is none. */
const pointer = /^(?:\/(?:[^~/]|~[01])*)+$/;

export function isWindowTerms(value: unknown): value is WindowTerms {
  if (!isRecord(value) || !hasExactly(value, ['calls_max', 'same'])) return false;
  const { calls_max, same } = value;
  if (!isCount(calls_max) || calls_max < 2 || calls_max > windowCallsMax) return false;
  return (
    Array.isArray(same) &&
    same.length >= 1 &&
    same.length <= sameMax &&
    new Set(same).size === same.length &&
    same.every((each) => typeof each === 'string' && each.length <= 256 && pointer.test(each))
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
