import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { tablePrefix } from '../support/local-dynamo.ts';
import { documentOf, startPublisher } from './publisher.ts';
import { authorizationUrl, callback, claimsOf, everything, postgres, signIn, startWorld } from './world.ts';

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

test('a remembered yes is to the words that were shown: a scope that means something else is asked for again', async (t) => {
  const { id, safeFetch } = await startPublisher(t, documentOf);
  const { issuer, store, server } = await startWorld(t, { parts: { safeFetch } });
  const redirectUri = 'https://app.example/callback';
  const scope = 'postgres:query:readonly';
  const isAsked = async (resource: string) => {
    const url = authorizationUrl(issuer, { client_id: id, redirect_uri: redirectUri, resource, scope });
    const answer = await driveSignIn(url, redirectUri, { user: 'alice', choice: 'deny' });
    return answer.searchParams.get('error') === 'access_denied';
  };
  const sayYes = async (resource: string) => {
    const yes = { clientId: id, user: 'alice', resource, scope, redirectUri };
    assert.equal((await signIn(issuer, yes)).response.status, 200);
    assert.equal(await isAsked(resource), false);
  };
  await sayYes(everything);
  const servers = createCatalogueStore({ client: store.client, tablePrefix });
  const tool = sampleTool({ name: 'other.tool', scopes: [scope] });
  const version = sampleVersion('http://other.test/mcp', [tool], { audience: 'urn:upstream:other' });
  const other = { ...sampleServer('other', [version]), title: 'Other' };
  await servers.put({ ...other, scopes: { [scope]: { words: 'send what it reads to other people', changes: false } } });
  await server.refreshCatalogue();
  assert.equal(await isAsked(everything), true, 'another server needs the scope too');
  await sayYes(everything);
  await servers.put({ ...other, scopes: { [scope]: { words: 'send what it reads to other people', changes: true } } });
  await server.refreshCatalogue();
  assert.equal(await isAsked(everything), true, 'it changes something now');
});
