import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { type AwsInput, type AwsJsonDouble, awsFault, startAwsJsonDouble } from './aws-json-double.ts';

/** KMS over its own protocol (AWS JSON 1.1), with real P-256 keys, as far as our services use it. */
export interface KmsDouble extends AwsJsonDouble {
  /** Of ECC_NIST_P256 for SIGN_VERIFY. */
  readonly keyId: string;
  /** Commands that were answered, by name, e.g. `Sign`. */
  readonly calls: ReadonlyMap<string, number>;
}

interface HeldKey {
  readonly spec: 'ECC_NIST_P256' | 'ECC_NIST_P384';
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export async function startKmsDouble(): Promise<KmsDouble> {
  const keys = new Map<string, HeldKey>();
  const calls = new Map<string, number>();
  const double = await startAwsJsonDouble('TrentService', (action, input) => {
    const answer = answerOf(action, input, keys);
    if (!('type' in answer)) calls.set(action, (calls.get(action) ?? 0) + 1);
    return answer;
  });
  return Object.assign(double, { keyId: createKey(keys, 'ECC_NIST_P256'), calls });
}

function createKey(keys: Map<string, HeldKey>, spec: HeldKey['spec']): string {
  const id = randomUUID();
  const pair = generateKeyPairSync('ec', { namedCurve: spec === 'ECC_NIST_P256' ? 'P-256' : 'P-384' });
  keys.set(id, { spec, ...pair });
  return id;
}

function answerOf(action: string, input: AwsInput, keys: Map<string, HeldKey>) {
  if (action === 'CreateKey') {
    const spec = input.KeySpec === 'ECC_NIST_P384' ? 'ECC_NIST_P384' : 'ECC_NIST_P256';
    return { KeyMetadata: { KeyId: createKey(keys, spec), KeySpec: spec, KeyUsage: 'SIGN_VERIFY' } };
  }
  const key = keys.get(String(input.KeyId));
  if (key === undefined) return awsFault('NotFoundException');
  const algorithm = key.spec === 'ECC_NIST_P256' ? 'ECDSA_SHA_256' : 'ECDSA_SHA_384';
  switch (action) {
    case 'GetPublicKey':
      return {
        KeyId: input.KeyId,
        KeySpec: key.spec,
        KeyUsage: 'SIGN_VERIFY',
        PublicKey: key.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
        SigningAlgorithms: [algorithm],
      };
    case 'Sign': {
      const message = Buffer.from(String(input.Message), 'base64');
      if (input.SigningAlgorithm !== algorithm) return awsFault('InvalidKeyUsageException');
      // Node signs no digest that was made elsewhere.
      if (input.MessageType !== 'RAW' || message.length === 0 || message.length > 4096) {
        return awsFault('ValidationException');
      }
      const signature = sign(algorithm.replace('ECDSA_SHA_', 'sha'), message, key.privateKey);
      return { KeyId: input.KeyId, Signature: signature.toString('base64'), SigningAlgorithm: algorithm };
    }
    default:
      return awsFault('UnknownOperationException');
  }
}
