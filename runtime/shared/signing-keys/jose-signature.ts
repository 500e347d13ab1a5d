import { sign } from 'node:crypto';
import type { SigningKey } from './signing-keys.ts';

/** Signs the two parts of a compact JWS (RFC 7515 § 7.1) with ES256 and returns all three. */
export function signCompact(protectedHeader: string, payload: string, { privateKey }: SigningKey): string {
  const signed = `${protectedHeader}.${payload}`;
  // With the bare key: asking Node for `dsaEncoding` costs as much again as signing does.
  return `${signed}.${toJoseSignature(sign('sha256', Buffer.from(signed, 'latin1'), privateKey)).toString('base64url')}`;
}

/** RFC 7518 § 3.4: r and s side by side, 32 bytes each, out of the DER of RFC 3279 § 2.2.3, whose integers may be shorter or have a zero before them. */
function toJoseSignature(der: Buffer): Buffer {
  const joined = Buffer.alloc(64);
  const rLength = der[3] as number;
  const r = der.subarray(4, 4 + rLength);
  const s = der.subarray(6 + rLength);
  for (const [integer, end] of [
    [r, 32],
    [s, 64],
  ] as const) {
    const significant = integer.length > 32 ? integer.subarray(integer.length - 32) : integer;
    significant.copy(joined, end - significant.length);
  }
  return joined;
}

export function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
