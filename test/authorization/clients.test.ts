import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { createSafeFetch } from '../../runtime/shared/safe-fetch.ts';
import { selfSigned } from '../support/self-signed.ts';
import {
  authorizationUrl,
  callback,
  claimsOf,
  everything,
  postForm,
  postgres,
  register,
  registeredId,
  signIn,
  startWorld,
  type World,
} from './world.ts';

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
    const scopes = ['openid', 'postgres:query:readonly', 's3:list', 'postgres:query:write'];
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

/** A host that publishes client metadata documents, over real TLS on this machine. */
async function startPublisher(
  t: TestContext,
  documentOf: (id: string) => object,
  headers: Record<string, string> = {},
) {
  const { key, cert } = selfSigned(['app.example']);
  const paths: string[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    paths.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(documentOf(id)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const id = `https://app.example:${(server.address() as AddressInfo).port}/client.json`;
  const safeFetch = createSafeFetch({
    allowLoopback: true,
    bodyBytesMax: 64 * 1024,
    timeoutMs: 2000,
    ca: cert,
    lookup: async () => ['127.0.0.1'],
  });
  return { id, paths, safeFetch };
}

const documentOf = (id: string, more: object = {}) => ({
  client_id: id,
  client_name: 'Published client',
  redirect_uris: ['https://app.example/callback', callback],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  ...more,
});

test('a client whose id is the URL of its document needs no registration', async (t) => {
  const { id, paths, safeFetch } = await startPublisher(t, documentOf);
  const { issuer } = await startWorld(t, { parts: { safeFetch } });
  const { response } = await signIn(issuer, { clientId: id, user: 'gina', resource: postgres });
  assert.equal(response.status, 200);
  const { access_token } = (await response.json()) as { access_token: string };
  const { client_id, tenant } = claimsOf(access_token);
  assert.deepEqual([client_id, tenant], [id, 'globex']);
  assert.deepEqual(paths, ['/client.json']);
});

test('a document that is not the client’s own, or asks for more than a client may, is refused', async (t) => {
  const wrong: readonly (readonly [what: string, document: (id: string) => object])[] = [
    ['another client_id', (id) => documentOf(`${id}x`)],
    ['a shared secret', (id) => documentOf(id, { client_secret: 's' })],
    ['a secret method', (id) => documentOf(id, { token_endpoint_auth_method: 'client_secret_basic' })],
    ['a private scheme', (id) => documentOf(id, { redirect_uris: ['myapp://callback'] })],
    ['client credentials', (id) => documentOf(id, { grant_types: ['client_credentials', 'authorization_code'] })],
    ['a list', () => []],
    ['an endless document', (id) => documentOf(id, { padding: 'x'.repeat(20_000) })],
  ];
  for (const [what, document] of wrong) {
    const { id, safeFetch } = await startPublisher(t, document);
    const { issuer } = await startWorld(t, { parts: { safeFetch } });
    const response = await fetch(authorizationUrl(issuer, { client_id: id }), { redirect: 'manual' });
    assert.deepEqual([response.status, response.headers.get('location')], [400, null], what);
  }
});

test('a document is never fetched from where only this service could reach', async (t) => {
  const { issuer } = await startWorld(t);
  const ids = [
    'https://169.254.169.254/client.json',
    'https://[fd00:ec2::254]/client.json',
    'https://localhost/client.json',
    'https://127.0.0.1:8443/client.json',
    'https://user@app.example/client.json',
    'https://2852039166/client.json',
    'http://app.example/client.json',
  ];
  for (const id of ids) {
    const response = await fetch(authorizationUrl(issuer, { client_id: id }), { redirect: 'manual' });
    assert.deepEqual([response.status, response.headers.get('location')], [400, null], id);
  }
});

test('a yes to a published client is remembered for that resource and those scopes, and for nothing else', async (t) => {
  const { id, safeFetch } = await startPublisher(t, documentOf);
  const { issuer } = await startWorld(t, { parts: { safeFetch } });
  const isAsked = async (parameters: Record<string, string>, user = 'alice') => {
    const redirectUri = parameters.redirect_uri ?? 'https://app.example/callback';
    const url = authorizationUrl(issuer, { client_id: id, redirect_uri: redirectUri, ...parameters });
    const answer = await driveSignIn(url, redirectUri, { user, choice: 'deny' });
    return answer.searchParams.get('error') === 'access_denied';
  };
  const scope = 'postgres:query:readonly';
  assert.equal(await isAsked({ resource: postgres, scope }), true);
  const yes = { clientId: id, user: 'alice', resource: postgres, scope, redirectUri: 'https://app.example/callback' };
  assert.equal((await signIn(issuer, yes)).response.status, 200);
  assert.equal(await isAsked({ resource: postgres, scope }), false);
  assert.equal(await isAsked({ resource: everything, scope }), true);
  assert.equal(await isAsked({ resource: everything, scope: 's3:list' }), true);
  assert.equal(await isAsked({ resource: postgres, scope }, 'bob'), true);
  assert.equal(await isAsked({ resource: postgres, scope, prompt: 'consent' }), true);
  // Any program on the person's machine could listen there (RFC 8252 § 8.6).
  assert.equal(await isAsked({ resource: postgres, scope, redirect_uri: callback }), true);
});

test('a client that registered itself is asked about every time', async (t) => {
  const { issuer } = await startWorld(t);
  const redirectUri = 'https://app.example/callback';
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  assert.equal((await signIn(issuer, { clientId, user: 'alice', redirectUri })).response.status, 200);
  const { answer } = await signIn(issuer, { clientId, user: 'alice', redirectUri, choice: 'deny' });
  assert.equal(answer.searchParams.get('error'), 'access_denied');
});

const agent = {
  name: 'nightly-report',
  tenant: 'globex',
  roles: ['reader'],
  scopes: ['postgres:query:readonly', 's3:list'],
};

function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

async function agentToken({ issuer }: World, headers: Record<string, string>, form: Record<string, string> = {}) {
  const response = await postForm(`${issuer}/token`, { grant_type: 'client_credentials', ...form }, headers);
  const body = (await response.json()) as { access_token?: string; refresh_token?: string; error?: string };
  return { status: response.status, ...body };
}

test('an agent gets a token with the tenant and roles of its registration, whatever it asks for', async (t) => {
  const world = await startWorld(t);
  const { clientId, clientSecret } = await world.server.registerAgent(agent);
  const credentials = basic(clientId, clientSecret ?? '');
  const { access_token, refresh_token } = await agentToken(world, credentials, {
    resource: postgres,
    tenant: 'acme',
    roles: 'platform-admin',
    kind: 'human',
    sub: 'ada',
  });
  assert.equal(refresh_token, undefined);
  const { iat, exp, jti, ...claims } = claimsOf(access_token ?? '');
  assert.deepEqual(claims, {
    iss: world.issuer,
    sub: 'agent-nightly-report',
    aud: postgres,
    client_id: 'agent-nightly-report',
    scope: 'postgres:query:readonly',
    tenant: 'globex',
    roles: ['reader'],
    kind: 'agent',
  });
  assert.equal(Number(exp) - Number(iat), 900);
  assert.equal(typeof jti, 'string');
});

test('an agent never gets a scope that its registration does not list', async (t) => {
  const world = await startWorld(t);
  const { clientId, clientSecret } = await world.server.registerAgent(agent);
  const credentials = basic(clientId, clientSecret ?? '');
  const write = await agentToken(world, credentials, { scope: 'postgres:query:write' });
  assert.deepEqual([write.status, write.error], [400, 'invalid_scope']);
  const both = await agentToken(world, credentials, { scope: 'postgres:query:write s3:list' });
  assert.equal(claimsOf(both.access_token ?? '').scope, 's3:list');
  const target = await agentToken(world, credentials, { resource: 'https://evil.example/mcp' });
  assert.deepEqual([target.status, target.error], [400, 'invalid_target']);
  const wrong = await agentToken(world, basic(clientId, 'wrong'));
  assert.deepEqual([wrong.status, wrong.error], [401, 'invalid_client']);
});

test('an agent signs in with a key of its own, and each assertion counts once', async (t) => {
  const world = await startWorld(t);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] };
  const { clientId, clientSecret } = await world.server.registerAgent({ ...agent, name: 'keyed', jwks });
  assert.equal(clientSecret, undefined);
  const assertion = await new SignJWT({ jti: 'once' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(world.issuer)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey);
  const form = {
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
  const answers = await Promise.all(Array.from({ length: 4 }, () => agentToken(world, {}, form)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401, 401]);
});

test('a client that registered itself gets nothing for its own credentials', async (t) => {
  const world = await startWorld(t);
  const response = await register(world.issuer, { token_endpoint_auth_method: 'client_secret_basic' });
  const { client_id, client_secret } = (await response.json()) as { client_id: string; client_secret: string };
  const { status, error } = await agentToken(world, basic(client_id, client_secret));
  assert.deepEqual([status, error], [400, 'invalid_request']);
});

test('an agent with an impossible name is not registered', async (t) => {
  const { server } = await startWorld(t);
  for (const name of ['', 'Upper', '-x', 'a b', '../x', 'x'.repeat(64)]) {
    await assert.rejects(server.registerAgent({ ...agent, name }), /cannot be an agent's name/);
  }
});
