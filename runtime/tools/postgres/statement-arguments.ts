import type { JsonObject } from '../../contract/json.ts';
import { DatabaseRefusal } from './database-refusal.ts';
import type { WireCell } from './portal-reader.ts';

export const sqlSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 20_000,
} as const satisfies JsonObject;

export const paramsSchema = {
  type: 'array',
  maxItems: 100,
  items: { type: ['string', 'number', 'boolean', 'null'], maxLength: 20_000 },
  description: 'Values for $1, $2, ... in the statement. Send values here, never inside the SQL text.',
} as const satisfies JsonObject;

/** The statement and its values in text format, as the wire takes them; the database finds the types. */
export function readStatement(args: JsonObject): { readonly sql: string; readonly values: readonly WireCell[] } {
  const sql = args.sql as string;
  const params = (args.params ?? []) as readonly (string | number | boolean | null)[];
  const values = params.map((value) => (value === null ? null : String(value)));
  // Texts end at the first NUL on PostgreSQL's wire: what follows would be read as another message.
  if ([sql, ...values].some((text) => text?.includes('\0'))) {
    throw new DatabaseRefusal('value_invalid', 'The statement or one of its values contains a NUL character.');
  }
  return { sql, values };
}
