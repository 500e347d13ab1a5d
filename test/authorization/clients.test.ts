import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { sendRaw } from '../support/raw-http.ts';
import { callback, claimsOf, postForm, register, registeredId, signIn, startWorld } from './world.ts';

test('the metadata says what MCP clients look for, at both well-known places', async (t) => {
  const { issuer } = await startWorld(t);
  for (const path of ['oauth-authorization-server', 'openid-configuration']) {
    const response = await fetch(`${issuer}/.well-known/${path}`, { headers: { origin: 'http://localhost:6274' } });
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.ok(response.headers.get('access-control-allow-origin'));
    const metadata = (await response.json()) as Record<string, unknown>;
    assert.equal(metadata.issuer, issuer);
    assert.equal(metadata.authorization_endpoint, `${issuer}/authorize`);
    assert.equal(metadata.token_endpoint, `${issuer}/token`);
    assert.equal(metadata.registration_endpoint, `${issuer}/register`);
    assert.equal(metadata.jwks_uri, `${issuer}/jwks`);
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
    assert.deepEqual(metadata.response_types_supported, ['code']);
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    assert.equal(metadata.client_id_metadata_document_supported, true);
    assert.deepEqual(
      new Set(metadata.grant_types_supported as string[]),
      new Set(['authorization_code', 'refresh_token', 'client_credentials']),
    );
    assert.deepEqual(metadata.token_endpoint_auth_methods_supported, [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ]);
    const scopes = ['openid', 'postgres:query:readonly', 'postgres:query:write', 's3:list'];
    assert.deepEqual(metadata.scopes_supported, scopes);
  }
});

test('published keys hold nothing private', async (t) => {
  const { issuer } = await startWorld(t);
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: Record<string, unknown>[] };
  assert.equal(keys.length, 1);
  assert.deepEqual(Object.keys(keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
});

test('a client registers itself, and the table holds only the hash of its secret', async (t) => {
  const { issuer, store } = await startWorld(t);
  const response = await register(issuer, { token_endpoint_auth_method: 'client_secret_post' });
  assert.equal(response.status, 201);
  const { client_id, client_secret } = (await response.json()) as { client_id: string; client_secret: string };
  assert.match(client_id, /^dyn-/);
  const { Items } = await store.client.send(new ScanCommand({ TableName: 'test-authorization' }));
  assert.ok(!JSON.stringify(Items).includes(client_secret));
  const wish = { clientId: client_id, user: 'alice' };
  assert.equal((await signIn(issuer, { ...wish, exchange: { client_secret } })).response.status, 200);
  assert.equal((await signIn(issuer, { ...wish, exchange: { client_secret: 'wrong' } })).response.status, 401);
  assert.equal((await signIn(issuer, wish)).response.status, 401);
  const hash = JSON.stringify(Items).match(/sha256:[0-9a-f]{64}/)?.[0] ?? '';
  assert.equal((await signIn(issuer, { ...wish, exchange: { client_secret: hash } })).response.status, 401);
});

test('codes and refresh tokens are not to be read from the table', async (t) => {
  const { issuer, store } = await startWorld(t);
  const clientId = await registeredId(issuer);
  const { form, response } = await signIn(issuer, { clientId, user: 'alice' });
  const { refresh_token } = (await response.json()) as { refresh_token: string };
  const { Items } = await store.client.send(new ScanCommand({ TableName: 'test-authorization' }));
  const text = JSON.stringify(Items);
  for (const secret of [form.code, refresh_token])
    assert.ok(secret !== undefined && secret !== '' && !text.includes(secret));
});

const badRegistrations: readonly (readonly [what: string, metadata: object])[] = [
  ['plain http elsewhere', { redirect_uris: ['http://app.example/callback'] }],
  ['a private scheme', { redirect_uris: ['myapp://callback'], application_type: 'native' }],
  ['javascript', { redirect_uris: ['javascript:alert(1)'], application_type: 'native' }],
  ['data', { redirect_uris: ['data:text/html,x'] }],
  ['a fragment', { redirect_uris: ['https://app.example/#x'] }],
  ['credentials', { redirect_uris: ['https://user:pass@app.example/'] }],
  ['one bad among good', { redirect_uris: [callback, 'http://app.example/'] }],
  ['no redirect URI', { redirect_uris: [] }],
  ['redirect URIs that are no list', { redirect_uris: callback }],
  ['redirect URIs that are no text', { redirect_uris: [{}] }],
  ['too many redirect URIs', { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://app.example/${i}`) }],
  ['an endless name', { client_name: 'x'.repeat(101) }],
  ['client credentials', { grant_types: ['client_credentials'], response_types: [] }],
  ['client credentials among others', { grant_types: ['authorization_code', 'client_credentials'] }],
  ['the implicit flow', { grant_types: ['implicit'], response_types: ['token'] }],
  ['a tenant of its own choice', { toolgate: { tenant: 'acme' } }],
  ['a symmetric key', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }],
];

test('a registration that asks for too much is refused with a sentence', async (t) => {
  const { issuer } = await startWorld(t);
  for (const [what, metadata] of badRegistrations) {
    const response = await register(issuer, metadata);
    const body = (await response.json()) as { error: string; error_description: string };
    assert.equal(response.status, 400, what);
    assert.match(body.error, /^invalid_(client_metadata|redirect_uri)$/, what);
    assert.ok(body.error_description.length > 10, what);
  }
});

test('a client cannot choose its id, its tenant or its roles', async (t) => {
  const { issuer } = await startWorld(t);
  const metadata = { client_id: 'agent-root', tenant: 'globex', roles: ['platform-admin'], kind: 'agent' };
  const clientId = await registeredId(issuer, metadata);
  assert.match(clientId, /^dyn-/);
  const { response } = await signIn(issuer, { clientId, user: 'alice' });
  const { access_token } = (await response.json()) as { access_token: string };
  const { tenant, roles, kind } = claimsOf(access_token);
  assert.deepEqual([tenant, roles, kind], ['acme', ['reader'], 'human']);
});

test('one address registers so many clients a minute, counted across replicas', async (t) => {
  const nowMs = 1_800_000_000_000;
  const parts = { now: () => nowMs };
  const one = await startWorld(t, { env: { REGISTRATIONS_PER_MINUTE: 3 }, parts });
  const other = await startWorld(t, { env: { REGISTRATIONS_PER_MINUTE: 3 }, store: one.store, parts });
  const statuses = [];
  for (const { issuer } of [one, other, one, other, one]) statuses.push((await register(issuer)).status);
  assert.deepEqual(statuses, [201, 201, 201, 429, 429]);
  assert.equal((await register(one.issuer)).headers.get('retry-after'), '60');
});

test('a page of any origin may register a client, and only pages of its own origin may use its token endpoint', async (t) => {
  const { issuer } = await startWorld(t);
  const preflight = await fetch(`${issuer}/register`, {
    method: 'OPTIONS',
    headers: { origin: 'http://localhost:6274', 'access-control-request-method': 'POST' },
  });
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, '*']);
  const clientId = await registeredId(issuer, { redirect_uris: ['http://localhost:6274/callback'] });
  const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId };
  const own = await postForm(`${issuer}/token`, form, { origin: 'http://localhost:6274' });
  assert.equal(own.headers.get('access-control-allow-origin'), 'http://localhost:6274');
  const foreign = await postForm(`${issuer}/token`, form, { origin: 'https://evil.example' });
  assert.equal(foreign.headers.get('access-control-allow-origin'), null);
});

test('a client that registered itself is asked about every time', async (t) => {
  const { issuer } = await startWorld(t);
  const redirectUri = 'https://app.example/callback';
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  assert.equal((await signIn(issuer, { clientId, user: 'alice', redirectUri })).response.status, 200);
  const { answer } = await signIn(issuer, { clientId, user: 'alice', redirectUri, choice: 'deny' });
  assert.equal(answer.searchParams.get('error'), 'access_denied');
});

test('however its path is spelt, registration is counted', async (t) => {
  const spellings = [
    '/register',
    '/register/',
    '/register//',
    '/REGISTER',
    '/Register/',
    '/register#x',
    '/register?x=1',
  ];
  const { issuer, server } = await startWorld(t, { env: { REGISTRATIONS_PER_MINUTE: 1 } });
  const body = JSON.stringify({ redirect_uris: [callback], token_endpoint_auth_method: 'none' });
  const statusOf = async (target: string) => {
    const head = [
      `POST ${target} HTTP/1.1`,
      `host: ${new URL(issuer).host}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      'connection: close',
    ];
    return (await sendRaw(server.port, `${head.join('\r\n')}\r\n\r\n${body}`)).slice(9, 12);
  };
  assert.equal(await statusOf('/register'), '201');
  for (const path of spellings)
    for (const target of [path, `${issuer}${path}`]) {
      assert.ok(['404', '429'].includes(await statusOf(target)), target);
    }
});
