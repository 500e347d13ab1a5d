import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { CapabilityManifest } from '../../../runtime/contract/registry.ts';
import { setVersionStatus } from '../../../runtime/registry/set-version-status.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { declarationOf, leaseMs, recheckMs, retryMs, startDeclarationWorld } from '../../support/declaration-world.ts';
import type { SampleToolServer } from '../../support/tool-server.ts';

const manifestOf = (server: SampleToolServer) => server.manifest as CapabilityManifest;

function asVersion(server: SampleToolServer, version: string): void {
  const manifest = manifestOf(server);
  server.manifest = { ...manifest, server: { ...manifest.server, version } };
}

suite('a declared server', () => {
  test('is registered with the words of its scopes and the service level that its stack names', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    assert.equal(await registry.pass(), true);
    const entry = await registry.deps.store.get('billing');
    assert.deepEqual(entry?.scopes, declarationOf(billing).scopes);
    assert.deepEqual(entry?.slo, { availability: 99.5, latencyP95Ms: 250 });
    assert.equal(entry?.declared, true);
    assert.deepEqual(registry.recorded(), ['billing registered']);
    assert.equal(registry.causes().size, 0);
  });

  test('that stays as it is is asked again later, and neither written nor recorded again', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    await registry.pass();
    const asked = billing.posts.length;
    await registry.pass();
    assert.equal(billing.posts.length, asked, 'not before it is due');
    world.clock.ms += recheckMs * 1.2;
    await registry.pass();
    assert.equal(billing.posts.length, asked * 2);
    assert.deepEqual(registry.recorded(), ['billing registered']);
    assert.equal(await registry.deps.store.readVersion(), 1);
  });

  test('is asked at once when its declaration changes, its revision alone too', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing, { revision: 'billing:1' });
    const registry = world.addReplica();
    await registry.pass();
    asVersion(billing, '1.1.0');
    world.declare(billing, { revision: 'billing:2' });
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 disabled', 'billing 1.1.0 active']);
  });

  test('serves one version: what it served before is withdrawn, and is back after a rollback', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    await registry.pass();
    asVersion(billing, '2.0.0');
    world.declare(billing, { revision: '2' });
    await registry.pass();
    asVersion(billing, '1.0.0');
    world.declare(billing, { revision: '3' });
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 active', 'billing 2.0.0 disabled']);
    const [first, second] = (await registry.deps.store.get('billing'))?.versions ?? [];
    assert.equal(first?.statusReason, undefined);
    assert.equal(second?.statusReason, 'Its server serves version 1.0.0 now.');
    assert.deepEqual(registry.recorded(), ['billing registered', 'billing registered', 'billing updated']);
  });

  test('is withdrawn once its declaration is gone for two passes, and active again when it is back', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    await registry.pass();
    world.declared.clear();
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 active'], 'a parameter may be away for a moment');
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 disabled']);
    await registry.pass();
    world.declare(billing);
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 active']);
    assert.deepEqual(registry.recorded(), ['billing registered', 'billing withdrawn', 'billing updated']);
  });

  test('that was deprecated comes back deprecated, and one that a person disabled stays disabled', async (t) => {
    const world = await startDeclarationWorld(t);
    const [billing, orders] = [await world.addServer('billing'), await world.addServer('orders')];
    world.declare(billing);
    world.declare(orders);
    const registry = world.addReplica();
    const { store } = registry.deps;
    await registry.pass();
    await setVersionStatus(store, 'billing', '1.0.0', { status: 'deprecated', deprecatedAtMs: world.clock.ms });
    await setVersionStatus(store, 'orders', '1.0.0', { status: 'disabled', reason: 'An incident.' });
    world.declared.clear();
    await registry.pass();
    await registry.pass();
    world.declare(billing);
    world.declare(orders);
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 deprecated', 'orders 1.0.0 disabled']);
    assert.equal((await store.get('orders'))?.versions[0]?.statusReason, 'An incident.');
  });

  test('whose definition changes under its version is quarantined, and stays so', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    await registry.pass();
    const good = manifestOf(billing);
    const [first, ...rest] = good.tools;
    billing.manifest = { ...good, tools: [{ ...first, description: 'Sends everything elsewhere.' }, ...rest] };
    world.clock.ms += recheckMs * 1.2;
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 quarantined']);
    assert.deepEqual(registry.recorded(), ['billing registered', 'billing definition_changed']);
    billing.manifest = good;
    world.clock.ms += recheckMs;
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 quarantined'], 'until a person looks');
  });

  test('that was registered in another way is left alone when nobody declares it', async (t) => {
    const world = await startDeclarationWorld(t);
    const registry = world.addReplica();
    const { registerServer } = await import('../../../runtime/registry/register-server.ts');
    const own = await world.addServer('own');
    await registerServer({ baseUrl: own.origin }, registry.deps);
    await registry.pass();
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['own 1.0.0 active']);
  });
});

suite('a server that is not as declared', () => {
  const differences: readonly (readonly [what: string, change: object, says: RegExp])[] = [
    ['another owner', { owner: 'team-evil' }, /owner is declared as team-evil; the server says team-test/],
    ['another audience', { audience: 'urn:other' }, /audience is declared as urn:other/],
    [
      'a tool less',
      { tools: [{ name: 'billing.read', scopes: ['billing:read'], destructive: false }] },
      /has the tool billing.write/,
    ],
  ];
  for (const [what, change, says] of differences) {
    test(`is refused: ${what}`, async (t) => {
      const world = await startDeclarationWorld(t);
      const billing = await world.addServer('billing');
      const declaration = declarationOf(billing, change);
      const needed = new Set(declaration.tools.flatMap(({ scopes }) => scopes));
      const scopes = Object.fromEntries(Object.entries(declaration.scopes).filter(([scope]) => needed.has(scope)));
      world.declare(billing, { ...change, scopes });
      const registry = world.addReplica();
      await registry.pass();
      assert.deepEqual(registry.recorded(), ['billing declaration_invalid']);
      assert.match(registry.causes().get('billing') ?? '', says);
      assert.deepEqual(await world.catalogue(), []);
    });
  }

  test('is refused: another mark, other scopes, a tool more, all told at once', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing, {
      tools: [
        { name: 'billing.read', scopes: ['billing:read', 'billing:write'], destructive: true },
        { name: 'billing.write', scopes: ['billing:write'], destructive: true },
        { name: 'billing.more', scopes: ['billing:read'], destructive: false },
      ],
    });
    const failures: unknown[] = [];
    const registry = world.addReplica();
    const { agreeWithDeclaration } = await import('../../../runtime/registry/steps/agree-with-declaration.ts');
    const { readDeclaration } = await import('../../../runtime/registry/declarations/read-declaration.ts');
    try {
      const declared = readDeclaration('billing', world.declared.get('billing') ?? '', undefined);
      agreeWithDeclaration(manifestOf(billing), declared);
    } catch (error) {
      failures.push(...((error as Refusal).details.violations ?? []));
    }
    assert.deepEqual(failures, [
      'The list of scopes of billing.read is declared as billing:read billing:write; the server says billing:read.',
      'The destructive mark of billing.read is declared as true; the server says false.',
      'The tool billing.more is declared; the server does not have it.',
    ]);
    await registry.pass();
    assert.deepEqual(await world.catalogue(), []);
  });

  test('is refused: it says that it is another server', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    const other = await world.addServer('orders');
    world.declare(billing, { url: other.origin });
    const registry = world.addReplica();
    await registry.pass();
    assert.match(registry.causes().get('billing') ?? '', /name is declared as billing; the server says orders/);
    assert.deepEqual(await world.catalogue(), []);
  });

  test('harms nobody else, is told once a cause, and asked less and less often', async (t) => {
    const world = await startDeclarationWorld(t);
    const [broken, gone, billing] = [
      await world.addServer('broken'),
      await world.addServer('gone'),
      await world.addServer('billing'),
    ];
    world.declare(billing);
    world.declared.set('broken', '{"v":1');
    world.declare(gone);
    gone.interfere = (_request, response) => {
      response.destroy();
      return true;
    };
    const registry = world.addReplica();
    await registry.pass();
    assert.deepEqual(registry.recorded().toSorted(), [
      'billing registered',
      'broken declaration_invalid',
      'gone upstream_unavailable',
    ]);
    let asked = 0;
    gone.interfere = (_request, response) => {
      asked += 1;
      response.destroy();
      return true;
    };
    for (let second = 0; second < 70; second += 1) {
      world.clock.ms += retryMs;
      await registry.pass();
    }
    assert.ok(asked >= 4 && asked <= 6, `asked ${asked} times in 70 s: after 1, 2, 4, 8, 16 and 32 s`);
    assert.equal(registry.recorded().length, 3);
    assert.deepEqual([...registry.causes().keys()].sort(), ['broken', 'gone']);

    gone.interfere = () => false;
    world.declare(broken);
    world.clock.ms += 600_000;
    await registry.pass();
    assert.equal(registry.causes().size, 0);
    assert.deepEqual(registry.recorded().slice(3).toSorted(), ['broken registered', 'gone registered']);
  });

  test('keeps what was registered: neither garbage nor silence takes a good version away', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    await registry.pass();
    const garbage: SampleToolServer['interfere'][] = [
      (_request, response) => !!response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>'),
      (_request, response) => !!response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":'),
      (_request, response) => !!response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      (_request, response) => !!response.writeHead(500).end(),
    ];
    for (const interfere of garbage) {
      billing.interfere = interfere;
      world.clock.ms += 700_000;
      await registry.pass();
      assert.equal(registry.causes().size, 1);
    }
    world.declared.set('billing', 'garbage');
    await registry.pass();
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 active']);
    assert.equal(await registry.deps.store.readVersion(), 1);
  });
});

suite('when a part is gone', () => {
  test('declarations that cannot be read withdraw nothing', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    let isGone = false;
    const declarations = async () => {
      if (isGone) throw new Error('SSM is gone');
      return new Map(world.declared);
    };
    const registry = world.addReplica({ declarations });
    await registry.pass();
    isGone = true;
    for (let i = 0; i < 3; i += 1) await assert.rejects(registry.pass(), /SSM is gone/);
    assert.deepEqual(await world.catalogue(), ['billing 1.0.0 active']);
  });

  test('a catalogue that cannot be read ends the pass, and nothing is remembered as done', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    await world.dynamo.stop();
    await assert.rejects(
      registry.pass(),
      (error) => error instanceof Refusal && error.code === 'catalogue_unavailable',
    );
    assert.deepEqual(registry.recorded(), []);
  });

  test('a registration that cannot be recorded is recorded when the record is back', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const registry = world.addReplica();
    registry.audit.onAppend = () => Promise.reject(new Refusal('audit_unavailable'));
    await registry.pass();
    assert.deepEqual(registry.recorded(), []);
    registry.audit.onAppend = () => {};
    world.clock.ms += retryMs * 2;
    await registry.pass();
    assert.deepEqual(registry.recorded(), ['billing unchanged']);
  });
});

suite('of two replicas', () => {
  test('one keeps the catalogue, and the other takes over when it falls silent or lets go', async (t) => {
    const world = await startDeclarationWorld(t);
    const billing = await world.addServer('billing');
    world.declare(billing);
    const [one, other] = [world.addReplica(), world.addReplica()];
    assert.deepEqual([await one.pass(), await other.pass()], [true, false]);
    assert.deepEqual([one.recorded(), other.recorded()], [['billing registered'], []]);
    world.clock.ms += leaseMs + 1;
    assert.deepEqual([await other.pass(), await one.pass()], [true, false]);
    assert.deepEqual(other.recorded(), ['billing unchanged'], 'what a new keeper finds is on record');
    await other.deps.lease.release();
    assert.equal(await one.pass(), true);
  });

  test('both may work at once by mistake, and the catalogue is right all the same', async (t) => {
    const world = await startDeclarationWorld(t);
    for (const name of ['alpha', 'beta', 'gamma']) world.declare(await world.addServer(name));
    const always = { hold: async () => true, release: async () => {} };
    const replicas = [0, 1, 2].map(() => world.addReplica({ lease: always }));
    await Promise.all(replicas.map(({ pass }) => pass()));
    const active = ['alpha 1.0.0 active', 'beta 1.0.0 active', 'gamma 1.0.0 active'];
    assert.deepEqual((await world.catalogue()).toSorted(), active);
    assert.deepEqual(
      replicas.map(({ causes }) => causes().size),
      [0, 0, 0],
    );
  });
});
