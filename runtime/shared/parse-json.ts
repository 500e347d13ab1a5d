import { isAscii, isUtf8 } from 'node:buffer';
import type { Json } from '../contract/json.ts';

/** Bounds of one JSON text. */
export interface JsonLimits {
  /** Containers inside each other. */
  readonly depthMax: number;
  /** Values and keys together. */
  readonly valuesMax: number;
}

/** Why a JSON text is refused, in a code of the caller's choosing. */
export type JsonFault = 'malformed' | 'too-complex' | 'unsafe';

/** A JSON text that every parser would not read alike, or that is too much. */
export class JsonError extends Error {
  readonly fault: JsonFault;
  constructor(fault: JsonFault, message: string) {
    super(message);
    this.name = 'JsonError';
    this.fault = fault;
  }
}

/**
 * Parses one JSON value of which nothing can be read two ways: UTF-8 without a BOM, no key twice, no `__proto__`, no lone
 * surrogate, no NUL, no number that a double cannot hold (RFC 7493, I-JSON). What passes is forwarded by writing it anew, so
 * nobody downstream sees anything but what was decided on. Throws {@link JsonError}.
 */
export function parseJson(bytes: Buffer, limits: JsonLimits): Json {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new JsonError('malformed', 'The body starts with a byte order mark.');
  }
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) throw new JsonError('malformed', 'The body is not UTF-8.');
  const text = bytes.toString(ascii ? 'latin1' : 'utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    // V8 quotes the text in its message, which may hold anything.
    throw new JsonError('malformed', error instanceof SyntaxError ? 'The body is not JSON.' : 'The body is not read.');
  }
  const keys = countKeys(value, limits, text.includes('\\u'));
  // JSON.parse keeps the last of two equal keys, so a text with more keys than its value has some twice, however they are escaped.
  if (countKeysInText(text) !== keys) throw new JsonError('unsafe', 'An object has the same key twice.');
  return value;
}

/** Walks the value once, without recursion, and returns how many keys it has. */
function countKeys(root: Json, limits: JsonLimits, hasEscapes: boolean): number {
  if (typeof root !== 'object' || root === null) {
    checkScalar(root, hasEscapes);
    return 0;
  }
  let keyCount = 0;
  let values = 1;
  let level: object[] = [root];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limits.depthMax) throw new JsonError('too-complex', `More than ${limits.depthMax} levels.`);
    const next: object[] = [];
    for (const container of level) {
      if (Array.isArray(container)) {
        values += container.length;
        if (values > limits.valuesMax) throw new JsonError('too-complex', `More than ${limits.valuesMax} values.`);
        for (const item of container) {
          if (typeof item === 'object' && item !== null) next.push(item);
          else checkScalar(item, hasEscapes);
        }
        continue;
      }
      const object = container as Record<string, Json>;
      const keys = Object.keys(object);
      keyCount += keys.length;
      values += 2 * keys.length;
      if (values > limits.valuesMax) throw new JsonError('too-complex', `More than ${limits.valuesMax} values.`);
      for (const key of keys) {
        const item = object[key] as Json;
        if (key === '__proto__') throw new JsonError('unsafe', 'An object has the key __proto__.');
        if (hasEscapes) checkText(key);
        if (typeof item === 'object' && item !== null) {
          if (key === 'constructor' && Object.hasOwn(item, 'prototype')) {
            throw new JsonError('unsafe', 'An object has the key constructor.prototype.');
          }
          next.push(item);
        } else checkScalar(item, hasEscapes);
      }
    }
    level = next;
  }
  return keyCount;
}

function checkScalar(value: Json, hasEscapes: boolean): void {
  if (typeof value === 'string') {
    // Raw control characters and unpaired surrogates cannot be in valid UTF-8 JSON: only an escape can bring them.
    if (hasEscapes) checkText(value);
  } else if (typeof value === 'number') {
    // 2^53 and above: neighbours fall together, so another parser may see another number. RFC 7493 § 2.2.
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
      throw new JsonError('unsafe', 'A number is larger than 2^53 - 1: send it as a string.');
    }
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw new JsonError('unsafe', 'A string has half of a surrogate pair.');
  if (text.includes('\0')) throw new JsonError('unsafe', 'A string has a NUL.');
}

/** Counts the strings that a colon follows. Jumps from quote to quote; the text is known to be valid JSON. */
function countKeysInText(text: string): number {
  let keys = 0;
  let open = text.indexOf('"');
  while (open !== -1) {
    let close = text.indexOf('"', open + 1);
    while (isEscaped(text, close)) close = text.indexOf('"', close + 1);
    let after = close + 1;
    let next = text.charCodeAt(after);
    while (next === 0x20 || next === 0x0a || next === 0x0d || next === 0x09) {
      after += 1;
      next = text.charCodeAt(after);
    }
    if (next === 0x3a) keys += 1;
    open = text.indexOf('"', after);
  }
  return keys;
}

/** True when an odd number of backslashes stands before `index`. */
function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}
