import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { type SigningKey, toPublicJwk } from './signing-keys.ts';

/** What the root key says of one signing key. Times are whole seconds since the epoch, as in every JWT. */
export interface KeyStatement {
  readonly jwk: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string };
  readonly purpose: typeof purpose;
  /** SPIFFE id of the service that signs with it. */
  readonly actor: string;
  /** Which process made it, for whoever reads the table. */
  readonly writer: string;
  readonly iat: number;
  readonly exp: number;
}

/** A statement that was verified. */
export interface EndorsedKey {
  readonly kid: string;
  readonly publicJwk: JsonWebKey;
  readonly actor: string;
  readonly writer: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** The root key: its private half never leaves the KMS. */
export interface KeyEndorser {
  readonly kid: string;
  readonly publicKey: KeyObject;
  /** Signs with ECDSA on P-256 and SHA-256; the answer is r and s, 32 bytes each. Rejects when the KMS does not answer. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

const purpose = 'toolgate-upstream-token';
/** A type of its own (RFC 8725 § 3.11): nothing else that the root key ever signed passes for a statement. */
const type = 'toolgate-signing-key+jwt';
const lifetimeSecondsMax = 90_000;
const clockToleranceSeconds = 60;
const bytesMax = 4096;

/** Has the root key say that `key` signs for `actor` until `expiresAtMs`: a compact JWS (RFC 7515 § 3.1). */
export async function endorseKey(
  key: SigningKey,
  endorser: KeyEndorser,
  about: {
    readonly actor: string;
    readonly writer: string;
    readonly issuedAtMs: number;
    readonly expiresAtMs: number;
  },
): Promise<string> {
  const { x = '', y = '' } = key.publicJwk;
  const statement: KeyStatement = {
    jwk: { kty: 'EC', crv: 'P-256', x, y },
    purpose,
    actor: about.actor,
    writer: about.writer,
    iat: Math.floor(about.issuedAtMs / 1000),
    exp: Math.floor(about.expiresAtMs / 1000),
  };
  const signed = `${encode({ alg: 'ES256', typ: type, kid: endorser.kid })}.${encode(statement)}`;
  const signature = await endorser.sign(Buffer.from(signed, 'latin1'));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}

/** Whom a statement names, before anybody has verified it; undefined when that cannot be read. */
export function namedActor(text: string): unknown {
  try {
    return decode(text.slice(0, bytesMax).split('.')[1] ?? '').actor;
  } catch {
    return undefined;
  }
}

/** Checks a statement, all but whether it has expired since. Throws an Error that says what is wrong with it. */
export function verifyStatement(text: string, root: Pick<KeyEndorser, 'publicKey'>, nowMs: number): EndorsedKey {
  if (text.length > bytesMax) throw new Error('it is too long');
  const [head = '', body = '', signature = '', ...more] = text.split('.');
  if (more.length > 0 || ![head, body, signature].every((part) => /^[\w-]+$/.test(part))) {
    throw new Error('it is not a compact JWS');
  }
  const { alg, typ } = decode(head);
  if (alg !== 'ES256' || typ !== type) throw new Error('it is of another type');
  const key = { key: root.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const isSigned = verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
  if (!isSigned) throw new Error('the root key did not sign it');
  return readStatement(decode(body) as Partial<KeyStatement>, nowMs);
}

function readStatement({ jwk, actor, writer, iat, exp, ...rest }: Partial<KeyStatement>, nowMs: number): EndorsedKey {
  if (rest.purpose !== purpose) throw new Error('it is for another purpose');
  if (typeof actor !== 'string' || !actor.startsWith('spiffe://')) throw new Error('it names no actor');
  if (!isSeconds(iat) || !isSeconds(exp) || exp <= iat) throw new Error('its times are not times');
  if (exp - iat > lifetimeSecondsMax) throw new Error('it is valid for too long');
  if (iat * 1000 > nowMs + clockToleranceSeconds * 1000) throw new Error('it is of the future');
  if (typeof jwk !== 'object' || jwk === null || jwk.kty !== 'EC' || jwk.crv !== 'P-256') {
    throw new Error('its key is not on P-256');
  }
  const { x, y } = jwk;
  // Throws for a point that is not on the curve.
  createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const publicJwk = toPublicJwk({ x, y });
  return {
    kid: publicJwk.kid,
    publicJwk,
    actor,
    writer: typeof writer === 'string' ? writer : '',
    issuedAtMs: iat * 1000,
    expiresAtMs: exp * 1000,
  };
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is not a compact JWS');
  return value as Record<string, unknown>;
}
