import type { Json } from '../../contract/json.ts';

/** The value that a JSON Pointer (RFC 6901) names; undefined when there is none. Only own members, and elements of arrays by their plain number. */
export function resolvePointer(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const token of pointer.split('/').slice(1)) {
    // RFC 6901 § 4: in this order, so that ~01 is ~1.
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    if (Array.isArray(at) && !/^(?:0|[1-9]\d*)$/.test(name)) return undefined;
    at = (at as Readonly<Record<string, Json>>)[name];
  }
  return at;
}
