import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../shared/logger.ts';
import { escapeXml, listObjects, type StoredObject } from './object-store-listing.ts';
import { checkSignature, decode, ObjectStoreError, type StoreCredentials } from './object-store-signature.ts';

export interface ObjectStoreOptions {
  readonly logger: Logger;
  readonly now: () => number;
  /** Buckets with their objects that are there from the start. */
  readonly seed?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * An S3-compatible store in memory: CreateBucket, PutObject (also only when the key is free, and with a SHA-256 that must fit), GetObject and
 * ListObjectsV2, path style, signed requests only.
 */
export interface RunningObjectStore {
  readonly url: string;
  readonly port: number;
  /** Made at random for this process. */
  readonly credentials: StoreCredentials;
  close(): Promise<void>;
}

/** Largest object and largest sum of all, bytes. */
const objectBytesMax = 8 * 1024 * 1024;
const storeBytesMax = 64 * 1024 * 1024;

type Buckets = Map<string, Map<string, StoredObject>>;

/** Starts the store on a free port of the loopback address. What is in it ends with the process. */
export async function startObjectStore({ logger, now, seed = {} }: ObjectStoreOptions): Promise<RunningObjectStore> {
  const credentials: StoreCredentials = {
    accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
  const buckets: Buckets = new Map();
  for (const [bucket, objects] of Object.entries(seed)) {
    buckets.set(
      bucket,
      new Map(Object.entries(objects).map(([key, text]) => [key, storedObject(Buffer.from(text), now())])),
    );
  }
  const server = createServer((request, response) => {
    answer(request, buckets, credentials, now())
      .catch((error: unknown) => errorAnswer(error, logger))
      .then(({ status, headers, body }) => {
        response.writeHead(status, { ...headers, 'x-amz-request-id': randomBytes(8).toString('hex') });
        response.end(request.method === 'HEAD' ? undefined : body);
      })
      .catch((error: unknown) => breakOff(error, response, logger));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    credentials,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A few made-up objects, enough for several pages. */
export const sampleObjects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'toolgate-samples': Object.fromEntries([
    ['README.txt', 'Made-up objects to list.\n'],
    ...Array.from({ length: 24 }, (_, n) => {
      const month = String((n % 12) + 1).padStart(2, '0');
      return [`invoices/${2025 + Math.floor(n / 12)}/${month}.csv`, `order,total_cents\n${n + 1},${1990 + n * 351}\n`];
    }),
    ['exports/customers.json', '[]\n'],
  ]),
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

async function answer(
  request: IncomingMessage,
  buckets: Buckets,
  credentials: StoreCredentials,
  nowMs: number,
): Promise<Answer> {
  const body = await readBody(request);
  checkSignature(request, body, credentials, nowMs);
  const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
  const query = new URLSearchParams(search);
  const [bucket = '', ...rest] = path.slice(1).split('/');
  const key = decode(rest.join('/'));
  if (request.method === 'PUT' && key === '') return createBucket(decode(bucket), buckets);
  const objects = buckets.get(decode(bucket));
  if (objects === undefined) throw new ObjectStoreError('NoSuchBucket', 404, 'The specified bucket does not exist');
  if (request.method === 'PUT') return putObject({ key, body, headers: request.headers }, objects, buckets, nowMs);
  if (request.method === 'GET' && key !== '') return getObject(key, objects);
  if (request.method === 'GET' && key === '' && query.get('list-type') === '2') {
    return xml(200, listObjects(decode(bucket), objects, query));
  }
  throw new ObjectStoreError('NotImplemented', 501, 'This store creates buckets, puts objects, gets and lists them.');
}

function createBucket(bucket: string, buckets: Buckets): Answer {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new ObjectStoreError('InvalidBucketName', 400, 'The specified bucket is not valid.');
  }
  if (buckets.has(bucket)) throw new ObjectStoreError('BucketAlreadyOwnedByYou', 409, 'The bucket is there already.');
  buckets.set(bucket, new Map());
  return { status: 200, headers: { location: `/${bucket}` }, body: '' };
}

function putObject(
  { key, body, headers }: { readonly key: string; readonly body: Buffer; readonly headers: IncomingHttpHeaders },
  objects: Map<string, StoredObject>,
  buckets: Buckets,
  nowMs: number,
): Answer {
  if (Buffer.byteLength(key) > 1_024) throw new ObjectStoreError('KeyTooLongError', 400, 'Your key is too long');
  const sha256 = createHash('sha256').update(body).digest('base64');
  if ((headers['x-amz-checksum-sha256'] ?? sha256) !== sha256)
    throw new ObjectStoreError('BadDigest', 400, 'The SHA256 you specified did not match the calculated checksum.');
  if (headers['if-none-match'] === '*' && objects.has(key)) {
    throw new ObjectStoreError(
      'PreconditionFailed',
      412,
      'At least one of the pre-conditions you specified did not hold',
    );
  }
  let used = body.length;
  for (const bucket of buckets.values()) for (const object of bucket.values()) used += object.bytes.length;
  if (used > storeBytesMax) throw new ObjectStoreError('EntityTooLarge', 400, 'The store is full.');
  const object = storedObject(body, nowMs);
  objects.set(key, object);
  return { status: 200, headers: { etag: `"${object.etag}"`, 'x-amz-checksum-sha256': sha256 }, body: '' };
}

function getObject(key: string, objects: ReadonlyMap<string, StoredObject>): Answer {
  const object = objects.get(key);
  if (object === undefined) throw new ObjectStoreError('NoSuchKey', 404, 'The specified key does not exist.');
  const headers = { etag: `"${object.etag}"`, 'content-type': 'application/octet-stream' };
  return { status: 200, headers, body: object.bytes };
}

function storedObject(bytes: Buffer, storedAtMs: number): StoredObject {
  return { bytes, etag: createHash('md5').update(bytes).digest('hex'), storedAtMs };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to its end all the same, so that the client hears why.
    if (size <= objectBytesMax) chunks.push(chunk);
  }
  if (size > objectBytesMax)
    throw new ObjectStoreError('EntityTooLarge', 400, 'The object is larger than this store takes.');
  return Buffer.concat(chunks);
}

function errorAnswer(error: unknown, logger: Logger): Answer {
  if (error instanceof ObjectStoreError) {
    return xml(error.status, `<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message></Error>`);
  }
  logger.error({ err: error }, 'the object store broke');
  return xml(
    500,
    '<Error><Code>InternalError</Code><Message>Something is broken in the object store.</Message></Error>',
  );
}

function breakOff(error: unknown, response: ServerResponse, logger: Logger): void {
  logger.error({ err: error }, 'the object store could not answer');
  response.destroy();
}

function xml(status: number, content: string): Answer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${content}`,
  };
}
