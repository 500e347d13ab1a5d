import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Json } from '../contract/json.ts';

/**
 * The one text of a JSON value (RFC 8785, JCS): keys sorted by UTF-16 code unit, ECMAScript numbers, no blanks. Throws an Error for what
 * JSON cannot hold: a lone surrogate, NaN, an infinity.
 */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('the value has no JSON text');
  return text;
}

/** SHA-256 (hex) of the canonical text in UTF-8. */
export function canonicalSha256(value: Json): string {
  return hash('sha256', canonicalJson(value), 'hex');
}
