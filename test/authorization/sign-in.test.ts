import assert from 'node:assert/strict';
import { test } from 'node:test';
import { obtainTokens } from '../../runtime/local/obtain-token.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import {
  authorizationUrl,
  callback,
  claimsOf,
  everything,
  gateway,
  headerOf,
  postForm,
  postgres,
  registeredId,
  signIn,
  startWorld,
  verifier,
} from './world.ts';

test('a person gets a fifteen-minute RS256 token for one audience, and our verifier takes it there only', async (t) => {
  const { issuer } = await startWorld(t);
  const { access_token, expires_in } = await obtainTokens({ issuer, user: 'alice', resource: postgres });
  assert.equal(expires_in, 900);
  const { kid, ...header } = headerOf(access_token);
  assert.deepEqual(header, { alg: 'RS256', typ: 'at+jwt' });
  assert.equal(typeof kid, 'string');
  const { jti, iat, exp, ...claims } = claimsOf(access_token);
  assert.deepEqual(claims, {
    iss: issuer,
    sub: 'alice',
    aud: postgres,
    client_id: 'toolgate-command-line',
    scope: 'postgres:query:readonly',
    tenant: 'acme',
    roles: ['reader'],
    kind: 'human',
  });
  assert.equal(typeof jti, 'string');
  assert.equal(Number(exp) - Number(iat), 900);
  const tokens = createTokenVerifier({ issuers: [{ issuer, jwksUri: `${issuer}/jwks` }], now: Date.now });
  assert.equal((await tokens.verify(access_token, postgres)).subject, 'alice');
  await assert.rejects(tokens.verify(access_token, everything), { code: 'audience_mismatch' });
});

test('a request without a resource gets the door of all servers, and without scopes those that change nothing', async (t) => {
  const { issuer } = await startWorld(t);
  const { access_token } = await obtainTokens({ issuer, user: 'oscar' });
  const { aud, scope } = claimsOf(access_token);
  assert.deepEqual([aud, scope], [everything, 'postgres:query:readonly s3:list']);
});

test('a scope that changes something is granted when it is asked for by name', async (t) => {
  const { issuer } = await startWorld(t);
  const { access_token } = await obtainTokens({ issuer, user: 'oscar', scope: 'postgres:query:write s3:list' });
  assert.equal(claimsOf(access_token).scope, 'postgres:query:write s3:list');
});

test('a token holds the scopes of its resource only', async (t) => {
  const { issuer } = await startWorld(t);
  const scope = 'postgres:query:readonly s3:list postgres:query:write openid';
  const { access_token } = await obtainTokens({ issuer, user: 'oscar', resource: postgres, scope });
  assert.equal(claimsOf(access_token).scope, 'postgres:query:readonly');
});

const doors: readonly (readonly [uri: string, isDoor: boolean])[] = [
  [`${gateway}/mcp`, true],
  [`${gateway}/servers/postgres/mcp`, true],
  [`${gateway}/servers/postgres/v1/mcp`, true],
  [`${gateway}/mcp/v2/tools/postgres/rpc`, true],
  [gateway, false],
  [`${gateway}/`, false],
  [`${gateway}/mcp/`, false],
  [`${gateway}/mcp?x=1`, false],
  [`${gateway}/mcp#x`, false],
  [`${gateway}/MCP`, false],
  [`${gateway}/servers/unknown/mcp`, false],
  [`${gateway}/servers/__proto__/mcp`, false],
  [`${gateway}/servers/constructor/mcp`, false],
  [`${gateway}/servers/postgres/v1x/mcp`, false],
  [`${gateway}/servers/postgres/v01/mcp`, false],
  [`${gateway}/servers/s3/../postgres/mcp`, false],
  [`${gateway}/servers/%70ostgres/mcp`, false],
  ['http://127.0.0.1:44001/mcp', false],
  ['http://127.0.0.1:4400@evil.example/mcp', false],
  ['http://LOCALHOST:4400/mcp', false],
  ['https://evil.example/mcp', false],
  ['postgres', false],
];

test('a resource that is no door of the gateway is invalid_target', async (t) => {
  const { issuer } = await startWorld(t);
  const answers = [];
  for (const [resource] of doors) {
    const response = await fetch(authorizationUrl(issuer, { client_id: 'toolgate-command-line', resource }), {
      redirect: 'manual',
    });
    const error = new URL(response.headers.get('location') ?? '', issuer).searchParams.get('error');
    answers.push([resource, error !== 'invalid_target']);
  }
  assert.deepEqual(answers, doors);
});

test('two resources in one request are refused', async (t) => {
  const { issuer } = await startWorld(t);
  const url = authorizationUrl(issuer, { client_id: 'toolgate-command-line', resource: everything });
  const response = await fetch(`${url}&resource=${encodeURIComponent(postgres)}`, { redirect: 'manual' });
  assert.match(response.headers.get('location') ?? '', /error=invalid_target/);
});

test('a code is exchanged for the resource that the person allowed, not for another', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const { response } = await signIn(issuer, {
    clientId,
    user: 'alice',
    resource: postgres,
    exchange: { resource: everything },
  });
  assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [400, 'invalid_target']);
});

test('unknown scopes alone are invalid_scope', async (t) => {
  const { issuer } = await startWorld(t);
  await assert.rejects(obtainTokens({ issuer, user: 'alice', scope: 'postgres:query:*' }), /invalid_scope/);
  await assert.rejects(obtainTokens({ issuer, user: 'alice', scope: 'POSTGRES:QUERY:READONLY' }), /invalid_scope/);
  await assert.rejects(obtainTokens({ issuer, user: 'alice', resource: postgres, scope: 's3:list' }), /invalid_scope/);
});

test('every authorization answer names its issuer, errors too (RFC 9207)', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const { answer: allowed } = await signIn(issuer, { clientId, user: 'alice' });
  assert.equal(allowed.searchParams.get('iss'), issuer);
  const { answer: denied } = await signIn(issuer, { clientId, user: 'alice', choice: 'deny' });
  assert.deepEqual([denied.searchParams.get('iss'), denied.searchParams.get('error')], [issuer, 'access_denied']);
  assert.equal(denied.searchParams.get('state'), 'state-1');
});

test('PKCE is required of every client, and S256 is the only method', async (t) => {
  const { issuer } = await startWorld(t);
  const secretClient = await registeredId(issuer, { token_endpoint_auth_method: 'client_secret_post' });
  for (const client_id of ['toolgate-command-line', secretClient]) {
    const attempts = [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge: verifier, code_challenge_method: 'plain' },
      { code_challenge: verifier, code_challenge_method: undefined },
      { code_challenge: 'short', code_challenge_method: 'S256' },
    ];
    for (const attempt of attempts) {
      const response = await fetch(authorizationUrl(issuer, { client_id, ...attempt }), { redirect: 'manual' });
      assert.match(response.headers.get('location') ?? '', /error=invalid_request/, JSON.stringify(attempt));
    }
  }
});

test('a code is worth nothing without its verifier, at another redirect URI, to another client, or twice', async (t) => {
  const { issuer } = await startWorld(t);
  const [clientId, otherId] = [await registeredId(issuer), await registeredId(issuer)];
  const wrong: readonly Record<string, string>[] = [
    { code_verifier: 'x'.repeat(43) },
    { code_verifier: '' },
    { redirect_uri: 'http://127.0.0.1/other' },
    { client_id: otherId },
  ];
  for (const exchange of wrong) {
    const { response } = await signIn(issuer, { clientId, user: 'alice', exchange });
    assert.equal(response.status, 400, JSON.stringify(exchange));
  }
  const { response, form } = await signIn(issuer, { clientId, user: 'alice' });
  assert.equal(response.status, 200);
  const { refresh_token } = (await response.json()) as { refresh_token: string };
  const again = await postForm(`${issuer}/token`, form);
  assert.deepEqual([again.status, ((await again.json()) as { error: string }).error], [400, 'invalid_grant']);
  // RFC 6749 § 4.1.2: what was issued for a code that is used twice is revoked.
  const refreshed = await postForm(`${issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token,
    client_id: clientId,
  });
  assert.equal(refreshed.status, 400);
});

test('of two exchanges of one code at the same time at most one succeeds', async (t) => {
  const first = await startWorld(t);
  const { issuer } = first;
  const clientId = await registeredId(issuer);
  const { form } = await signIn(issuer, { clientId, user: 'alice', exchange: { client_id: 'nobody' } });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => postForm(`${issuer}/token`, { ...form, client_id: clientId })),
  );
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
  assert.ok(answers.every(({ status }) => status === 200 || status === 400));
});

test('a refresh token works once, gives the same audience, and its second use ends the whole family', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const { response } = await signIn(issuer, { clientId, user: 'alice', resource: postgres });
  const first = (await response.json()) as { refresh_token: string };
  const refresh = (refresh_token: string) =>
    postForm(`${issuer}/token`, { grant_type: 'refresh_token', refresh_token, client_id: clientId });
  const rotated = (await (await refresh(first.refresh_token)).json()) as {
    refresh_token: string;
    access_token: string;
  };
  assert.notEqual(rotated.refresh_token, first.refresh_token);
  const { aud, tenant, scope } = claimsOf(rotated.access_token);
  assert.deepEqual([aud, tenant, scope], [postgres, 'acme', 'postgres:query:readonly']);
  const replay = await refresh(first.refresh_token);
  assert.deepEqual([replay.status, ((await replay.json()) as { error: string }).error], [400, 'invalid_grant']);
  assert.equal((await refresh(rotated.refresh_token)).status, 400);
});

test('a refresh token used twice at the same time gives at most one new family member', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const { response } = await signIn(issuer, { clientId, user: 'alice' });
  const { refresh_token } = (await response.json()) as { refresh_token: string };
  const form = { grant_type: 'refresh_token', refresh_token, client_id: clientId };
  const answers = await Promise.all(Array.from({ length: 8 }, () => postForm(`${issuer}/token`, form)));
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
  for (const answer of answers.filter(({ status }) => status === 200)) {
    const next = (await answer.json()) as { refresh_token: string };
    const after = await postForm(`${issuer}/token`, { ...form, refresh_token: next.refresh_token });
    assert.equal(after.status, 400, 'a replay was seen, so the family is gone');
  }
});

test('a refresh cannot widen scopes or change the resource', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const attempts = [{ scope: 'postgres:query:write' }, { resource: everything }];
  for (const attempt of attempts) {
    const { response } = await signIn(issuer, { clientId, user: 'oscar', resource: postgres });
    const { refresh_token } = (await response.json()) as { refresh_token: string };
    const form = { grant_type: 'refresh_token', refresh_token, client_id: clientId, ...attempt };
    assert.equal((await postForm(`${issuer}/token`, form)).status, 400, JSON.stringify(attempt));
  }
});

test('a loopback redirect may have any port, and nothing else may differ', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer, { redirect_uris: [callback, 'http://localhost:5000/callback'] });
  const allowed = ['http://127.0.0.1/callback', 'http://127.0.0.1:49152/callback', 'http://localhost:6000/callback'];
  const refused = [
    'http://127.0.0.1/callback/',
    'http://127.0.0.1/callback?x=1',
    'http://127.0.0.2/callback',
    'http://evil.example/callback',
    'https://127.0.0.1/callback',
    'http://127.0.0.1@evil.example/callback',
    'http://evil.example:80@127.0.0.1/callback',
  ];
  for (const redirect_uri of [...allowed, ...refused]) {
    const response = await fetch(authorizationUrl(issuer, { client_id: clientId, redirect_uri }), {
      redirect: 'manual',
    });
    assert.equal(response.status, allowed.includes(redirect_uri) ? 303 : 400, redirect_uri);
    if (refused.includes(redirect_uri)) assert.equal(response.headers.get('location'), null);
  }
});
