import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { BundlePolicyClient } from '../../runtime/shared/policy-client.ts';
import { closeAndVerify, expectNo, expectYes } from '../support/expect-wired.ts';
import { assembleWiredPolicy, openWiredGateway, type WiredGateway } from '../support/wired-gateway.ts';

const reload = (world: WiredGateway) => (world.deps.policy as BundlePolicyClient).reload();
const unavailable = { status: 503 } as const;

test('without a policy bundle nothing is called or listed; with one, both, without a restart', async (t) => {
  const world = await openWiredGateway(t, { hasPolicy: false });
  assert.deepEqual(await world.problems(), ['no policy bundle']);
  await expectNo(world, 'policy_unavailable', unavailable);
  await expectNo(world, 'policy_unavailable', unavailable, { method: 'tools/list' });
  assert.equal(world.records.at(-1)?.policy, null);
  await assembleWiredPolicy(world.policyDir);
  await reload(world);
  assert.deepEqual(await world.problems(), []);
  await expectYes(world);
  assert.deepEqual(await closeAndVerify(world), []);
});

const breaks: readonly (readonly [string, (folder: string) => Promise<void>])[] = [
  ['half a policy.wasm', (folder) => rewrite(folder, 'policy.wasm', (bytes) => bytes.subarray(0, bytes.length / 2))],
  ['no policy.wasm', (folder) => rm(join(folder, 'policy.wasm'))],
  ['an empty tenants.json', (folder) => rewrite(folder, 'tenants.json', () => Buffer.alloc(0))],
  ['half a base.json', (folder) => rewrite(folder, 'base.json', (bytes) => bytes.subarray(0, bytes.length / 2))],
  ['no canaries', (folder) => rm(join(folder, 'canaries.json'))],
  ['no folder', (folder) => rm(folder, { recursive: true })],
];

for (const [what, spoil] of breaks) {
  test(`a bundle with ${what}: refused at the start, and under way the last good one goes on deciding`, async (t) => {
    const world = await openWiredGateway(t);
    await expectYes(world);
    const revision = world.records.at(-1)?.policy?.revision;
    assert.match(revision ?? '', /^[0-9a-f]{12}$/);
    await spoil(world.policyDir);
    assert.notEqual((await reload(world)).fault, undefined);
    await expectYes(world);
    assert.equal(world.records.at(-1)?.policy?.revision, revision, 'the record says which one decided');
    await expectBrokenFromTheStart(t, spoil);
  });
}

async function expectBrokenFromTheStart(t: TestContext, spoil: (folder: string) => Promise<void>): Promise<void> {
  const world = await openWiredGateway(t, { beforeStart: ({ policyDir }) => spoil(policyDir) });
  assert.deepEqual(await world.problems(), ['no policy bundle']);
  await expectNo(world, 'policy_unavailable', unavailable);
}

async function rewrite(folder: string, file: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(join(folder, file), change(await readFile(join(folder, file))));
}
