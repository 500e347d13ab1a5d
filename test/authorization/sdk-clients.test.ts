import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { auth as authV2, ClientCredentialsProvider } from '@modelcontextprotocol/client';
import { auth as authV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { documentOf, startPublisher } from './publisher.ts';
import { claimsOf, startWorld, type WorldOptions } from './world.ts';

/** A gateway as far as OAuth clients look at it before they sign in: its protected resource metadata (RFC 9728). */
async function startResource(t: TestContext, parts: WorldOptions['parts'] = {}) {
  let issuer = '';
  const server = createServer((request, response) => {
    const path = /^\/\.well-known\/oauth-protected-resource(\/.+)$/.exec(request.url ?? '')?.[1];
    if (path === undefined) return response.writeHead(404).end();
    const resource = `http://${request.headers.host}${path}`;
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ resource, authorization_servers: [issuer] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = await startWorld(t, { env: { GATEWAY_URL: url }, parts });
  issuer = world.issuer;
  return { ...world, url };
}

test('SDK v2 signs a person in, for one server, and refreshes', async (t) => {
  const { issuer, url } = await startResource(t);
  const serverUrl = `${url}/servers/postgres/mcp`;
  const person = personAtBrowser('alice');
  assert.equal(await authV2(person, { serverUrl }), 'REDIRECT');
  assert.equal(person.opened[0]?.origin, issuer);
  const answer = person.answer();
  const code = { authorizationCode: answer.get('code') ?? '', iss: answer.get('iss') ?? '' };
  assert.equal(await authV2(person, { serverUrl, ...code }), 'AUTHORIZED');
  const { access_token: first } = person.tokens() as { access_token: string };
  assert.deepEqual([claimsOf(first).aud, claimsOf(first).sub], [serverUrl, 'alice']);
  assert.equal(await authV2(person, { serverUrl }), 'AUTHORIZED');
  const { access_token: second } = person.tokens() as { access_token: string };
  assert.notEqual(second, first);
  assert.deepEqual([claimsOf(second).aud, person.opened.length], [serverUrl, 1]);
});

test('SDK v1 signs a person in, for every server, and refreshes', async (t) => {
  const { url } = await startResource(t);
  const serverUrl = `${url}/mcp`;
  const person = personAtBrowser('gina');
  assert.equal(await authV1(person, { serverUrl }), 'REDIRECT');
  const authorizationCode = person.answer().get('code') ?? '';
  assert.equal(await authV1(person, { serverUrl, authorizationCode }), 'AUTHORIZED');
  const { access_token: first } = person.tokens() as { access_token: string };
  assert.deepEqual([claimsOf(first).aud, claimsOf(first).tenant], [serverUrl, 'globex']);
  assert.equal(await authV1(person, { serverUrl }), 'AUTHORIZED');
  assert.equal(person.opened.length, 1);
});

test('both SDKs come with the URL of their metadata document and register nothing', async (t) => {
  const { id, paths, safeFetch } = await startPublisher(t, documentOf);
  const { issuer, url, store } = await startResource(t, { safeFetch });
  const serverUrl = `${url}/servers/postgres/mcp`;
  for (const auth of [authV2, authV1]) {
    const person = { ...personAtBrowser('alice'), clientMetadataUrl: id };
    assert.equal(await auth(person, { serverUrl }), 'REDIRECT');
    assert.equal(person.opened.at(-1)?.searchParams.get('client_id'), id);
    const answer = person.answer();
    const code = { authorizationCode: answer.get('code') ?? '', iss: answer.get('iss') ?? '' };
    assert.equal(code.iss, issuer);
    assert.equal(await auth(person, { serverUrl, ...code }), 'AUTHORIZED');
    const { access_token } = person.tokens() as { access_token: string };
    assert.deepEqual([claimsOf(access_token).client_id, claimsOf(access_token).aud], [id, serverUrl]);
  }
  assert.ok(paths.length >= 1 && paths.every((path) => path === '/client.json'), 'the document was read from its host');
  const { Items = [] } = await store.client.send(new ScanCommand({ TableName: 'test-authorization' }));
  assert.ok(
    Items.every(({ pk }) => !pk?.S?.startsWith('Client:dyn-')),
    'nothing was registered',
  );
});

test('SDK v2 signs an agent in with its credentials', async (t) => {
  const { server, issuer, url } = await startResource(t);
  const agent = { name: 'sdk', tenant: 'acme', roles: ['reader'], scopes: ['s3:list'] };
  const { clientId, clientSecret = '' } = await server.registerAgent(agent);
  const provider = new ClientCredentialsProvider({ clientId, clientSecret, expectedIssuer: issuer });
  assert.equal(await authV2(provider, { serverUrl: `${url}/servers/s3/mcp` }), 'AUTHORIZED');
  const { scope, kind } = claimsOf(provider.tokens()?.access_token ?? '');
  assert.deepEqual([scope, kind], ['s3:list', 'agent']);
});
