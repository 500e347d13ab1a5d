import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** KMS over its own protocol (AWS JSON 1.1), with real P-256 keys, as far as our services use it. */
export interface KmsDouble {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Of ECC_NIST_P256 for SIGN_VERIFY. */
  readonly keyId: string;
  /** Commands that were answered, by name, e.g. `Sign`. */
  readonly calls: ReadonlyMap<string, number>;
  /** Answers every request with this error from now on; undefined: answers again. */
  failure: { readonly status: number; readonly type: string } | undefined;
  close(): Promise<void>;
}

interface HeldKey {
  readonly spec: 'ECC_NIST_P256' | 'ECC_NIST_P384';
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

type Input = Readonly<Record<string, unknown>>;

export async function startKmsDouble(): Promise<KmsDouble> {
  const keys = new Map<string, HeldKey>();
  const calls = new Map<string, number>();
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const double: KmsDouble = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    keyId: createKey(keys, 'ECC_NIST_P256'),
    calls,
    failure: undefined,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const input = JSON.parse((await text(request)) || '{}') as Input;
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '');
    const answer = double.failure ?? answerOf(action, input, keys);
    const isFailure = 'type' in answer;
    if (!isFailure) calls.set(action, (calls.get(action) ?? 0) + 1);
    response.writeHead(isFailure ? answer.status : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isFailure ? { __type: answer.type, message: answer.type } : answer));
  }
  return double;
}

function createKey(keys: Map<string, HeldKey>, spec: HeldKey['spec']): string {
  const id = randomUUID();
  const pair = generateKeyPairSync('ec', { namedCurve: spec === 'ECC_NIST_P256' ? 'P-256' : 'P-384' });
  keys.set(id, { spec, ...pair });
  return id;
}

function answerOf(action: string, input: Input, keys: Map<string, HeldKey>) {
  if (action === 'CreateKey') {
    const spec = input.KeySpec === 'ECC_NIST_P384' ? 'ECC_NIST_P384' : 'ECC_NIST_P256';
    return { KeyMetadata: { KeyId: createKey(keys, spec), KeySpec: spec, KeyUsage: 'SIGN_VERIFY' } };
  }
  const key = keys.get(String(input.KeyId));
  if (key === undefined) return fault('NotFoundException');
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
      if (input.SigningAlgorithm !== algorithm) return fault('InvalidKeyUsageException');
      // Node signs no digest that was made elsewhere.
      if (input.MessageType !== 'RAW' || message.length === 0 || message.length > 4096) {
        return fault('ValidationException');
      }
      const signature = sign(algorithm.replace('ECDSA_SHA_', 'sha'), message, key.privateKey);
      return { KeyId: input.KeyId, Signature: signature.toString('base64'), SigningAlgorithm: algorithm };
    }
    default:
      return fault('UnknownOperationException');
  }
}

function fault(type: string) {
  return { status: 400, type };
}
