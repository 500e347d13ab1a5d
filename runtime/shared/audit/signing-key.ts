import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { diskReason, errorCode } from './audit-files.ts';
import { type CheckpointSigner, type PublicJwk, thumbprint } from './checkpoint.ts';

/**
 * A signer with the private key in `file`, which is made on first use (0600, its folder 0700). Throws a sentence when the file cannot be
 * read or made, is no such key, or can be read by others.
 */
export function openSigningKey(file: string): CheckpointSigner {
  try {
    if (!fs.existsSync(file)) makeKey(file);
    const { mode } = fs.statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(`others may read it (mode ${(mode & 0o777).toString(8)}); run chmod 600 on it`);
    return toSigner(readJwk(file));
  } catch (cause) {
    throw new Error(`The audit signing key ${file} cannot be used: ${diskReason(cause)}.`, { cause });
  }
}

/** Publishes the public key beside the records. */
export function publishKey(folder: string, signer: CheckpointSigner): void {
  const file = join(folder, `${signer.kid}.json`);
  if (fs.existsSync(file)) return;
  const jwk = { ...signer.publicKey, kid: signer.kid, alg: 'ES256', use: 'sig' };
  // A name of its own: two processes that start at once publish the same key.
  const beside = `${file}.${randomBytes(6).toString('hex')}.new`;
  fs.writeFileSync(beside, `${JSON.stringify(jwk)}\n`, { mode: 0o644, flush: true });
  fs.renameSync(beside, file);
}

function makeKey(file: string): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = `${JSON.stringify(privateKey.export({ format: 'jwk' }))}\n`;
  fs.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomBytes(6).toString('hex')}`;
  fs.writeFileSync(beside, text, { mode: 0o600, flag: 'wx', flush: true });
  try {
    // Of two processes that start at once, one makes the key and both read that one.
    fs.linkSync(beside, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(beside);
  }
}

function readJwk(file: string): PublicJwk & { readonly d?: string } {
  const text = fs.readFileSync(file, 'utf8');
  try {
    return Object(JSON.parse(text));
  } catch (cause) {
    throw new Error(notAKey, { cause });
  }
}

const notAKey =
  'it is not a private EC key on P-256 as a JWK; put the right file back, or remove it to start with a new key';

function toSigner(jwk: PublicJwk & { readonly d?: string }): CheckpointSigner {
  const { kty, crv, x, y, d } = jwk;
  if (kty !== 'EC' || crv !== 'P-256' || typeof d !== 'string') throw new Error(notAKey);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: { kty, crv, x, y, d }, format: 'jwk' });
  } catch (cause) {
    throw new Error(notAKey, { cause });
  }
  const publicKey: PublicJwk = { kty, crv, x, y };
  return {
    kid: thumbprint(publicKey),
    publicKey,
    sign: (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }),
  };
}
