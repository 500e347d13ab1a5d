import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** What a signed checkpoint says. */
export interface Checkpoint {
  readonly v: 1;
  readonly writer: string;
  /** From 1, without gaps, per writer. */
  readonly n: number;
  /** SHA-256 (hex) of the previous checkpoint's line without its newline; 64 zeros for the first. */
  readonly prev: string;
  readonly time: string;
  /** `opened` and `full` name every chain of the writer, `changed` those that grew, `closed` every chain, at the end of a run. */
  readonly kind: 'opened' | 'changed' | 'full' | 'closed';
  /** By tenant segment: the chain's last record. */
  readonly heads: Readonly<Record<string, { readonly seq: number; readonly hash: string }>>;
}

/** Signs checkpoints. A key in memory on a laptop, one in a KMS elsewhere. */
export interface CheckpointSigner {
  /** RFC 7638 thumbprint of `publicKey`. */
  readonly kid: string;
  readonly publicKey: PublicJwk;
  /** ES256: 64 bytes, r and s (RFC 7518 § 3.4). */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface PublicJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

const checkpointType = 'toolgate-audit-checkpoint+jws';

/** A checkpoint as one line: JWS in compact form (RFC 7515 § 7.1), ES256. */
export async function signCheckpoint(checkpoint: Checkpoint, signer: CheckpointSigner): Promise<string> {
  const header = { alg: 'ES256', typ: checkpointType, kid: signer.kid };
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(checkpoint))}`;
  const signature = await signer.sign(Buffer.from(input, 'ascii'));
  if (signature.length !== 64) throw new Error(`the signer gave ${signature.length} bytes, ES256 has 64`);
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/** A line that has the form of a checkpoint. Nothing in it is proven. */
export interface UnprovenCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly kid: string;
  readonly input: string;
  readonly signature: Buffer;
}

/** Reads a line; undefined when it is no checkpoint. */
export function parseCheckpoint(line: string): UnprovenCheckpoint | undefined {
  const [header, payload, signature, ...more] = line.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
  try {
    const { alg, typ, kid, crit } = parseBase64Json(header);
    const checkpoint = parseBase64Json(payload);
    if (alg !== 'ES256' || typ !== checkpointType || typeof kid !== 'string' || crit !== undefined) return undefined;
    if (!isCheckpoint(checkpoint)) return undefined;
    return { checkpoint, kid, input: `${header}.${payload}`, signature: Buffer.from(signature, 'base64url') };
  } catch {
    return undefined;
  }
}

export function isSignedBy(unproven: UnprovenCheckpoint, key: KeyObject): boolean {
  return verify('sha256', Buffer.from(unproven.input, 'ascii'), { key, dsaEncoding: 'ieee-p1363' }, unproven.signature);
}

/** RFC 7638. Throws when it is no EC key on P-256. */
export function thumbprint({ crv, kty, x, y }: PublicJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** The public half of a JWK, a JWK set or a PEM text, by kid. Throws a sentence when there is none. */
export function readPublicKeys(text: string): Map<string, KeyObject> {
  const keys = text.includes('-----BEGIN') ? [createPublicKey(text)] : jwksOf(JSON.parse(text)).map(toKey);
  const byKid = new Map<string, KeyObject>();
  for (const key of keys) {
    if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new Error('the key is not an EC key on P-256');
    byKid.set(thumbprint(key.export({ format: 'jwk' }) as unknown as PublicJwk), key);
  }
  return byKid;
}

function jwksOf(value: { keys?: unknown }): PublicJwk[] {
  return (Array.isArray(value.keys) ? value.keys : [value]) as PublicJwk[];
}

function toKey({ kty, crv, x, y }: PublicJwk): KeyObject {
  return createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
}

function isCheckpoint(value: Partial<Checkpoint>): value is Checkpoint {
  return (
    value.v === 1 &&
    typeof value.writer === 'string' &&
    Number.isSafeInteger(value.n) &&
    typeof value.prev === 'string' &&
    typeof value.time === 'string' &&
    typeof value.kind === 'string' &&
    typeof value.heads === 'object' &&
    value.heads !== null &&
    Object.values(value.heads).every((head) => Number.isSafeInteger(head?.seq) && typeof head?.hash === 'string')
  );
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

function parseBase64Json(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return value as Record<string, unknown>;
}
