import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../../../runtime/contract/json.ts';
import { type RunningObjectStore, startObjectStore } from '../../../runtime/local/object-store.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';
import { s3List } from '../../../runtime/tools/read/s3-list.ts';
import type { ServedTool } from '../../../runtime/tools/served-tool.ts';
import { callTool, errorOf, structureOf } from '../call-tool.ts';

describe('s3.list', () => {
  const keys = ['a/1', 'a/2', 'a/3', 'b/1', 'ü.txt'];
  let store: RunningObjectStore;
  let client: S3Client;
  let tool: ServedTool;
  const list = async (args: JsonObject) =>
    structureOf(await callTool(tool, args)) as { objects: { key: string }[]; next_cursor: string | null };
  const keysOf = async (args: JsonObject) => (await list(args)).objects.map(({ key }) => key);
  const refused = async (args: JsonObject) => errorOf(await callTool(tool, args));

  before(async () => {
    const objects = Object.fromEntries(keys.map((key) => [key, `content of ${key}`]));
    store = await startObjectStore({
      logger: silentLogger(),
      now: Date.now,
      seed: { open: objects, other: objects, closed: objects },
    });
    client = clientFor(store.url, store.credentials);
    tool = s3List(client, { buckets: ['open', 'other', 'missing'] });
  });
  after(async () => {
    client.destroy();
    await store.close();
  });

  test('lists objects with size, time and etag, as its schema says', async () => {
    const page = await list({ bucket: 'open' });
    assert.deepEqual(
      page.objects.map(({ key }) => key),
      keys,
    );
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(tool.definition.outputSchema ?? {});
    assert.ok(validate(page), JSON.stringify(validate.errors));
    const [first] = page.objects as unknown as { size: number; last_modified: string; etag: string }[];
    assert.equal(first?.size, 'content of a/1'.length);
    assert.match(first?.last_modified ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.match(first?.etag ?? '', /^[0-9a-f]{32}$/);
  });

  test('gives every object once, page by page', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list({
        bucket: 'open',
        page_size: 2,
        ...(cursor !== null && { cursor }),
      });
      seen.push(...page.objects.map(({ key }) => key));
      cursor = page.next_cursor;
    } while (cursor !== null && seen.length < 20);
    assert.deepEqual(seen, keys);
  });

  test('keeps to the prefix', async () => {
    assert.deepEqual(await keysOf({ bucket: 'open', prefix: 'a/' }), ['a/1', 'a/2', 'a/3']);
    assert.deepEqual(await keysOf({ bucket: 'open', prefix: 'a/3' }), ['a/3']);
    assert.deepEqual(await keysOf({ bucket: 'open', prefix: 'c' }), []);
  });

  test('a cursor is good for its own list only', async () => {
    const { next_cursor: cursor } = await list({ bucket: 'open', prefix: 'a/', page_size: 1 });
    assert.deepEqual(await keysOf({ bucket: 'open', prefix: 'a/', cursor }), ['a/2', 'a/3']);
    for (const args of [
      { bucket: 'open', cursor },
      { bucket: 'open', prefix: 'b/', cursor },
      { bucket: 'other', prefix: 'a/', cursor },
      { bucket: 'open', prefix: 'a/', cursor: 'nonsense' },
      { bucket: 'open', prefix: 'a/', cursor: Buffer.from('["x","y"]').toString('base64url') },
      { bucket: 'open', prefix: 'a/', cursor: '' },
    ]) {
      assert.equal((await refused(args)).code, 'cursor_invalid', JSON.stringify(args));
    }
  });

  test('knows no bucket but those it was given, and says nothing of the others', async () => {
    const closed = await refused({ bucket: 'closed' });
    const nowhere = await refused({ bucket: 'nowhere' });
    assert.equal(closed.code, 'no_such_bucket');
    assert.equal(closed.message.replace('closed', ''), nowhere.message.replace('nowhere', ''));
    assert.equal((await refused({ bucket: 'missing' })).code, 'no_such_bucket');
  });

  test('takes no path and no control character for a prefix', async () => {
    for (const prefix of [
      '../closed/',
      'a/../b',
      '..',
      '/a',
      'a/./b',
      '%2e%2e%2fclosed',
      'a\\..\\b',
      '．．/',
      '%2Fetc',
      'a\u0000',
      'a\r\nb',
      'a\u202eb',
      'a\u2028b',
    ]) {
      assert.equal((await refused({ bucket: 'open', prefix })).code, 'prefix_invalid', JSON.stringify(prefix));
    }
    assert.deepEqual(await keysOf({ bucket: 'open', prefix: '100% sure..' }), []);
  });

  test('a wrong key for the store is a clear no', async () => {
    const stranger = clientFor(store.url, { accessKeyId: 'LOCALSTRANGER', secretAccessKey: 'x' });
    assert.equal(
      errorOf(await callTool(s3List(stranger, { buckets: ['open'] }), { bucket: 'open' })).code,
      'access_denied',
    );
    stranger.destroy();
  });

  test('a store that is gone is a clear no', async () => {
    const nowhere = clientFor('http://127.0.0.1:1', store.credentials);
    assert.equal(
      errorOf(await callTool(s3List(nowhere, { buckets: ['open'] }), { bucket: 'open' })).code,
      'store_unreachable',
    );
    nowhere.destroy();
  });

  test('a caller who leaves ends the request to the store', async () => {
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const silent = createServer((request) => {
      request.on('close', () => left.resolve());
      asked.resolve();
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const waiting = clientFor(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, store.credentials);
    const leaving = new AbortController();
    const call = callTool(s3List(waiting, { buckets: ['open'] }), { bucket: 'open' }, leaving.signal);
    await asked.promise;
    leaving.abort();
    assert.equal(errorOf(await call).code, 'cancelled');
    await left.promise;
    waiting.destroy();
    silent.closeAllConnections();
    silent.close();
  });
});

function clientFor(endpoint: string, credentials: RunningObjectStore['credentials']): S3Client {
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 });
}
