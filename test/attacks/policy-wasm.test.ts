import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BundlePolicyClient } from '../../runtime/shared/policy-client.ts';
import { expectNo, expectYes } from '../support/expect-wired.ts';
import { openWiredGateway } from '../support/wired-gateway.ts';

const name = (text: string) => [text.length, ...Buffer.from(text)];
const section = (id: number, body: readonly number[]) => [id, body.length, ...body];

/** A module that asks its host for a function that no policy needs. */
const foreign = Buffer.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 0, 0]),
  ...section(2, [1, ...name('wasi_snapshot_preview1'), ...name('fd_write'), 0, 0]),
]);

async function replaceWasm(folder: string): Promise<void> {
  await writeFile(join(folder, 'policy.wasm'), foreign);
  const build = join(folder, 'build.json');
  const text = await readFile(build, 'utf8');
  await writeFile(
    build,
    text.replace(/"wasm_sha256": "[0-9a-f]{64}"/, `"wasm_sha256": "${hash('sha256', foreign, 'hex')}"`),
  );
}

test('a policy that asks for more than a policy needs is never started, with a right hash too', async (t) => {
  const world = await openWiredGateway(t);
  await replaceWasm(world.policyDir);
  assert.match(
    (await (world.deps.policy as BundlePolicyClient).reload()).fault ?? '',
    /policy\.wasm cannot be started/,
  );
  await expectYes(world);
  const fresh = await openWiredGateway(t, { beforeStart: ({ policyDir }) => replaceWasm(policyDir) });
  await expectNo(fresh, 'policy_unavailable', { status: 503 });
});
