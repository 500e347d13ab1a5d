import type { Json, JsonObject } from '../contract/json.ts';

/** How much work a schema can make of one value. */
export interface SchemaCost {
  /** Subschemas that one value can meet, with every local `$ref` followed once. */
  readonly subschemas: number;
  /** Ways in which the schema comes back to itself. Two or more double the work at every level of the value. */
  readonly cycles: number;
}

const subschemasMax = 20_000;
const maps = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
const values = new Set(['enum', 'const', 'default', 'examples', 'required']);

/**
 * Adds up what a validator may have to do: a chain of `$defs` that each name the next one twice is small to write and 2^n to
 * evaluate. Stops counting at 20,000. Throws when a `$ref` leaves the document: nothing is ever fetched (MCP basic/index § JSON Schema).
 */
export function schemaCost(root: JsonObject): SchemaCost {
  const cost = { subschemas: 0, cycles: 0 };
  const open = new Set<Json>();
  visit(root);
  return cost;

  function visit(schema: Json | undefined): void {
    if (cost.subschemas > subschemasMax || typeof schema !== 'object' || schema === null) return;
    if (Array.isArray(schema)) {
      for (const item of schema) visit(item);
      return;
    }
    if (open.has(schema)) {
      cost.cycles += 1;
      return;
    }
    cost.subschemas += 1;
    open.add(schema);
    for (const [key, value] of Object.entries(schema as JsonObject)) {
      if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string') visit(resolveRef(root, value));
      else if (key === '$defs' || key === 'definitions' || values.has(key)) continue;
      else if (maps.has(key) && typeof value === 'object' && value !== null) {
        for (const item of Object.values(value)) visit(item as Json);
      } else visit(value);
    }
    open.delete(schema);
  }
}

export function isTooCostly(cost: SchemaCost): boolean {
  return cost.subschemas > subschemasMax;
}

function resolveRef(root: JsonObject, ref: string): Json | undefined {
  if (!ref.startsWith('#')) throw new Error(`the schema has a $ref out of its document: ${ref.slice(0, 100)}`);
  // An anchor is found by the validator; here it counts as a way back to the root, which is the most it can be.
  if (ref === '#' || !ref.startsWith('#/')) return root;
  let node: Json | undefined = root;
  for (const part of ref.slice(2).split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined;
    node = (node as JsonObject)[key];
  }
  return node;
}
