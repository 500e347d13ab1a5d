import { Ajv } from 'ajv';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import type { Json, JsonObject } from '../contract/json.ts';
import { isTooCostly, schemaCost } from './schema-cost.ts';

/** Says what is wrong with a value, one sentence each; empty when nothing is. */
export type SchemaCheck = (value: Json) => readonly string[];

/** Compiled schemas, by a key that names their content. */
export interface SchemaCache {
  /** Throws an Error when the schema does not compile; that is remembered too. */
  check(key: string, schema: JsonObject): SchemaCheck;
}

/** What many generators of tool schemas still write; MCP basic/index § JSON Schema Usage lets a schema name its dialect. */
const draft07 = 'http://json-schema.org/draft-07/schema#';
const violationsMax = 50;
/** A schema that comes back to itself in two ways doubles its work at every level. */
const recursiveDepthMax = 10;

/** Compiles on first use and keeps the last `entriesMax`. */
export function createSchemaCache(entriesMax = 2000): SchemaCache {
  const cache = new LRUCache<string, SchemaCheck | Error>({ max: entriesMax });
  return {
    check(key, schema) {
      let entry = cache.get(key);
      if (entry === undefined) {
        try {
          entry = compileSchema(schema);
        } catch (cause) {
          entry = new Error(`the schema of ${key} does not compile`, { cause });
        }
        cache.set(key, entry);
      }
      if (entry instanceof Error) throw entry;
      return entry;
    },
  };
}

/**
 * Compiles a JSON Schema 2020-12, or draft-07 when it says so, for values nobody trusts: linear-time patterns (RE2), linear `uniqueItems`, no network, no defaults
 * or coercion that would change the value.
 */
export function compileSchema(schema: JsonObject): SchemaCheck {
  const cost = schemaCost(schema);
  if (isTooCostly(cost)) throw new Error('the schema can be expanded without end');
  const regExp = Object.assign(linearPattern, { code: 'linearPattern' });
  // An instance a schema: $id of one cannot shadow another's, and nothing outlives the cache entry.
  const options = { strict: false, allErrors: true, ownProperties: true, logger: false, code: { regExp } } as const;
  const ajv = schema.$schema === draft07 ? new Ajv(options) : new Ajv2020(options);
  (addFormats as unknown as (target: Ajv) => void)(ajv);
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', compile: checkUnique });
  const validate = ajv.compile(schema);
  return (value) => {
    if (cost.cycles > 1 && !isWithinDepth(value, recursiveDepthMax)) {
      return [`The value nests deeper than ${recursiveDepthMax} levels, which this recursive schema does not allow.`];
    }
    return validate(value) ? noViolations : describe(validate.errors ?? []);
  };
}

const noViolations: readonly string[] = [];

function linearPattern(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  // ajv keeps one pattern for each text of toString.
  return { test: (text) => compiled.matcher(text).find(), toString: () => JSON.stringify(pattern) };
}

/** ajv compares every pair; a set of written values does it in one pass. */
function checkUnique(isWanted: boolean): (items: readonly Json[]) => boolean {
  if (!isWanted) return () => true;
  return (items) => new Set(items.map((item) => JSON.stringify(item, sortKeys))).size === items.length;
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isWithinDepth(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((item) => isWithinDepth(item as Json, levels - 1));
}

function describe(errors: readonly ErrorObject[]): readonly string[] {
  const lines = new Set(errors.map(sentence));
  const all = [...lines];
  if (all.length <= violationsMax) return all;
  return [...all.slice(0, violationsMax), `and ${all.length - violationsMax} more`];
}

function sentence({ instancePath, keyword, message, params }: ErrorObject): string {
  const where = instancePath === '' ? 'arguments' : `arguments${instancePath.slice(0, 200)}`;
  const extra = params as Record<string, unknown>;
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const name = String(extra.additionalProperty ?? extra.unevaluatedProperty).slice(0, 100);
    return `${where} must not have the property ${JSON.stringify(name)}.`;
  }
  if (keyword === 'enum' && Array.isArray(extra.allowedValues)) {
    return `${where} must be one of ${JSON.stringify(extra.allowedValues).slice(0, 300)}.`;
  }
  if (keyword === 'uniqueItems') return `${where} must not have the same item twice.`;
  return `${where} ${message ?? `breaks ${keyword}`}.`;
}
