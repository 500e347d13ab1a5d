import type { IncomingMessage } from 'node:http';
import { refusalCodes } from '../../contract/refusal-codes.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { RequestHeaders } from './read-headers.ts';

/**
 * Checks what the headers say of the body, before a byte of it is read.
 * Throws Refusal `media_type_unsupported`, `encoding_unsupported`, `not_acceptable` or `body_too_large`.
 */
export function checkBodyHeaders(headers: RequestHeaders, bodyBytesMax: number): void {
  const { values, repeated } = headers;
  // RFC 9112 § 6.1: a coding that we do not know hides where the message ends.
  const coding = values['transfer-encoding'];
  if (coding !== undefined && (repeated.has('transfer-encoding') || coding.toLowerCase() !== 'chunked')) {
    throw new Refusal('encoding_unsupported');
  }
  const type = values['content-type'];
  if (type === undefined || repeated.has('content-type') || !isJsonType(type)) {
    throw new Refusal('media_type_unsupported');
  }
  // A compressed body is a bomb that only its reader can defuse; MCP clients send none.
  if (values['content-encoding'] !== undefined && values['content-encoding'].toLowerCase() !== 'identity') {
    throw new Refusal('encoding_unsupported');
  }
  const { accept } = values;
  if (accept !== undefined && !(accepts(accept, 'application/json') && accepts(accept, 'text/event-stream'))) {
    throw new Refusal('not_acceptable');
  }
  const announced = Number(values['content-length'] ?? 0);
  if (announced > bodyBytesMax) throw tooLarge(`${announced}`, bodyBytesMax);
}

/** Reads the whole body; stops at `bodyBytesMax`. A client that goes away before its body ends is `client_cancelled`. */
export function readBody(request: IncomingMessage, bodyBytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let chunks: Buffer[] | undefined;
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyBytesMax) {
        request.removeAllListeners('data');
        reject(tooLarge(`More than ${bodyBytesMax}`, bodyBytesMax));
      } else if (first === undefined) first = chunk;
      else if (chunks === undefined) chunks = [first, chunk];
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(chunks, size)));
    request.on('error', (cause) => reject(new Refusal('client_cancelled', {}, { cause })));
  });
}

/** With both numbers, so that whoever wrote the message can mend it. */
function tooLarge(sent: string, bodyBytesMax: number): Refusal {
  const reason = `${refusalCodes.body_too_large} ${sent} bytes were sent, and ${bodyBytesMax} are read at most.`;
  return new Refusal('body_too_large', { reason });
}

function isJsonType(type: string): boolean {
  if (type === 'application/json') return true;
  return /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type.trim());
}

function accepts(accept: string, type: string): boolean {
  // What every MCP client sends.
  if (accept === 'application/json, text/event-stream') return true;
  const [group] = type.split('/');
  return accept.split(',').some((item) => {
    const [range = '', ...parameters] = item
      .toLowerCase()
      .split(';')
      .map((part) => part.trim());
    if (range !== type && range !== '*/*' && range !== `${group}/*`) return false;
    return !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
