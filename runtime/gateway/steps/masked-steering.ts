import type { MaskedColumn } from '../../contract/decision.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { errorMetaKey } from '../../contract/refusal-codes.ts';
import { isObject } from './mask-columns.ts';

/**
 * The masked column on whose values it depends which rows a table has (`steered_by`), undefined when there is none. Such rows tell the
 * values without showing them: `JOIN numbers ON numbers.id = ascii(ssn)`. What cannot be read counts as every column.
 */
export function findMaskedSteering(
  structured: Json | undefined,
  plan: readonly MaskedColumn[],
): MaskedColumn | undefined {
  if (!isObject(structured) || structured.steered_by === undefined) return undefined;
  const { steered_by: steering } = structured;
  if (!Array.isArray(steering)) return plan[0];
  return plan.find(({ schema, table, column }) =>
    (steering as readonly Json[]).some((item) => {
      if (!isObject(item) || typeof item.schema !== 'string' || typeof item.table !== 'string') return true;
      if (item.schema !== schema || item.table !== table) return false;
      return typeof item.column !== 'string' || item.column === column;
    }),
  );
}

/** In place of such a table, in words that a model can act on. Not even the number of rows is left. */
export function withheldTable({ schema, table, column }: MaskedColumn): JsonObject {
  const text =
    `${schema}.${table}.${column} is masked for you, and which rows this statement returns depends on it. ` +
    'Compare it with one constant (column = $1), or leave it out of joins, conditions and computed keys.';
  return {
    content: [{ type: 'text', text }],
    isError: true,
    _meta: { [errorMetaKey]: { code: 'masked_column_compared', message: text } },
  };
}
