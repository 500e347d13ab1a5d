import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { openBrowser } from '../support/browser.ts';
import { ada, type CognitoDouble } from '../support/cognito-double.ts';
import { expectNobody, sentenceOf, startUpstreamWorld, type UpstreamWorld } from './upstream-world.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Lets `answer` take the place of one path of the pool. */
function replace(pool: CognitoDouble, path: string, answer: Answer): void {
  pool.intercept = (request, response) => {
    if (request.url?.split('?', 1)[0] !== path) return false;
    answer(request, response);
    return true;
  };
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const endless: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('['.repeat(600_000));
};
const broken: readonly (readonly [what: string, answer: Answer, status: number, sentence: RegExp])[] = [
  ['hangs up', (request) => request.socket.destroy(), 503, /cannot be reached/],
  ['never answers', () => undefined, 504, /did not answer in time/],
  ['begins and stops', (_, response) => void response.writeHead(200).write('{'), 504, /did not answer in time/],
  ['answers 500', (_, response) => sendJson(response, {}, 500), 502, /cannot be used here/],
  ['redirects', (_, response) => void response.writeHead(302, { location: '/x' }).end(), 502, /cannot be used here/],
  ['answers HTML', (_, response) => void response.writeHead(200).end('<html>'), 502, /cannot be used here/],
  ['answers a list', (_, response) => sendJson(response, []), 502, /cannot be used here/],
  ['answers without an end', endless, 502, /cannot be used here/],
];

for (const [where, path] of [
  ['metadata', '/.well-known/openid-configuration'],
  ['token endpoint', '/token'],
] as const) {
  test(`${where}: whatever is wrong with it, nobody comes in, and a failure is not remembered`, async (t) => {
    const world = await startUpstreamWorld(t, { env: { UPSTREAM_OIDC_TIMEOUT_MS: 300 } });
    for (const [what, answer, status, sentence] of broken) {
      await t.test(what, async () => {
        replace(world.pool, path, answer);
        await expectNobody(world, await openBrowser().follow(world.request()), status, sentence);
        assert.match(world.lines.at(-1) ?? '', /nobody was signed in/);
      });
    }
    world.pool.intercept = undefined;
    assert.match((await openBrowser().follow(world.request())).text, /You are ada/);
  });
}

test('an organisation that is not there at all', async (t) => {
  const world = await startUpstreamWorld(t);
  await world.pool.close();
  const page = await openBrowser().follow(world.request());
  await expectNobody(world, page, 503, /cannot be reached. Try again in a moment/);
  assert.equal(page.headers.get('retry-after'), '5');
  assert.equal((await fetch(`${world.issuer}/readyz`)).status, 200, 'agents and refresh tokens go on');
});

test('metadata of another issuer is not believed', async (t) => {
  const world = await startUpstreamWorld(t);
  replace(world.pool, '/.well-known/openid-configuration', (_request, response) =>
    sendJson(response, { issuer: 'https://evil.example', authorization_endpoint: 'https://evil.example/auth' }),
  );
  await expectNobody(world, await openBrowser().follow(world.request()), 502, /cannot be used here/);
});

test('a person who says no is told so', async (t) => {
  const world = await startUpstreamWorld(t);
  world.pool.person = undefined;
  const page = await openBrowser().follow(world.request());
  await expectNobody(world, page, 403, /Your organisation’s sign-in said no/);
});

test('any other error of the organisation is its own', async (t) => {
  const world = await startUpstreamWorld(t);
  const page = await comeBackWith(world, (state) => ({ state, error: 'server_error', error_description: '<b>no</b>' }));
  await expectNobody(world, page, 502, /cannot be used here/);
  assert.match(world.lines.join(''), /server_error/);
  assert.doesNotMatch(page.text + world.lines.join(''), /<b>no/);
});

test('a code that the organisation does not know', async (t) => {
  const world = await startUpstreamWorld(t);
  const page = await comeBackWith(world, (state) => ({ state, code: 'made-up' }));
  await expectNobody(world, page, 502, /cannot be used here/);
  assert.match(world.lines.join(''), /400 invalid_grant/);
});

test('no code and no error', async (t) => {
  const world = await startUpstreamWorld(t);
  await expectNobody(world, await comeBackWith(world, (state) => ({ state })), 502, /cannot be used here/);
});

const seconds = () => Math.floor(Date.now() / 1000);
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const withHeader = (token: string, header: object) => [part(header), ...token.split('.').slice(1)];
const untrue: readonly (readonly [what: string, token: (pool: CognitoDouble) => Promise<string | undefined>])[] = [
  ['none at all', async () => undefined],
  ['no token', async () => 'x.y.z'],
  ['another nonce', (pool) => pool.idToken({ nonce: 'another' })],
  ['no nonce', (pool) => pool.idToken({ nonce: undefined })],
  ['another issuer', (pool) => pool.idToken({ iss: 'https://evil.example' })],
  ['another audience', (pool) => pool.idToken({ aud: 'another' })],
  ['two audiences and no azp', (pool) => pool.idToken({ aud: [pool.clientId, 'another'] })],
  ['an end in the past', (pool) => pool.idToken({ exp: seconds() - 60 })],
  ['no end', (pool) => pool.idToken({ exp: undefined })],
  ['no subject', (pool) => pool.idToken({ sub: undefined })],
  ['a signature of another key', (pool) => pool.idToken({}, stranger)],
  [
    'alg none',
    async (pool) =>
      `${withHeader(await pool.idToken(), { alg: 'none' })
        .slice(0, 2)
        .join('.')}.`,
  ],
  [
    'HS256 with the client’s secret',
    async (pool) => {
      const input = withHeader(await pool.idToken(), { alg: 'HS256' })
        .slice(0, 2)
        .join('.');
      return `${input}.${createHmac('sha256', pool.clientSecret).update(input).digest('base64url')}`;
    },
  ],
];

test('an ID token that is not true lets nobody in', async (t) => {
  const world = await startUpstreamWorld(t);
  for (const [what, token] of untrue) {
    await t.test(what, async () => {
      sendIdToken(world.pool, () => token(world.pool));
      await expectNobody(world, await openBrowser().follow(world.request()), 502, /cannot be used here/);
      assert.doesNotMatch(world.lines.join(''), /ada@example|acme|eyJ/, 'no claim in the log');
    });
  }
  sendIdToken(world.pool, () => world.pool.idToken());
  assert.match((await openBrowser().follow(world.request())).text, /You are ada@example/, 'a true one does');
});

const nowhere: readonly (readonly [what: string, claims: Record<string, unknown>, sentence: RegExp])[] = [
  ['no tenant', { 'custom:tenant': undefined }, /belongs to no tenant: your organisation sends no “custom:tenant”/],
  ['an empty tenant', { 'custom:tenant': '' }, /belongs to no tenant/],
  ['a tenant in capitals', { 'custom:tenant': 'ACME' }, /is no name of a tenant/],
  ['a tenant that is a path', { 'custom:tenant': '../globex' }, /is no name of a tenant/],
  ['two tenants', { 'custom:tenant': ['acme', 'globex'] }, /is no name of a tenant/],
  ['a subject that cannot be printed', { sub: 'a\u202eb' }, /no name for you/],
];

test('a person who belongs to no tenant has no place here', async (t) => {
  const world = await startUpstreamWorld(t);
  for (const [what, claims, sentence] of nowhere) {
    await t.test(what, async () => {
      world.pool.intercept = undefined;
      world.pool.person = { ...ada, ...claims };
      if (claims.sub !== undefined) sendIdToken(world.pool, () => world.pool.idToken(claims));
      await expectNobody(world, await openBrowser().follow(world.request()), 403, sentence);
      assert.match(world.lines.at(-1) ?? '', /has no account here/);
    });
  }
});

test('a callback without a sign-in, with another state, or for another method', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const unknown = /is not known here, or it took too long/;
  for (const query of ['', '?code=x', '?state=&code=x', '?state=made-up&code=x', '?error=access_denied'])
    await expectNobody(world, await browser.go(`${world.issuer}/sign-in/callback${query}`), 400, unknown);
  const page = await comeBackWith(world, (state) => ({ state: `${state}x`, code: 'x' }));
  await expectNobody(world, page, 400, unknown);
  assert.equal((await browser.go(`${world.issuer}/sign-in/callback?state=x`, {})).status, 404);
});

test('a callback of one browser is nothing in another, and stays good in its own', async (t) => {
  const world = await startUpstreamWorld(t);
  const victim = openBrowser();
  await victim.follow(world.request(), world.pool.issuer);
  const attacker = openBrowser();
  const { next: callback = '' } = await attacker.follow(world.request(), `${world.issuer}/sign-in/callback`);
  // With cookies of a sign-in of its own, and with none.
  for (const browser of [victim, openBrowser()])
    await expectNobody(world, await browser.go(callback), 403, /begun in another browser/);
  assert.match((await attacker.follow(callback)).text, /You are ada/);
});

test('a callback works once', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const { next: callback = '' } = await browser.follow(world.request(), `${world.issuer}/sign-in/callback`);
  assert.match((await browser.follow(callback)).text, /You are ada/);
  const again = await browser.go(callback);
  assert.equal(again.status, 400);
  assert.match(sentenceOf(again), /was used already/);
});

test('of two callbacks at once one comes in', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const { next: callback = '' } = await browser.follow(world.request(), `${world.issuer}/sign-in/callback`);
  const statuses = await Promise.all([browser.go(callback), browser.go(callback)]);
  assert.deepEqual(statuses.map(({ status }) => status).sort(), [303, 400]);
});

test('a sign-in that took too long, or whose question is closed', async (t) => {
  let aheadMs = 0;
  const world = await startUpstreamWorld(t, { parts: { now: () => Date.now() + aheadMs } });
  const browser = openBrowser();
  const { next: late = '' } = await browser.follow(world.request(), `${world.issuer}/sign-in/callback`);
  aheadMs = 15 * 60_000 + 1000;
  await expectNobody(world, await browser.go(late), 400, /took too long/);
});

test('while the store is gone nobody comes in, and a page says so', async (t) => {
  const world = await startUpstreamWorld(t);
  const browser = openBrowser();
  const { next: callback = '' } = await browser.follow(world.request(), `${world.issuer}/sign-in/callback`);
  await world.store.stop();
  const page = await browser.go(callback);
  assert.equal(page.status, 503);
  assert.match(sentenceOf(page), /gives no answer right now/);
});

/** Begins a sign-in and comes back with a callback of one's own making. */
async function comeBackWith(world: UpstreamWorld, query: (state: string) => Record<string, string>) {
  const browser = openBrowser();
  await browser.follow(world.request(), world.pool.issuer);
  const { next: url = '' } = await browser.follow(world.request(), world.pool.issuer);
  const state = new URL(url).searchParams.get('state') ?? '';
  return browser.go(`${world.issuer}/sign-in/callback?${new URLSearchParams(query(state))}`);
}

function sendIdToken(pool: CognitoDouble, token: () => Promise<string | undefined>): void {
  replace(pool, '/token', (_request, response) => {
    void token().then((id_token) => sendJson(response, { access_token: 'x', token_type: 'Bearer', id_token }));
  });
}
