import { createHmac } from 'node:crypto';
import type { MaskedColumn, MaskMethod } from '../../contract/decision.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { Refusal } from '../../shared/refusal.ts';

export const MASKED = '<masked>';

/** A table as a tool server reports it, after masking. */
export interface MaskedTable {
  readonly structured: JsonObject;
  readonly maskedCells: number;
}

/**
 * Masks the cells of `{columns, rows, ...}` by the origin of their column; cuts rows to `rowsMax`. A column without a readable origin,
 * and one computed from a table with masked columns, is masked whole. Members that are neither the table nor a plain count are left
 * out, since they may repeat a cell. Undefined when `structured` is no table and no count.
 */
export function maskTable(
  structured: Json | undefined,
  plan: readonly MaskedColumn[],
  rowsMax: number,
  hash: (value: string) => string,
): MaskedTable | undefined {
  if (!isObject(structured)) return undefined;
  const counts = Object.fromEntries(Object.entries(structured).filter(([, member]) => isCount(member)));
  const { columns, rows, steered_by: steering } = structured;
  if (columns === undefined && rows === undefined) {
    // What an INSERT answers: how many rows, and none of them.
    return Object.keys(counts).length > 0 && Object.keys(counts).length === Object.keys(structured).length
      ? { structured, maskedCells: 0 }
      : undefined;
  }
  if (!Array.isArray(columns) || !Array.isArray(rows) || !rows.every(Array.isArray)) return undefined;
  const methods = (columns as readonly Json[]).map((column) => methodFor(column, plan));
  let maskedCells = 0;
  const kept = (rows as readonly (readonly Json[])[]).slice(0, rowsMax).map((row) =>
    row.map((cell, index) => {
      // A cell beyond the columns has no origin.
      const method = index < methods.length ? methods[index] : 'redact';
      // A computed NULL may answer a question: CASE WHEN ssn LIKE '9%' THEN 1 END. That a stored value is absent is not hidden.
      if (method === undefined || (cell === null && isStored(columns[index]))) return cell;
      maskedCells += 1;
      return maskCell(cell, method, hash);
    }),
  );
  const isCut = kept.length < rows.length;
  return {
    structured: {
      ...counts,
      columns,
      rows: kept,
      row_count: kept.length,
      // Names of columns only; masked ones among them end the call before.
      ...(Array.isArray(steering) && { steered_by: steering }),
      truncated: isCut || structured.truncated === true,
    },
    maskedCells,
  };
}

function isStored(column: Json | undefined): boolean {
  return isObject(column) && isObject(column.origin) && column.origin.kind === 'column';
}

/** Undefined for a column that the plan does not touch. Throws Refusal `obligation_unknown` for a method that is not known. */
function methodFor(column: Json, plan: readonly MaskedColumn[]): MaskMethod | undefined {
  const origin = isObject(column) ? column.origin : undefined;
  if (!isObject(origin)) return 'redact';
  if (origin.kind === 'column') {
    if (![origin.schema, origin.table, origin.column].every((name) => typeof name === 'string')) return 'redact';
    const masked = plan.find(
      ({ schema, table, column: name }) => schema === origin.schema && table === origin.table && name === origin.column,
    );
    return masked?.method;
  }
  if (origin.kind !== 'computed' || !Array.isArray(origin.relations)) return 'redact';
  const relations = origin.relations as readonly Json[];
  const isFromMasked = relations.some(
    (relation) =>
      !isObject(relation) || plan.some(({ schema, table }) => schema === relation.schema && table === relation.table),
  );
  // How many rows there are says nothing about a cell of theirs.
  return isFromMasked && origin.count_only !== true ? 'redact' : undefined;
}

function maskCell(cell: Json, method: MaskMethod, hash: (value: string) => string): Json {
  if (method === 'null') return null;
  const isScalar = typeof cell === 'string' || typeof cell === 'number';
  if (method === 'redact' || (method === 'last4' && !isScalar)) return MASKED;
  const text = isScalar ? String(cell) : JSON.stringify(cell);
  if (method === 'hash') return hash(text);
  if (method === 'last4') return lastFour(text);
  throw new Refusal('obligation_unknown', { privateDetail: `mask method ${String(method)}` });
}

/** The last four letters and digits; nothing of a value with fewer than eight, of which four would be half. */
function lastFour(text: string): string {
  const shown = [...text].filter((character) => /[\p{L}\p{N}]/u.test(character));
  return shown.length < 8 ? '****' : `****${shown.slice(-4).join('')}`;
}

/**
 * A keyed pseudonym of 80 bits: equal values of one tenant look equal, and without the key nobody can try all of the billion social
 * security numbers. Letters only, so that no recogniser takes it for a number.
 */
export function pseudonym(value: string, tenant: string, key: Uint8Array): string {
  const digest = createHmac('sha256', key).update(`${tenant}\u0000`).update(value).digest().subarray(0, 10);
  return `masked-${digest.toString('hex').replace(/[0-9a-f]/g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)))}`;
}

function isCount(member: Json | undefined): boolean {
  return typeof member === 'number' || typeof member === 'boolean';
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
