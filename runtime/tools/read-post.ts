import type { IncomingMessage } from 'node:http';
import type { Json } from '../contract/json.ts';
import { JsonError, type JsonFault, parseJson } from '../shared/parse-json.ts';
import { Refusal } from '../shared/refusal.ts';

const jsonLimits = { depthMax: 64, valuesMax: 100_000 };

const codes = {
  malformed: 'json_malformed',
  'too-complex': 'json_too_complex',
  unsafe: 'json_unsafe',
} as const satisfies Record<JsonFault, string>;

/**
 * Reads and parses the body of a POST. Throws Refusal `media_type_unsupported`, `encoding_unsupported`, `body_too_large`,
 * `client_cancelled`, `json_malformed`, `json_too_complex` or `json_unsafe`.
 */
export async function readPost(request: IncomingMessage, bodyBytesMax: number): Promise<Json> {
  const { headers } = request;
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) throw new Refusal('media_type_unsupported');
  if (![undefined, 'identity'].includes(headers['content-encoding'])) throw new Refusal('encoding_unsupported');
  const bytes = await readBytes(request, bodyBytesMax);
  try {
    return parseJson(bytes, jsonLimits);
  } catch (error) {
    if (error instanceof JsonError) throw new Refusal(codes[error.fault], { reason: error.message }, { cause: error });
    throw error;
  }
}

function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = () => {
      // Paused, not destroyed: the answer goes out on the same socket.
      request.pause();
      reject(new Refusal('body_too_large'));
    };
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) return tooLarge();
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) tooLarge();
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks, size)));
    request.on('error', (cause) => reject(new Refusal('client_cancelled', {}, { cause })));
  });
}
