import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthorizationServer } from '../../runtime/authorization/start-authorization-server.ts';
import { obtainToken } from '../../runtime/local/obtain-token.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { openTestDynamo } from '../support/local-dynamo.ts';
import { everything, headerOf, publishedKids, startWorld } from './world.ts';

const hour = 3_600_000;

/** What runs by itself every minute and every second, after the clock was moved. */
async function refreshAll(server: AuthorizationServer): Promise<void> {
  await server.refreshKeys();
  await server.refreshCatalogue();
}

test('two replicas that start at once on an empty store agree on one key', async (t) => {
  const store = await openTestDynamo(t);
  const [one, other] = await Promise.all([startWorld(t, { store }), startWorld(t, { store })]);
  const [kids, otherKids] = [await publishedKids(one.issuer), await publishedKids(other.issuer)];
  assert.equal(kids.length, 1);
  assert.deepEqual(kids, otherKids);
});

test('a new key is published before it signs, the old one stays while its tokens live, and replicas agree', async (t) => {
  const clock = { nowMs: Date.now() };
  const options = { parts: { now: () => clock.nowMs }, env: { KEY_ROTATION_HOURS: 24 } };
  const one = await startWorld(t, options);
  const other = await startWorld(t, { ...options, store: one.store });
  const refresh = () => Promise.all([refreshAll(one.server), refreshAll(other.server)]);
  const signingKid = async (issuer: string) => headerOf(await obtainToken({ issuer, user: 'alice' })).kid;
  const first = await signingKid(one.issuer);

  clock.nowMs += 23 * hour - 1;
  await refresh();
  assert.equal((await publishedKids(one.issuer)).length, 1, 'nothing is due yet');

  clock.nowMs += 1;
  await refresh();
  // The replica that lost the race reads the winner's key at its next refresh at the latest.
  await refresh();
  const published = await publishedKids(one.issuer);
  assert.equal(published.length, 2);
  assert.deepEqual(await publishedKids(other.issuer), published);
  assert.equal(await signingKid(one.issuer), first, 'published an hour ahead, not in use');

  clock.nowMs += hour;
  await refresh();
  const second = await signingKid(one.issuer);
  assert.notEqual(second, first);
  assert.equal(await signingKid(other.issuer), second);
  assert.deepEqual(new Set(await publishedKids(other.issuer)), new Set([first, second]));

  clock.nowMs += hour / 2;
  await refresh();
  assert.deepEqual(await publishedKids(one.issuer), [second], 'what the old key signed has expired');
});

test('a token of the key before is verified after the rotation', async (t) => {
  const clock = { nowMs: Date.now() };
  const { issuer, server } = await startWorld(t, { parts: { now: () => clock.nowMs }, env: { KEY_ROTATION_HOURS: 2 } });
  const tokens = createTokenVerifier({ issuers: [{ issuer, jwksUri: `${issuer}/jwks` }], now: Date.now });
  const old = await obtainToken({ issuer, user: 'alice' });
  clock.nowMs += hour;
  await refreshAll(server);
  clock.nowMs += hour;
  await refreshAll(server);
  const next = await obtainToken({ issuer, user: 'alice' });
  assert.notEqual(headerOf(next).kid, headerOf(old).kid);
  assert.equal((await tokens.verify(old, everything)).subject, 'alice');
  assert.equal((await tokens.verify(next, everything)).subject, 'alice');
});
