import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { openBrowser } from '../support/browser.ts';
import { ada, bob } from '../support/cognito-double.ts';
import { allow, redeem, refresh, startUpstreamWorld } from './upstream-world.ts';
import { claimsOf, postgres, startWorld } from './world.ts';

const hourMs = 3_600_000;
// The clock of these tests runs ahead of the one that reads the catalogue.
const patient = { CATALOGUE_AGE_MAX_S: 86_400 };

test('a person signs in at the organisation, says yes, and has a token of ours', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const consent = await browser.follow(world.request());
  assert.equal(consent.status, 200);
  assert.match(consent.text, /You are ada@example\.com, reader, approver in tenant acme\./);
  const { access_token } = await redeem(world, await allow(world, browser));
  const verifier = createTokenVerifier({
    issuers: [{ issuer: world.issuer, jwksUri: `${world.issuer}/jwks` }],
    now: Date.now,
  });
  const { claims, scopes, subject } = await verifier.verify(access_token, postgres);
  assert.equal(subject, `${new URL(world.pool.issuer).host}|${ada.sub}`);
  // The group that names no role is dropped.
  assert.deepEqual([claims.tenant, claims.roles, claims.kind], ['acme', ['reader', 'approver'], 'human']);
  assert.deepEqual(scopes, ['postgres:query:readonly']);
});

test('what is asked of the organisation is bound by state, nonce and PKCE, anew each time', async (t) => {
  const world = await startUpstreamWorld(t);
  await allow(world);
  await allow(world);
  const [first, second] = world.pool.asked;
  for (const asked of [first, second]) {
    assert.equal(asked?.get('redirect_uri'), `${world.issuer}/sign-in/callback`);
    assert.deepEqual(
      [asked?.get('response_type'), asked?.get('scope'), asked?.get('client_id'), asked?.get('prompt')],
      ['code', 'openid', world.pool.clientId, null],
    );
    assert.equal(asked?.get('code_challenge_method'), 'S256');
    for (const name of ['state', 'nonce', 'code_challenge']) assert.match(asked?.get(name) ?? '', /^[\w-]{43}$/, name);
  }
  for (const name of ['state', 'nonce', 'code_challenge']) assert.notEqual(first?.get(name), second?.get(name), name);
  const kept = JSON.stringify(await world.items('SignIn:'));
  assert.ok(!kept.includes(first?.get('state') ?? ''), 'the table does not hold the state');
});

test('neither log nor table holds a token, a code or the secret of the client', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const { next: callback = '' } = await browser.follow(world.request(), `${world.issuer}/sign-in/callback`);
  await browser.follow(callback);
  const code = new URL(callback).searchParams.get('code') ?? 'no code';
  const all = world.lines.join('') + JSON.stringify(await world.items(''));
  for (const secret of [code, world.pool.clientSecret, 'eyJ']) assert.ok(!all.includes(secret), secret);
});

test('two tabs of one browser both come in', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const stop = `${world.issuer}/sign-in/callback`;
  const one = await browser.follow(world.request({ state: 'one' }), stop);
  const two = await browser.follow(world.request({ state: 'two' }), stop);
  for (const visit of [one, two]) {
    const page = await browser.follow(visit.next ?? '');
    assert.match(page.text, /You are ada@example\.com/, world.lines.join(''));
  }
});

test('the sign-in may come back to another replica, or after a restart', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const { next: callback = '' } = await browser.follow(world.request(), `${world.issuer}/sign-in/callback`);
  await world.server.close(0);
  await startWorld(t, { store: world.store, env: world.env });
  const consent = await browser.follow(callback);
  assert.match(consent.text, /You are ada@example\.com/);
});

test('a refresh token keeps what the organisation said, until that is too old', async (t) => {
  let aheadMs = 0;
  const world = await startUpstreamWorld(t, { env: patient, parts: { now: () => Date.now() + aheadMs } });
  const browser = openBrowser();
  const first = await redeem(world, await allow(world, browser));
  aheadMs = 11 * hourMs;
  const refreshed = await refresh(world, first.refresh_token);
  assert.equal(refreshed.status, 200);
  const { access_token, refresh_token } = (await refreshed.json()) as typeof first;
  assert.deepEqual(claimsOf(access_token).roles, ['reader', 'approver']);
  aheadMs = 12 * hourMs + 1000;
  const refused = await refresh(world, refresh_token);
  assert.equal(refused.status, 400);
  assert.equal(((await refused.json()) as { error: string }).error, 'invalid_grant');
});

test('a session whose sign-in is too old leads to the organisation again', async (t) => {
  let aheadMs = 0;
  const env = { ...patient, SIGN_IN_AGE_MAX_HOURS: 1 };
  const world = await startUpstreamWorld(t, { env, parts: { now: () => Date.now() + aheadMs } });
  const browser = openBrowser();
  await allow(world, browser);
  await allow(world, browser);
  assert.equal(world.pool.asked.length, 1, 'the session counts');
  aheadMs = hourMs + 1000;
  world.pool.person = { ...ada, 'cognito:groups': ['operator'] };
  const { access_token } = await redeem(world, await allow(world, browser));
  assert.equal(world.pool.asked.length, 2);
  assert.deepEqual(claimsOf(access_token).roles, ['operator']);
});

test('what the organisation says at the next sign-in counts for every grant of that person', async (t) => {
  const world = await startUpstreamWorld(t);
  const laptop = await redeem(world, await allow(world));
  world.pool.person = { ...ada, 'cognito:groups': [] };
  const consent = await openBrowser().follow(world.request());
  assert.match(consent.text, /You are ada@example\.com, without a role in tenant acme/);
  const { access_token } = (await (await refresh(world, laptop.refresh_token)).json()) as typeof laptop;
  assert.deepEqual(claimsOf(access_token).roles, []);
});

test('another account can be used: the organisation asks again, and the first person is out', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const consent = await browser.follow(world.request());
  world.pool.person = bob;
  const out = await browser.go(consent.url, { prompt: 'consent', choice: 'switch' });
  // A page and not a redirect: the policy of the form would end a redirect to the organisation.
  assert.deepEqual([out.status, out.next], [200, undefined]);
  const next = /^0; url=(\/authorize\?.*)$/.exec(out.headers.get('refresh') ?? '')?.[1] ?? '';
  assert.ok(out.text.includes(`href="${next.replaceAll('&', '&amp;')}"`));
  const again = await browser.follow(world.issuer + next);
  assert.match(again.text, /You are bob@example\.com/);
  assert.equal(world.pool.asked.at(-1)?.get('prompt'), 'login');
});

test('somebody else who signs in in the same browser takes the place of the first', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  await allow(world, browser);
  world.pool.person = bob;
  const consent = await browser.follow(world.request({ prompt: 'login' }));
  assert.equal(consent.status, 200, consent.text);
  assert.match(consent.text, /You are bob@example\.com/);
});

test('an issuer that names groups and tenant otherwise is read as it is told', async (t) => {
  const env = { TENANT_CLAIM: 'https://example.com/tenant', ROLES_CLAIM: 'roles', KNOWN_ROLES: ['teller'] };
  const world = await startUpstreamWorld(t, { env });
  world.pool.intercept = (request, response) => {
    if (request.url !== '/token') return false;
    const claims = { 'https://example.com/tenant': 'globex', roles: 'teller', name: 'Ada Ångström' };
    void world.pool.idToken(claims).then((id_token) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token }));
    });
    return true;
  };
  const consent = await openBrowser().follow(world.request());
  assert.match(consent.text, /You are Ada Ångström, teller in tenant globex/);
});
