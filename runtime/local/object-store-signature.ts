import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A no of the object store, with the error code of S3's REST API. */
export class ObjectStoreError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, sentence: string) {
    super(sentence);
    this.code = code;
    this.status = status;
  }
}

export interface StoreCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** How far clocks may be apart, milliseconds. Amazon S3, "Error responses", RequestTimeTooSkewed. */
const skewMaxMs = 900_000;

/**
 * Verifies a request that is signed in its Authorization header (AWS Signature Version 4, "Create a signed AWS API request") and that
 * its body is the one that was signed. Throws {@link ObjectStoreError}.
 */
export function checkSignature(
  request: IncomingMessage,
  body: Buffer,
  credentials: StoreCredentials,
  nowMs: number,
): void {
  const { headers } = request;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([\w-]+)\/s3\/aws4_request,\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (parts === null) throw new ObjectStoreError('AccessDenied', 403, 'Access Denied');
  const [, accessKeyId, date, region, signedHeaders, signature] = parts as unknown as string[];
  if (accessKeyId !== credentials.accessKeyId) {
    throw new ObjectStoreError('InvalidAccessKeyId', 403, 'The access key does not exist.');
  }
  const time = String(headers['x-amz-date'] ?? '');
  checkTime(time, date as string, nowMs);
  checkPayload(String(headers['x-amz-content-sha256'] ?? ''), body);
  const names = (signedHeaders as string).split(';');
  const isLeftOut = (name: string) => (name === 'host' || name.startsWith('x-amz-')) && !names.includes(name);
  if (Object.keys(headers).some(isLeftOut))
    throw new ObjectStoreError('AccessDenied', 403, 'There are headers that are not signed.');
  const canonical = canonicalRequest(request, names);
  const scope = `${date}/${region}/s3/aws4_request`;
  const key = [region, 's3', 'aws4_request'].reduce<Buffer | string>(
    (previous, part) => hmac(previous, part as string),
    hmac(`AWS4${credentials.secretAccessKey}`, date as string),
  );
  const expected = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`);
  if (!timingSafeEqual(expected, Buffer.from(signature as string, 'hex'))) {
    throw new ObjectStoreError(
      'SignatureDoesNotMatch',
      403,
      'The signature is not the one that belongs to this request.',
    );
  }
}

function checkTime(time: string, date: string, nowMs: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (parts === null || !time.startsWith(date)) {
    throw new ObjectStoreError('AccessDenied', 403, 'The request has no valid x-amz-date.');
  }
  const [, year, month, day, hour, minute, second] = parts.map(Number) as number[];
  const sentMs = Date.UTC(year as number, (month as number) - 1, day, hour, minute, second);
  if (Math.abs(nowMs - sentMs) > skewMaxMs) {
    throw new ObjectStoreError('RequestTimeTooSkewed', 403, 'The clocks are too far apart.');
  }
}

function checkPayload(declared: string, body: Buffer): void {
  if (declared === 'UNSIGNED-PAYLOAD') return;
  if (declared.startsWith('STREAMING-')) {
    throw new ObjectStoreError('NotImplemented', 501, 'Bodies in signed chunks are not supported here.');
  }
  if (declared !== sha256(body)) {
    throw new ObjectStoreError('XAmzContentSHA256Mismatch', 400, 'The body is not the one that was signed.');
  }
}

function canonicalRequest(
  { method, url = '/', headersDistinct, headers }: IncomingMessage,
  names: readonly string[],
): string {
  const [path = '/', query = ''] = url.split('?', 2);
  const parameters = query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [name = '', value = ''] = parameter.split('=', 2);
      return `${encode(decode(name))}=${encode(decode(value))}`;
    })
    .sort();
  const canonicalHeaders = names.map((name) => {
    const value = (headersDistinct[name] ?? []).join(',').trim().replace(/ +/g, ' ');
    return `${name}:${value}\n`;
  });
  return [
    method,
    path.split('/').map(decode).map(encode).join('/'),
    parameters.join('&'),
    canonicalHeaders.join(''),
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
}

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ObjectStoreError('InvalidURI', 400, 'The URI is not encoded as it should be.');
  }
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
