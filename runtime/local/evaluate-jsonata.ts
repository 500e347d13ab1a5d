import jsonata from 'jsonata';
import type { Json, JsonObject } from '../contract/json.ts';

/** What a state's expressions see as `$states`; only what there is. */
export interface StatesValue {
  readonly input: Json;
  readonly context: JsonObject;
  readonly result?: Json;
  readonly errorOutput?: Json;
}

const expression = /^\{%(.*)%\}$/s;

/**
 * A field of a state with each `{% ... %}` in it replaced by its value, as Step Functions does.
 * @throws Error when an expression fails or has no value
 */
export async function evaluateField(field: Json | undefined, states: StatesValue): Promise<Json> {
  if (typeof field === 'string') {
    const [, source] = expression.exec(field) ?? [];
    return source === undefined ? field : await evaluate(source, states);
  }
  if (Array.isArray(field)) return Promise.all(field.map((each: Json) => evaluateField(each, states)));
  if (typeof field !== 'object' || field === null) return field as Json;
  const entries = Object.entries(field).map(async ([name, value]) => [name, await evaluateField(value, states)]);
  return Object.fromEntries(await Promise.all(entries));
}

async function evaluate(source: string, states: StatesValue): Promise<Json> {
  const value: unknown = await jsonata(source).evaluate(undefined, { states });
  if (value === undefined) throw new Error(`the expression ${source.trim()} has no value`);
  return value as Json;
}
