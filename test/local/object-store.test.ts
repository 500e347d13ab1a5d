import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { type RunningObjectStore, sampleObjects, startObjectStore } from '../../runtime/local/object-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { clientOf, objectStoreContract } from './object-store-contract.ts';

const logger = silentLogger();

objectStoreContract('our store', async () => {
  const { url, credentials, close } = await startObjectStore({ logger, now: Date.now });
  return { endpoint: url, credentials, close };
});

describe('our store', () => {
  let nowMs = Date.now();
  let store: RunningObjectStore;
  const listWith = async (credentials: RunningObjectStore['credentials']) => {
    const client = clientOf({ endpoint: store.url, credentials });
    try {
      return await client.send(new ListObjectsV2Command({ Bucket: 'toolgate-samples', MaxKeys: 1 }));
    } finally {
      client.destroy();
    }
  };

  before(async () => {
    store = await startObjectStore({ logger, now: () => nowMs, seed: sampleObjects });
  });
  after(() => store.close());

  test('holds the sample objects', async () => {
    const { Contents = [], IsTruncated } = await listWith(store.credentials);
    assert.deepEqual([Contents.map(({ Key }) => Key), IsTruncated], [['README.txt'], true]);
  });

  test('takes nobody who does not sign', async () => {
    const answer = await fetch(`${store.url}/toolgate-samples?list-type=2`);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /<Code>AccessDenied<\/Code>/);
  });

  test('takes no other key and no other secret', async () => {
    await assert.rejects(listWith({ ...store.credentials, accessKeyId: 'LOCALOTHER' }), { name: 'InvalidAccessKeyId' });
    await assert.rejects(listWith({ ...store.credentials, secretAccessKey: 'guess' }), {
      name: 'SignatureDoesNotMatch',
    });
  });

  test('takes no request that was signed long ago', async () => {
    nowMs += 16 * 60_000;
    try {
      await assert.rejects(listWith(store.credentials), { name: 'RequestTimeTooSkewed' });
    } finally {
      nowMs = Date.now();
    }
  });

  test('takes no request that was changed after it was signed', async () => {
    const client = clientOf({ endpoint: store.url, credentials: store.credentials });
    const changes: readonly [
      change: (request: { query: Record<string, unknown>; headers: Record<string, string>; body?: unknown }) => void,
      code: string,
    ][] = [
      [
        ({ query }) => {
          query['max-keys'] = '2';
        },
        'SignatureDoesNotMatch',
      ],
      [
        ({ headers }) => {
          headers['x-amz-meta-added'] = 'x';
        },
        'AccessDenied',
      ],
    ];
    for (const [change, code] of changes) {
      const command = new ListObjectsV2Command({ Bucket: 'toolgate-samples', MaxKeys: 1 });
      command.middlewareStack.add(
        (next) => (args) => {
          change(args.request as Parameters<typeof change>[0]);
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low' },
      );
      await assert.rejects(client.send(command), { name: code });
    }
    const put = new PutObjectCommand({ Bucket: 'toolgate-samples', Key: 'k', Body: 'aaaa' });
    put.middlewareStack.add(
      (next) => (args) => {
        (args.request as { body: unknown }).body = 'bbbb';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    await assert.rejects(client.send(put), { name: 'XAmzContentSHA256Mismatch' });
    client.destroy();
  });

  // Amazon S3, "Checking object integrity". The emulator takes such an object.
  test('takes no object whose SHA-256 is another one', async () => {
    const client = clientOf({ endpoint: store.url, credentials: store.credentials });
    const ChecksumSHA256 = Buffer.alloc(32).toString('base64');
    const put = new PutObjectCommand({ Bucket: 'toolgate-samples', Key: 'k', Body: 'a', ChecksumSHA256 });
    await assert.rejects(client.send(put), { name: 'BadDigest' });
    client.destroy();
  });

  test('says no to bad input with S3 error codes', async () => {
    const client = clientOf({ endpoint: store.url, credentials: store.credentials });
    const bad = [{ MaxKeys: -1 }, { ContinuationToken: 'nonsense' }, { EncodingType: 'gzip' as 'url' }];
    for (const input of bad) {
      await assert.rejects(client.send(new ListObjectsV2Command({ Bucket: 'toolgate-samples', ...input })), {
        name: 'InvalidArgument',
      });
    }
    client.destroy();
  });
});
