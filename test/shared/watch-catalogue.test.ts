import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogueSnapshot } from '../../runtime/contract/registry.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { type CatalogueWatch, watchCatalogue } from '../../runtime/shared/watch-catalogue.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const one = sampleServer('one', [sampleVersion('http://127.0.0.1:1/mcp', [sampleTool({ name: 'echo' })])]);
const unavailable = (error: unknown) => error instanceof Refusal && error.code === 'catalogue_unavailable';

/** A store in the hands of the test; what it throws is its answer. */
function scripted() {
  const script = {
    snapshot: { version: 1, servers: [one] } as CatalogueSnapshot,
    failure: undefined as Error | undefined,
    reads: 0,
  };
  const answer = <T>(value: () => T) => {
    if (script.failure !== undefined) return Promise.reject<T>(script.failure);
    return Promise.resolve(value());
  };
  const store = {
    readVersion: () => answer(() => script.snapshot.version),
    read: () =>
      answer(() => {
        script.reads += 1;
        return structuredClone(script.snapshot);
      }),
  };
  return { script, store };
}

function watch(t: { after(fn: () => void): void }, options: Partial<Parameters<typeof watchCatalogue>[0]>) {
  const { store } = scripted();
  const watched = watchCatalogue({ store, now: Date.now, logger: silentLogger(), intervalMs: 0, ...options });
  t.after(() => watched.close());
  return watched;
}

test('the catalogue in DynamoDB is followed', async (t) => {
  const { client } = await openTestDynamo(t);
  const store = createCatalogueStore({ client, tablePrefix });
  const changes: number[] = [];
  const seen = Promise.withResolvers<void>();
  const onChange = ({ version }: CatalogueSnapshot) => {
    changes.push(version);
    if (version === 1) seen.resolve();
  };
  const watched = watch(t, { store, intervalMs: 5, onChange });
  await watched.refresh();
  assert.deepEqual(watched.current(), { version: 0, servers: [] });
  await store.put(one);
  await seen.promise;
  assert.deepEqual(watched.current().servers, [one]);
  assert.deepEqual(changes, [0, 1]);
  watched.close();
  // So that no look is under way when the store closes.
  await watched.refresh();
});

test('there is no catalogue before the first good read, and there is one as soon as the store answers', async (t) => {
  const { script, store } = scripted();
  script.failure = new Refusal('catalogue_unavailable');
  const watched = watch(t, { store });
  assert.throws(() => watched.current(), unavailable);
  assert.equal((await watched.refresh()).isStale, true);
  assert.throws(() => watched.current(), unavailable);
  script.failure = undefined;
  assert.deepEqual(await watched.refresh(), {
    version: 1,
    confirmedAtMs: watched.status().confirmedAtMs,
    isStale: false,
  });
  assert.equal(watched.current().version, 1);
});

test('the last good catalogue is served while the store is gone, for five minutes and no longer', async (t) => {
  const { script, store } = scripted();
  let nowMs = 1_795_000_000_000;
  const watched = watch(t, { store, now: () => nowMs });
  await watched.refresh();
  script.failure = new Error('gone');
  nowMs += 299_000;
  assert.deepEqual(await watched.refresh(), { version: 1, confirmedAtMs: nowMs - 299_000, isStale: true });
  assert.equal(watched.current().version, 1);
  nowMs += 1000;
  assert.equal(watched.current().version, 1);
  nowMs += 1;
  assert.throws(() => watched.current(), unavailable);
  script.failure = undefined;
  await watched.refresh();
  assert.equal(watched.current().version, 1);
});

test('a snapshot is kept, as the same object, until the version moves', async (t) => {
  const { script, store } = scripted();
  const watched = watch(t, { store, now: () => 0 });
  await watched.refresh();
  const first = watched.current();
  await watched.refresh();
  assert.equal(watched.current(), first);
  assert.equal(script.reads, 1);
  script.snapshot = { version: 2, servers: [] };
  await watched.refresh();
  assert.deepEqual(watched.current(), { version: 2, servers: [] });
});

test('a version that goes back, as after a restored table, is another version', async (t) => {
  const { script, store } = scripted();
  const watched = watch(t, { store });
  await watched.refresh();
  script.snapshot = { version: 0, servers: [] };
  await watched.refresh();
  assert.deepEqual(watched.current(), { version: 0, servers: [] });
});

test('a change whose writer died before its bump is seen within a minute', async (t) => {
  const { script, store } = scripted();
  let nowMs = 0;
  const watched = watch(t, { store, now: () => nowMs });
  await watched.refresh();
  script.snapshot = { version: 1, servers: [] };
  nowMs = 59_999;
  await watched.refresh();
  assert.equal(watched.current().servers.length, 1);
  nowMs = 60_000;
  await watched.refresh();
  assert.equal(watched.current().servers.length, 0);
});

test('looks come one after the other, so that an older answer never wins', async (t) => {
  const gates: PromiseWithResolvers<CatalogueSnapshot>[] = [];
  const store = {
    readVersion: () => Promise.resolve(1),
    read: () => {
      const gate = Promise.withResolvers<CatalogueSnapshot>();
      gates.push(gate);
      return gate.promise;
    },
  };
  const watched: CatalogueWatch = watch(t, { store });
  const both = Promise.all([watched.refresh(), watched.refresh()]);
  await new Promise(setImmediate);
  assert.equal(gates.length, 1);
  for (let version = 1; version <= 3; version += 1) {
    gates[version - 1]?.resolve({ version: 10 * version, servers: [] });
    await new Promise(setImmediate);
  }
  await both;
  assert.equal(watched.current().version, 30);
});
