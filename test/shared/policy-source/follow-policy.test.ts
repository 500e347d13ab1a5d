import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { PolicyPointer } from '../../../runtime/contract/policy-bundle-file.ts';
import { createPolicyClient } from '../../../runtime/shared/policy-client.ts';
import { createAcceptedPolicy } from '../../../runtime/shared/policy-source/accepted-policy.ts';
import { followPolicy } from '../../../runtime/shared/policy-source/follow-policy.ts';
import { openBundlePlace } from '../../../runtime/shared/policy-source/place-bundle.ts';
import { openTestDynamo, tablePrefix } from '../../support/local-dynamo.ts';
import { policyFile, policyFiles } from '../../support/policy-file.ts';

let files: Record<string, string>;
before(async () => {
  files = await policyFiles({ acme: { tools_by_role: {}, servers_by_role: {} } });
});

/** The real policy with another set of tenants. */
const withTenants = (...names: string[]) => {
  const tenants = Object.fromEntries(names.map((name) => [name, { tools_by_role: {}, servers_by_role: {} }]));
  return { ...files, 'tenants.json': Buffer.from(JSON.stringify({ tenants })).toString('base64') };
};

/** A parameter, a bucket and a table that several gateways follow. */
async function openWorld(t: TestContext) {
  const dynamo = await openTestDynamo(t);
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-follow-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const objects = new Map<string, Buffer>();
  const log: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => log.push(JSON.parse(line).fault) });
  const world = {
    parameter: undefined as string | undefined,
    objects,
    folder,
    /** Faults that were logged. */
    log,
    downloads: 0,
    isTableGone: false,
    publish(version: number, contents: object = files): PolicyPointer {
      const { bytes, pointer } = policyFile(contents, version);
      objects.set(pointer.key, bytes);
      world.parameter = JSON.stringify(pointer);
      return pointer;
    },
    async open(name = 'gateway-1') {
      const policyDir = join(folder, name, 'policy');
      const accepted = createAcceptedPolicy(dynamo.client, tablePrefix);
      const gone = () => Promise.reject(new Error('gone'));
      const place = await openBundlePlace(policyDir);
      const policy = await createPolicyClient({ folder: policyDir, pollMs: 0 });
      const follower = followPolicy({
        readParameter: async () => world.parameter ?? gone(),
        download: async (_bucket, key) => {
          world.downloads += 1;
          return objects.get(key) ?? gone();
        },
        accepted: {
          read: () => (world.isTableGone ? gone() : accepted.read()),
          accept: (pointer) => (world.isTableGone ? gone() : accepted.accept(pointer)),
        },
        place,
        logger,
        onPlaced: policy.reload,
        pollMs: 0,
      });
      return { follower, policy, policyDir };
    },
  };
  return world;
}

test('the policy that the parameter names comes into force, and then the next one, whole', async (t) => {
  const world = await openWorld(t);
  world.publish(1);
  const { follower, policy, policyDir } = await world.open();
  await follower.look();
  assert.equal(follower.fault(), undefined);
  const first = policy.revision();
  assert.match(first ?? '', /^[0-9a-f]{12}$/);
  world.publish(2, withTenants('acme', 'globex'));
  await follower.look();
  assert.equal(follower.version(), 2);
  assert.notEqual(policy.revision(), first);
  assert.ok(policy.tenant('globex'));
  assert.match(await readlink(policyDir), /^policy-versions\/2-[0-9a-f]{12}$/);
  world.publish(3);
  await follower.look();
  assert.equal(policy.revision(), first);
  assert.equal((await readdir(`${policyDir}-versions`)).length, 2, 'older ones are gone');
});

test('the same pointer is neither downloaded nor unpacked again', async (t) => {
  const world = await openWorld(t);
  world.publish(1);
  const { follower } = await world.open();
  for (let i = 0; i < 3; i += 1) await follower.look();
  assert.equal(world.downloads, 1);
});

const pointer = { v: 1, version: 11, bucket: 'assets', key: 'k', sha256: 'a'.repeat(64) };
const bad: readonly (readonly [string, RegExp, (world: Awaited<ReturnType<typeof openWorld>>) => void])[] = [
  ['is gone', /parameter cannot be read/, (world) => (world.parameter = undefined)],
  ['is no JSON', /is not JSON/, (world) => (world.parameter = 'policy.zip')],
  ['is null', /not of version 1/, (world) => (world.parameter = 'null')],
  ['is of another form', /not of version 1/, (world) => (world.parameter = JSON.stringify({ ...pointer, v: 2 }))],
  [
    'has a version that is a text',
    /whole number/,
    (world) => (world.parameter = JSON.stringify({ ...pointer, version: '2' })),
  ],
  ['has no hash', /SHA-256/, (world) => (world.parameter = JSON.stringify({ ...pointer, sha256: undefined }))],
  [
    'names an object that is not there',
    /bundle file cannot be read/,
    (world) => (world.parameter = JSON.stringify(pointer)),
  ],
  [
    'names other bytes',
    /not the one that the pointer names/,
    (world) => world.objects.set(world.publish(11).key, Buffer.from('{}')),
  ],
  [
    'names a bundle without canaries',
    /lacks canaries.json/,
    (world) => world.publish(11, { ...files, 'canaries.json': undefined }),
  ],
  [
    'names a path out of the folder',
    /not of a bundle: "\.\.\/\.\.\/evil"/,
    (world) => world.publish(11, { ...files, '../../evil': 'eA==' }),
  ],
  [
    'names what is no base64',
    /tenants.json in the bundle file is not base64/,
    (world) => world.publish(11, { ...files, 'tenants.json': '{"a":1}' }),
  ],
  [
    'names another policy.wasm than its build.json',
    /not the one that build.json describes/,
    (world) => world.publish(11, { ...files, 'policy.wasm': 'AGFzbQ==' }),
  ],
  ['names tenants that are none', /may decide/, (world) => world.publish(11, { ...files, 'tenants.json': 'e30=' })],
  ['names canaries that fall dead', /may decide/, (world) => world.publish(11, { ...files, 'canaries.json': 'W10=' })],
  ['is older', /version 1 is older than 10/, (world) => world.publish(1)],
  [
    'names another bundle under the same version',
    /10 was accepted with another bundle/,
    (world) => world.publish(10, withTenants('globex')),
  ],
];

for (const [what, why, spoil] of bad) {
  test(`a pointer that ${what} is refused and logged once, and the last good policy stays`, async (t) => {
    const world = await openWorld(t);
    world.publish(10);
    const { follower, policy } = await world.open();
    await follower.look();
    const revision = policy.revision();
    spoil(world);
    for (let i = 0; i < 3; i += 1) await follower.look();
    assert.match(follower.fault() ?? '', why);
    assert.equal(world.log.filter((fault) => fault !== undefined).length, 1, world.log.join('\n'));
    assert.equal(policy.revision(), revision);
    assert.equal(follower.version(), 10);
    world.publish(12, withTenants('globex'));
    await follower.look();
    assert.equal(follower.fault(), undefined);
    assert.ok(policy.tenant('globex'));
  });
}

test('a gateway that starts while the parameter is bad, older or gone decides as the others do', async (t) => {
  const world = await openWorld(t);
  world.publish(10);
  const first = await world.open();
  await first.follower.look();
  for (const [name, spoil] of [
    ['gone', () => (world.parameter = undefined)],
    ['garbage', () => (world.parameter = '{}')],
    ['older', () => world.publish(9, withTenants('globex'))],
  ] as const) {
    spoil();
    const { follower, policy } = await world.open(name);
    await follower.look();
    assert.equal(follower.version(), 10, name);
    assert.equal(policy.revision(), first.policy.revision());
    assert.notEqual(follower.fault(), undefined);
  }
});

test('two gateways that race never leave the lower version accepted', async (t) => {
  const world = await openWorld(t);
  const [a, b] = [await world.open('a'), await world.open('b')];
  world.publish(5);
  await Promise.all([a.follower.look(), b.follower.look()]);
  assert.deepEqual([a.follower.version(), b.follower.version()], [5, 5]);
  world.publish(7);
  await a.follower.look();
  world.publish(6, withTenants('globex'));
  await b.follower.look();
  assert.match(b.follower.fault() ?? '', /version 6 is older than 7/);
  assert.equal(b.follower.version(), 5);
});

test('without the table nothing new is accepted, and nothing at all at the start', async (t) => {
  const world = await openWorld(t);
  world.publish(1);
  world.isTableGone = true;
  const { follower, policy } = await world.open();
  await follower.look();
  assert.equal(policy.revision(), undefined);
  assert.match(follower.fault() ?? '', /accepted policy cannot be read/);
  world.isTableGone = false;
  await follower.look();
  assert.notEqual(policy.revision(), undefined);
  world.isTableGone = true;
  world.publish(2, withTenants('globex'));
  await follower.look();
  assert.equal(follower.version(), 1);
});

test('a folder with files of somebody is not taken over, and says so in a sentence', async (t) => {
  const { folder } = await openWorld(t);
  const policyDir = join(folder, 'policy');
  await mkdir(policyDir);
  await writeFile(join(policyDir, 'notes.txt'), 'mine');
  await assert.rejects(openBundlePlace(policyDir), {
    message: /^POLICY_DIR cannot be used for the policy that POLICY_PARAMETER names: ENOTEMPTY/,
  });
});
