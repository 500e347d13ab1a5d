import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapabilityManifest, ServerEntry } from '../../../runtime/contract/registry.ts';
import type { ServerDeclaration } from '../../../runtime/contract/server-declaration.ts';
import { pinVersion, publishVersion } from '../../../runtime/registry/steps/publish-version.ts';
import { sampleCapability, sampleManifest } from '../../support/tool-server.ts';

/** The catalogue of one server, and what deploys a version to it. */
function oneServer() {
  let entry: ServerEntry | undefined;
  const store = {
    change: async (_name: string, edit: (current: ServerEntry | undefined) => ServerEntry) => {
      entry = edit(entry);
      return entry;
    },
  };
  const deploy = async (version: string, description = 'Reads.') => {
    const tools = [sampleCapability({ name: 'billing.read', description })];
    const manifest = sampleManifest('https://billing.test', tools, { name: 'billing', version }) as CapabilityManifest;
    const declaration = { scopes: {}, slo: manifest.server.slo } as unknown as ServerDeclaration;
    await publishVersion(manifest, pinVersion(manifest), { declaration }, { store: store as never });
  };
  return { deploy, entry: () => entry };
}

test('a server that is another version at each look does not fill the memory of gateways', async () => {
  const { deploy, entry } = oneServer();
  const large = 'x'.repeat(1024 * 1024);
  for (let n = 0; n < 20; n += 1) await deploy(`1.${n}.0`, large);
  assert.deepEqual(
    entry()?.versions.map(({ version }) => version),
    ['1.16.0', '1.17.0', '1.18.0', '1.19.0'],
  );
});

test('a declared server that deploys a version a day for years stays small enough to be stored', async () => {
  const { deploy, entry } = oneServer();
  for (let n = 0; n < 1000; n += 1) await deploy(`1.${n}.0`);
  const versions = entry()?.versions ?? [];
  assert.equal(versions.length, 201);
  assert.deepEqual([versions[0]?.version, versions.at(-1)?.version], ['1.799.0', '1.999.0']);
  assert.deepEqual(
    versions.filter(({ status }) => status === 'active').map(({ version }) => version),
    ['1.999.0'],
  );
  // A rollback finds what it goes back to.
  await deploy('1.990.0');
  assert.deepEqual(
    entry()
      ?.versions.filter(({ status }) => status === 'active')
      .map(({ version }) => version),
    ['1.990.0'],
  );
});
