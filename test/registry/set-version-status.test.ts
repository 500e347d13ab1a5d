import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StatusChange, setVersionStatus } from '../../runtime/registry/set-version-status.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const atMs = 1_795_000_000_000;
const guideUrl = 'https://docs.test/echo-v2';

async function world(t: Parameters<typeof openTestDynamo>[0]) {
  const { client } = await openTestDynamo(t);
  const store = createCatalogueStore({ client, tablePrefix });
  const tools = [sampleTool({ name: 'echo' })];
  const url = 'http://127.0.0.1:1/mcp';
  await store.put(
    sampleServer('echo', [sampleVersion(url, tools), sampleVersion(url, tools, { version: '2.0.0', major: 2 })]),
  );
  const set = async (change: StatusChange, version = '1.0.0') => {
    const { versions } = await setVersionStatus(store, 'echo', version, change);
    const { tools: _tools, upstreamUrl: _url, audience: _audience, major: _major, ...rest } = versions[0] ?? {};
    return rest;
  };
  return { store, set };
}

test('a version is deprecated, sunset and taken back, and the catalogue moves on each time', async (t) => {
  const { store, set } = await world(t);
  const deprecated = { status: 'deprecated', deprecatedAtMs: atMs, sunsetAtMs: atMs + 1, guideUrl } as const;
  assert.deepEqual(await set(deprecated), { version: '1.0.0', ...deprecated });
  assert.deepEqual(await set({ status: 'sunset', sunsetAtMs: atMs + 2 }), {
    version: '1.0.0',
    ...deprecated,
    status: 'sunset',
    sunsetAtMs: atMs + 2,
  });
  assert.deepEqual(await set({ status: 'active' }), { version: '1.0.0', status: 'active' });
  assert.equal(await store.readVersion(), 4);
  assert.equal((await store.get('echo'))?.versions[1]?.status, 'active');
});

test('a version is disabled with the reason for its owner, which goes when it is back', async (t) => {
  const { set } = await world(t);
  const disabled = await set({ status: 'disabled', reason: 'It leaks.' });
  assert.deepEqual(disabled, { version: '1.0.0', status: 'disabled', statusReason: 'It leaks.' });
  assert.deepEqual(await set({ status: 'active' }), { version: '1.0.0', status: 'active' });
});

test('a version that is not there cannot change', async (t) => {
  const { store, set } = await world(t);
  const unknown = (error: unknown) => error instanceof Refusal && error.code === 'server_unknown';
  await assert.rejects(set({ status: 'active' }, '9.9.9'), unknown);
  await assert.rejects(setVersionStatus(store, 'nobody', '1.0.0', { status: 'active' }), unknown);
});

const senseless: Readonly<Record<string, StatusChange>> = {
  'a sunset before the deprecation': { status: 'deprecated', deprecatedAtMs: atMs, sunsetAtMs: atMs - 1 },
  'a time that is none': { status: 'sunset', sunsetAtMs: Number.NaN },
  'a guide over http': { status: 'sunset', sunsetAtMs: atMs, guideUrl: 'http://docs.test/' },
  'a guide that is a script': { status: 'sunset', sunsetAtMs: atMs, guideUrl: 'javascript:alert(1)' },
  'a guide that splits a header': { status: 'sunset', sunsetAtMs: atMs, guideUrl: 'https://docs.test/\r\nx: y' },
  'a guide that closes a Link': { status: 'sunset', sunsetAtMs: atMs, guideUrl: 'https://docs.test/>; rel=x' },
  'no reason': { status: 'quarantined', reason: ' ' },
};
for (const [what, change] of Object.entries(senseless)) {
  test(`${what} is refused`, async (t) => {
    const { store, set } = await world(t);
    await assert.rejects(
      async () => set(change),
      (error) => error instanceof Refusal && error.code === 'manifest_invalid',
    );
    assert.equal(await store.readVersion(), 1);
  });
}
