import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { rawSignature } from '../audit/kms-signer.ts';
import type { KeyEndorser } from './key-statement.ts';
import { toPublicJwk } from './signing-keys.ts';

/** A client that does not wait for ever: an endorsement is asked for again later. */
export function createKmsClient(region: string): KMSClient {
  return new KMSClient({
    region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
  });
}

/**
 * Asks the KMS once for the root key's public half. Rejects when it does not answer, and with one sentence, which names the `variable` that the
 * key comes from, when the key is of another kind.
 */
export async function openKmsEndorser(
  client: Pick<KMSClient, 'send'>,
  keyId: string,
  variable = 'UPSTREAM_KMS_KEY_ID',
): Promise<KeyEndorser> {
  const { KeySpec, KeyUsage, PublicKey } = await client
    .send(new GetPublicKeyCommand({ KeyId: keyId }))
    .catch((cause: unknown) => {
      throw cause instanceof Error && refusals.has(cause.name)
        ? new UnfitKey(`The KMS key that ${variable} names cannot be used: ${cause.name}.`, { cause })
        : cause;
    });
  if (KeySpec !== 'ECC_NIST_P256' || KeyUsage !== 'SIGN_VERIFY' || PublicKey === undefined) {
    throw new UnfitKey(
      `${variable} names a key of ${KeySpec} for ${KeyUsage}: make one of ECC_NIST_P256 for SIGN_VERIFY.`,
    );
  }
  const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  return {
    kid: toPublicJwk(publicKey.export({ format: 'jwk' })).kid,
    publicKey,
    async sign(bytes) {
      const { Signature } = await client.send(
        new SignCommand({
          KeyId: keyId,
          // Whole: a statement is far below the 4,096 bytes that KMS takes.
          Message: bytes,
          MessageType: 'RAW',
          SigningAlgorithm: 'ECDSA_SHA_256',
        }),
      );
      if (Signature === undefined) throw new Error('the KMS gave no signature');
      return rawSignature(Signature);
    },
  };
}

/** What KMS says of keys that are not there, not ours or not usable; everything else may pass. */
const refusals: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'DisabledException',
  'InvalidArnException',
  'InvalidKeyUsageException',
  'KMSInvalidStateException',
  'NotFoundException',
  'UnsupportedOperationException',
]);

/** The KMS answered: the key is not one that can endorse. */
export class UnfitKey extends Error {}
