import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { type CheckpointSigner, type PublicJwk, thumbprint } from './checkpoint.ts';

/** AWS KMS API, Sign: a message of more is given as its digest. A checkpoint of many tenants is longer. */
const rawMessageBytesMax = 4096;

/**
 * A signer whose private key never leaves the KMS. Rejects with one sentence when the key cannot be used or is not an ECC_NIST_P256 key for
 * SIGN_VERIFY.
 */
export async function openKmsSigner(client: Pick<KMSClient, 'send'>, keyId: string): Promise<CheckpointSigner> {
  const answer = await client.send(new GetPublicKeyCommand({ KeyId: keyId })).catch((cause: unknown) => {
    throw new Error(`The KMS key ${keyId} of the audit record cannot be read: ${nameOf(cause)}.`, { cause });
  });
  const { KeySpec, KeyUsage, PublicKey } = answer;
  if (KeySpec !== 'ECC_NIST_P256' || KeyUsage !== 'SIGN_VERIFY' || PublicKey === undefined)
    throw new Error(
      `The KMS key ${keyId} is ${KeySpec} for ${KeyUsage}: the audit record is signed with an ECC_NIST_P256 key for SIGN_VERIFY.`,
    );
  const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  const { kty, crv, x, y } = key.export({ format: 'jwk' }) as unknown as PublicJwk;
  const publicKey: PublicJwk = { kty, crv, x, y };
  return {
    kid: thumbprint(publicKey),
    publicKey,
    async sign(bytes) {
      const message =
        bytes.length <= rawMessageBytesMax
          ? ({ Message: bytes, MessageType: 'RAW' } as const)
          : ({ Message: createHash('sha256').update(bytes).digest(), MessageType: 'DIGEST' } as const);
      const { Signature } = await client.send(
        new SignCommand({ KeyId: keyId, ...message, SigningAlgorithm: 'ECDSA_SHA_256' }),
      );
      if (Signature === undefined) throw new Error('the KMS gave no signature');
      return rawSignature(Signature);
    },
  };
}

export function createAuditKmsClient(): KMSClient {
  return new KMSClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
}

/**
 * The 64 bytes r and s (RFC 7515 § 3.4 via RFC 7518 § 3.4) of a DER signature (RFC 3279 § 2.2.3: SEQUENCE of two INTEGERs). Throws when it is
 * none of P-256.
 */
export function rawSignature(der: Uint8Array): Uint8Array {
  const bytes = Buffer.from(der);
  const raw = Buffer.alloc(64);
  let at = 2;
  let isWhole = bytes[0] === 0x30 && bytes[1] === bytes.length - 2;
  for (const end of [32, 64]) {
    const length = bytes[at + 1] ?? 0;
    let integer = bytes.subarray(at + 2, at + 2 + length);
    isWhole &&= bytes[at] === 0x02 && length > 0 && integer.length === length;
    // A leading zero keeps a number with its highest bit set positive.
    while (integer.length > 32 && integer[0] === 0) integer = integer.subarray(1);
    isWhole &&= integer.length <= 32;
    if (!isWhole) throw new Error('the KMS gave a signature that is not one of ECDSA on P-256');
    integer.copy(raw, end - integer.length);
    at += 2 + length;
  }
  if (at !== bytes.length) throw new Error('the KMS gave a signature that is not one of ECDSA on P-256');
  return raw;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}, ${error.message}` : String(error);
}
