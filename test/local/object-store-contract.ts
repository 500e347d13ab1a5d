import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/** A store under test. */
export interface StoreUnderTest {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

/** What every S3-compatible store must do for `s3.list` and for the audit record: one suite for ours and for others. */
export function objectStoreContract(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an S3 store`, () => {
    const bucket = `contract-${randomBytes(6).toString('hex')}`;
    let store: StoreUnderTest;
    let client: S3Client;
    const list = (input: Partial<ListObjectsV2CommandInput> = {}) =>
      client.send(new ListObjectsV2Command({ Bucket: bucket, ...input }));
    const keysOf = async (input: Partial<ListObjectsV2CommandInput> = {}) =>
      ((await list(input)).Contents ?? []).map(({ Key }) => Key);
    const textOf = async (key: string) =>
      (await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body?.transformToString();
    const keys = ['a.txt', 'b/1.txt', 'b/2.txt', 'b/c/3.txt', 'd e+f&g.txt', 'Z.txt', 'ä.txt', 'z.txt'];
    // S3 sorts by UTF-8 bytes: capitals first, letters beyond ASCII last.
    const sorted = ['Z.txt', 'a.txt', 'b/1.txt', 'b/2.txt', 'b/c/3.txt', 'd e+f&g.txt', 'z.txt', 'ä.txt'];

    before(async () => {
      store = await start();
      client = clientOf(store);
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      for (const key of keys)
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: `content of ${key}` }));
    });
    after(async () => {
      client.destroy();
      await store.close();
    });

    test('lists objects with size, time and etag', async () => {
      const { Contents = [], KeyCount, IsTruncated, Name } = await list({ Prefix: 'a' });
      assert.deepEqual([Contents.length, KeyCount, IsTruncated, Name], [1, 1, false, bucket]);
      const [object] = Contents;
      assert.equal(object?.Size, 'content of a.txt'.length);
      assert.match(object?.ETag ?? '', /^"[0-9a-f]{32}"$/);
      assert.ok(Math.abs((object?.LastModified?.getTime() ?? 0) - Date.now()) < 120_000);
    });

    test('sorts keys by their bytes', async () => {
      assert.deepEqual(await keysOf(), sorted);
    });

    test('gives every key once over pages', async () => {
      const seen: (string | undefined)[] = [];
      let token: string | undefined;
      let pages = 0;
      do {
        const page = await list({ MaxKeys: 3, ...(token !== undefined && { ContinuationToken: token }) });
        assert.equal(page.IsTruncated, page.NextContinuationToken !== undefined);
        seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
        token = page.NextContinuationToken;
        pages += 1;
      } while (token !== undefined && pages < 10);
      assert.deepEqual([seen, pages], [sorted, 3]);
    });

    test('keeps to a prefix, also over pages', async () => {
      assert.deepEqual(await keysOf({ Prefix: 'b/' }), ['b/1.txt', 'b/2.txt', 'b/c/3.txt']);
      const first = await list({ Prefix: 'b/', MaxKeys: 2 });
      assert.deepEqual(await keysOf({ Prefix: 'b/', ContinuationToken: first.NextContinuationToken }), ['b/c/3.txt']);
      assert.deepEqual(await keysOf({ Prefix: 'nothing' }), []);
    });

    test('groups keys at a delimiter', async () => {
      const { Contents = [], CommonPrefixes = [] } = await list({ Delimiter: '/', Prefix: 'b/' });
      assert.deepEqual(
        Contents.map(({ Key }) => Key),
        ['b/1.txt', 'b/2.txt'],
      );
      assert.deepEqual(
        CommonPrefixes.map(({ Prefix }) => Prefix),
        ['b/c/'],
      );
    });

    test('gives every group once over pages', async () => {
      const seen: (string | undefined)[] = [];
      let token: string | undefined;
      do {
        const page = await list({
          Delimiter: '/',
          MaxKeys: 2,
          ...(token !== undefined && { ContinuationToken: token }),
        });
        assert.ok((page.KeyCount ?? 0) <= 2);
        seen.push(
          ...(page.Contents ?? []).map(({ Key }) => Key),
          ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
        );
        token = page.NextContinuationToken;
      } while (token !== undefined && seen.length < 20);
      assert.deepEqual(seen.sort(), ['Z.txt', 'a.txt', 'b/', 'd e+f&g.txt', 'z.txt', 'ä.txt'].sort());
    });

    test('starts after a key', async () => {
      assert.deepEqual(await keysOf({ StartAfter: 'b/c/3.txt' }), ['d e+f&g.txt', 'z.txt', 'ä.txt']);
    });

    test('encodes keys when asked to', async () => {
      const { Contents = [], EncodingType } = await list({ Prefix: 'd ', EncodingType: 'url' });
      assert.equal(EncodingType, 'url');
      assert.equal(decodeURIComponent((Contents[0]?.Key ?? '').replaceAll('+', '%20')), 'd e+f&g.txt');
    });

    test('replaces an object that is put again', async () => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a.txt', Body: 'new' }));
      const { Contents = [] } = await list({ Prefix: 'a' });
      assert.deepEqual(
        Contents.map(({ Size }) => Size),
        [3],
      );
    });

    test('puts an object only once when that is asked for, and keeps the first', async () => {
      const put = (text: string) =>
        client.send(new PutObjectCommand({ Bucket: bucket, Key: 'once/1', Body: text, IfNoneMatch: '*' }));
      await put('first');
      await assert.rejects(put('second'), { name: 'PreconditionFailed' });
      assert.equal(await textOf('once/1'), 'first');
    });

    test('of many that put one key at once, one succeeds', async () => {
      const puts = Array.from({ length: 8 }, (_, n) =>
        client.send(new PutObjectCommand({ Bucket: bucket, Key: 'once/2', Body: `${n}`, IfNoneMatch: '*' })),
      );
      const ends = await Promise.allSettled(puts);
      assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal(await textOf('once/2'), String(ends.findIndex(({ status }) => status === 'fulfilled')));
    });

    test('takes a SHA-256 that fits, and gives bytes back as they were', async () => {
      const bytes = randomBytes(70_000);
      const sum = createHash('sha256').update(bytes).digest('base64');
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'bytes', Body: bytes, ChecksumSHA256: sum }));
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'bytes' }));
      assert.deepEqual(Buffer.from((await Body?.transformToByteArray()) ?? []), bytes);
      await assert.rejects(client.send(new GetObjectCommand({ Bucket: bucket, Key: 'nothing' })), {
        name: 'NoSuchKey',
      });
    });

    test('has no bucket that nobody made', async () => {
      await assert.rejects(list({ Bucket: 'nobody-made-this' }), { name: 'NoSuchBucket' });
    });
  });
}

export function clientOf({ endpoint, credentials }: Pick<StoreUnderTest, 'endpoint' | 'credentials'>): S3Client {
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 });
}
