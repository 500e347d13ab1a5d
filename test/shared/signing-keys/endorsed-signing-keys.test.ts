import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { endorseKey } from '../../../runtime/shared/signing-keys/key-statement.ts';
import { createMintUpstreamToken } from '../../../runtime/shared/signing-keys/mint-upstream-token.ts';
import { generateSigningKey, type SigningKeys } from '../../../runtime/shared/signing-keys/signing-keys.ts';
import { sampleCaller } from '../../support/caller.ts';
import {
  actors,
  createEndorser,
  createSigningWorld,
  hourMs,
  leadMs,
  type SigningWorld,
} from '../../support/signing-world.ts';

const kidsOf = async (keys: SigningKeys) => (await keys.jwks()).keys.map(({ kid }) => kid);

/** The keys of a process that may sign. */
async function openSigning(world: SigningWorld) {
  const keys = await world.open();
  world.nowMs += leadMs;
  return keys;
}

test('a key signs once it has been published for the lead, and not before', async () => {
  const world = createSigningWorld();
  const keys = await world.open();
  assert.equal((await keys.jwks()).keys.length, 1, 'it is published at once');
  assert.equal(keys.problem(), 'the signing key is being made known to tool servers');
  assert.throws(() => keys.current(), { code: 'signing_unavailable' });
  world.nowMs += leadMs - 1;
  assert.throws(() => keys.current(), { code: 'signing_unavailable' });
  world.nowMs += 1;
  assert.equal(keys.problem(), undefined);
  assert.deepEqual(await kidsOf(keys), [keys.current().kid]);
});

test('every replica publishes the keys of its own kind, and no private half ever leaves a process', async () => {
  const world = createSigningWorld();
  const first = await world.open();
  const second = await world.open();
  const registry = await world.open('registry');
  world.nowMs += leadMs;
  const all = new Set([first, second].map((keys) => keys.current().kid));
  assert.equal(all.size, 2);
  assert.deepEqual(await kidsOf(registry), [registry.current().kid]);
  assert.deepEqual(
    await world.published('registry'),
    await registry.jwks(),
    'with the public half of the root key alone',
  );
  for (const keys of [first, second]) {
    assert.deepEqual(new Set(await kidsOf(keys)), all);
    for (const jwk of (await keys.jwks()).keys) assert.equal(jwk.d, undefined);
  }
  const d = first.current().privateKey.export({ format: 'jwk' }).d as string;
  for (const statement of world.table.values()) {
    assert.ok(
      !Buffer.from(statement.split('.')[1] as string, 'base64url')
        .toString()
        .includes(d),
    );
  }
});

test('a thousand tokens ask neither the KMS nor the table, and verify with what another replica publishes', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  const other = await openSigning(world);
  const asked = world.asked.length;
  const mint = createMintUpstreamToken({
    now: () => world.nowMs,
    keys,
    issuer: 'https://gateway.test',
    actor: 'spiffe://toolgate.test/gateway',
  });
  let token = '';
  for (let i = 0; i < 1000; i += 1) {
    token = mint({ audience: 'urn:a', caller: sampleCaller(), scopes: [], callId: `call-${i}` });
  }
  assert.equal(world.asked.length, asked);
  const jwks = createLocalJWKSet((await other.jwks()) as JSONWebKeySet);
  const { payload } = await jwtVerify(token, jwks, { currentDate: new Date(world.nowMs), typ: 'at+jwt' });
  assert.equal(payload.jti, 'call-999');
});

test('the key set is read again at most once a second, however many ask', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  const lists = () => world.asked.filter((each) => each === 'list').length;
  const before = lists();
  await Promise.all(Array.from({ length: 50 }, () => keys.jwks()));
  assert.equal(lists(), before + 1);
  const newcomer = await world.open();
  world.nowMs += 1000;
  assert.equal((await kidsOf(keys)).length, 2, 'a new replica is known within a second');
  newcomer.close();
});

test('a key is renewed after half of its life, and the old one stays published until its statement expires', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  const first = keys.current().kid;
  world.nowMs += 12 * hourMs;
  await keys.advance();
  world.nowMs += 1000;
  assert.equal(keys.current().kid, first, 'the next one is only published');
  assert.equal((await kidsOf(keys)).length, 2);
  world.nowMs += leadMs;
  const second = keys.current().kid;
  assert.notEqual(second, first);
  assert.ok((await kidsOf(keys)).includes(first));
  world.nowMs += 12 * hourMs;
  assert.deepEqual(await kidsOf(keys), [second]);
});

test('a KMS that is gone at the start is told in one phrase, and a key is made once it is back', async () => {
  const world = createSigningWorld();
  world.gone.add('kms');
  const keys = await world.open();
  assert.equal(keys.problem(), 'no signing key: KMS does not answer');
  await assert.rejects(keys.jwks(), { code: 'signing_unavailable' }, 'an empty set would be believed');
  world.gone.clear();
  await keys.advance();
  assert.equal(world.asked.length, 1, 'it is not asked again at once');
  world.nowMs += 1000;
  await keys.advance();
  world.nowMs += leadMs;
  assert.equal(keys.problem(), undefined);
});

test('a table that is gone at the start is told in one phrase, and nothing is signed', async () => {
  const world = createSigningWorld();
  world.gone.add('table');
  const keys = await world.open();
  world.nowMs += leadMs;
  assert.equal(keys.problem(), 'no signing key: its statement cannot be stored');
  assert.throws(() => keys.current(), { code: 'signing_unavailable' });
  await assert.rejects(keys.jwks(), { code: 'signing_unavailable' });
});

test('gone later, KMS and table leave the last good state until the statements expire, and then it is a no', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  const published = await kidsOf(keys);
  world.gone.add('kms').add('table');
  for (let hours = 1; hours < 24; hours += 1) {
    world.nowMs += hourMs;
    await keys.advance();
    if (hours === 23) break;
    assert.equal(keys.problem(), undefined, `after ${hours} hours`);
    assert.deepEqual(await kidsOf(keys), published);
  }
  world.nowMs += hourMs - 60_000 - leadMs;
  assert.equal(keys.problem(), 'no signing key: KMS does not endorse it', 'no token outlives the statement of its key');
  world.nowMs += 60_000;
  await assert.rejects(keys.jwks(), { code: 'signing_unavailable' });
  world.gone.clear();
  await keys.advance();
  world.nowMs += leadMs;
  assert.notDeepEqual(await kidsOf(keys), published);
  assert.equal(keys.problem(), undefined);
});

for (const [thief, victim] of [
  ['registry', 'gateway'],
  ['gateway', 'registry'],
] as const) {
  test(`a statement of the root key of the ${thief} that names the ${victim} is in no key set, and is logged`, async () => {
    const world = createSigningWorld();
    await world.open('gateway');
    await world.open('registry');
    const stolen = generateSigningKey();
    const about = { writer: 'thief', issuedAtMs: world.nowMs, expiresAtMs: world.nowMs + hourMs };
    world.table.set(stolen.kid, await endorseKey(stolen, world.roots[thief], { ...about, actor: actors[victim] }));
    for (const signer of ['gateway', 'registry'] as const) {
      const kids = (await world.published(signer)).keys.map(({ kid }) => kid);
      assert.equal(kids.length, 1, 'its own key is there');
      assert.ok(!kids.includes(stolen.kid), signer);
    }
    assert.equal(world.log.filter((line) => /does not verify and is ignored/.test(line)).length, 1);
  });
}

test('what the root key did not sign is ignored and logged once', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  const forged = generateSigningKey();
  const about = {
    actor: 'spiffe://toolgate.test/gateway',
    writer: 'thief',
    issuedAtMs: world.nowMs,
    expiresAtMs: world.nowMs + hourMs,
  };
  world.table.set(forged.kid, await endorseKey(forged, createEndorser(), about));
  world.table.set('garbage', 'x');
  // A true statement under another key's name.
  world.table.set('renamed', [...world.table.values()][0] as string);
  for (let i = 0; i < 3; i += 1) {
    world.nowMs += 1000;
    assert.deepEqual(await kidsOf(keys), [keys.current().kid]);
  }
  assert.equal(world.log.filter((line) => /does not verify and is ignored/.test(line)).length, 3);
});

test('a key whose statement was taken out of the table signs no more, and another takes its place', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  await openSigning(world);
  const withdrawn = keys.current().kid;
  world.table.delete(withdrawn);
  world.nowMs += 1000;
  assert.ok(!(await kidsOf(keys)).includes(withdrawn), 'nobody publishes it a second later');
  world.nowMs += 60_000;
  await keys.advance();
  assert.throws(() => keys.current(), { code: 'signing_unavailable' });
  world.nowMs += leadMs;
  assert.notEqual(keys.current().kid, withdrawn);
});

test('a table that is only silent withdraws no key', async () => {
  const world = createSigningWorld();
  const keys = await openSigning(world);
  const { kid } = keys.current();
  world.gone.add('table');
  for (let i = 0; i < 5; i += 1) {
    world.nowMs += 60_000;
    await keys.advance();
  }
  assert.equal(keys.current().kid, kid);
});
