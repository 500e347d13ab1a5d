import { isUtf8 } from 'node:buffer';

const sentinel = /^=\?base64\?(.*)\?=$/s;
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Undoes the Base64 sentinel of `Mcp-Name` and `Mcp-Param-*`; undefined when the payload is not canonical Base64 of UTF-8. SEP-2243. */
export function decodeHeaderValue(value: string): string | undefined {
  const trimmed = value.replace(/^[ \t]+|[ \t]+$/g, '');
  const match = sentinel.exec(trimmed);
  if (match === null) return trimmed;
  const payload = match[1] as string;
  if (!canonicalBase64.test(payload)) return undefined;
  const bytes = Buffer.from(payload, 'base64');
  // Trailing bits that are not zero make two spellings of one value.
  if (bytes.toString('base64') !== payload || !isUtf8(bytes)) return undefined;
  return bytes.toString('utf8');
}

/** Writes a value so that it survives as a header: as it is, or in the Base64 sentinel. */
export function encodeHeaderValue(value: string): string {
  if (plain.test(value) && !sentinel.test(value)) return value;
  return `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
