import { RE2JS } from 're2js';
import type { Json, JsonObject } from '../../contract/json.ts';
import { compileSchema } from '../../shared/compile-schema.ts';
import { textFault } from './lint-text.ts';

const bytesMax = 64 * 1024;
const depthMax = 40;
const valuesMax = 5000;
const enumMax = 1000;
const branchesMax = 50;
const patternMax = 1000;

const dialects = ['https://json-schema.org/draft/2020-12/schema', 'http://json-schema.org/draft-07/schema#'];
const schemaMaps = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const data = new Set(['enum', 'const', 'default', 'examples', 'required', 'dependentRequired', 'type']);
const branches = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const references = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

interface Place {
  readonly path: string;
  readonly depth: number;
  /** True while only `properties` was passed: there, and only there, may `x-mcp-header` stand. */
  readonly isArgument: boolean;
}

/**
 * What is wrong with a tool's schema, one sentence each. Too large or too deep, a way out of the document, a pattern that is not linear, text that
 * hides something, a header that does not pass.
 */
export function lintSchema(schema: JsonObject, name: string): readonly string[] {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > bytesMax) return [`${name} has ${bytes} bytes, more than ${bytesMax}.`];
  const faults: string[] = [];
  const headers = new Set<string>();
  let values = 0;
  visitSchema(schema, { path: name, depth: 1, isArgument: true });
  if (values > valuesMax) return [`${name} has more than ${valuesMax} values.`];
  if (faults.length === 0) faults.push(...compileFaults(schema, name));
  return faults;

  function visitSchema(value: Json | undefined, place: Place): void {
    if (isTooMuch(place)) return;
    if (Array.isArray(value)) {
      for (const item of value) visitSchema(item, { ...place, depth: place.depth + 1, isArgument: false });
      return;
    }
    if (typeof value !== 'object' || value === null) {
      visitData(value, place);
      return;
    }
    for (const [key, item] of Object.entries(value as JsonObject)) visitKeyword(key, item, value as JsonObject, place);
  }

  function visitKeyword(key: string, item: Json | undefined, schemaHere: JsonObject, place: Place): void {
    checkText(key, place.path);
    const below = { path: `${place.path}.${key.slice(0, 64)}`, depth: place.depth + 1, isArgument: false };
    if (references.has(key) && !(typeof item === 'string' && item.startsWith('#'))) {
      faults.push(`${below.path} leads out of the document.`);
    } else if (key === '$id' || key === '$anchor' || key === '$dynamicAnchor' || key === '$vocabulary') {
      faults.push(`${below.path} is not allowed: references are local JSON pointers.`);
    } else if (key === '$schema') {
      if (place.depth > 1 || !dialects.includes(item as string))
        faults.push(`${below.path} is not JSON Schema 2020-12.`);
    } else if (key === 'pattern') checkPattern(item, below.path);
    else if (key === 'x-mcp-header') checkHeader(item, schemaHere, place);
    else if (schemaMaps.has(key))
      visitMap(key, item, { ...below, isArgument: place.isArgument && key === 'properties' });
    else if (data.has(key)) {
      if (key === 'enum' && Array.isArray(item) && item.length > enumMax) {
        faults.push(`${below.path} has more than ${enumMax} values.`);
      }
      visitData(item, below);
    } else {
      if (branches.has(key) && Array.isArray(item) && item.length > branchesMax) {
        faults.push(`${below.path} has more than ${branchesMax} branches.`);
      }
      visitSchema(item, below);
    }
  }

  function visitMap(keyword: string, item: Json | undefined, place: Place): void {
    if (isTooMuch(place) || typeof item !== 'object' || item === null || Array.isArray(item)) return;
    for (const [key, value] of Object.entries(item)) {
      checkText(key, place.path);
      if (keyword === 'patternProperties') checkPattern(key, place.path);
      visitSchema(value, { ...place, path: `${place.path}.${key.slice(0, 64)}`, depth: place.depth + 1 });
    }
  }

  function visitData(value: Json | undefined, place: Place): void {
    if (isTooMuch(place)) return;
    if (typeof value === 'string') checkText(value, place.path);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      checkText(key, place.path);
      visitData(item as Json, { ...place, depth: place.depth + 1 });
    }
  }

  function isTooMuch({ path, depth }: Place): boolean {
    values += 1;
    if (depth === depthMax + 1) faults.push(`${path.slice(0, 200)} is deeper than ${depthMax} levels.`);
    return depth > depthMax || values > valuesMax;
  }

  function checkText(text: string, path: string): void {
    const fault = textFault(text);
    if (fault !== undefined) faults.push(`A text at ${path.slice(0, 200)} ${fault}.`);
  }

  function checkPattern(pattern: Json | undefined, path: string): void {
    if (typeof pattern !== 'string' || pattern.length > patternMax || !isLinear(pattern)) {
      faults.push(
        `${path} is not a pattern that RE2 takes: no look-around, no back-references, at most ${patternMax} long.`,
      );
    }
  }

  /** MCP server/tools § x-mcp-header; the narrower alphabet is what load balancers let through. */
  function checkHeader(header: Json | undefined, { type }: JsonObject, place: Place): void {
    if (!place.isArgument || place.depth === 1)
      faults.push(`${place.path} may not have x-mcp-header: it is no argument.`);
    else if (typeof header !== 'string' || !/^[-A-Za-z0-9]{1,64}$/.test(header)) {
      faults.push(`x-mcp-header of ${place.path} is not 1 to 64 letters, digits and hyphens.`);
    } else if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
      faults.push(`x-mcp-header of ${place.path} is on neither a string, an integer nor a boolean.`);
    } else if (headers.has(header.toLowerCase())) faults.push(`x-mcp-header of ${place.path} is there twice.`);
    else headers.add(header.toLowerCase());
  }
}

/** Compiled as the gateway compiles it, so that what is registered can be called. */
function compileFaults(schema: JsonObject, name: string): readonly string[] {
  try {
    compileSchema(schema);
    return [];
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'it does not compile';
    return [`${name} is not a JSON Schema that can be checked: ${JSON.stringify(detail).slice(1, 200)}.`];
  }
}

function isLinear(pattern: string): boolean {
  try {
    RE2JS.compile(RE2JS.translateRegExp(pattern));
    return true;
  } catch {
    return false;
  }
}
