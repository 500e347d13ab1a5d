import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { checkAuthorizationEnv } from '../../runtime/authorization/env.ts';
import { aesSealing } from '../../runtime/authorization/key-sealing.ts';
import { startAuthorizationServer } from '../../runtime/authorization/start-authorization-server.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { openTestDynamo } from '../support/local-dynamo.ts';
import {
  authorizationUrl,
  environment,
  freePort,
  gateway,
  headerOf,
  postForm,
  publishedKids,
  registeredId,
  signIn,
  startWorld,
} from './world.ts';

test('a restart keeps clients, refresh tokens, sessions and keys', async (t) => {
  const first = await startWorld(t);
  const { issuer, store } = first;
  const clientId = await registeredId(issuer);
  const { response } = await signIn(issuer, { clientId, user: 'alice' });
  const { refresh_token, access_token } = (await response.json()) as { refresh_token: string; access_token: string };
  await first.server.close(0);
  const port = Number(new URL(issuer).port);
  await startWorld(t, { store, env: { AUTHORIZATION_ISSUER: issuer, AUTHORIZATION_PORT: port } });
  assert.deepEqual(await publishedKids(issuer), [headerOf(access_token).kid]);
  const refreshed = await postForm(`${issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token,
    client_id: clientId,
  });
  assert.equal(refreshed.status, 200);
});

test('while the store is gone every answer that needs it is a clear 503, and keys stay published', async (t) => {
  const { issuer, store } = await startWorld(t);
  const clientId = await registeredId(issuer);
  await store.stop();
  const token = await postForm(`${issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token: 'x',
    client_id: clientId,
  });
  const body = (await token.json()) as { error: string; error_description: string };
  assert.deepEqual([token.status, body.error], [503, 'temporarily_unavailable']);
  assert.match(body.error_description, /Try again/);
  const registration = await postForm(`${issuer}/register`, {});
  assert.equal(registration.status, 503);
  const url = authorizationUrl(issuer, { client_id: clientId });
  const page = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
  assert.equal(page.status, 503);
  assert.match(await page.text(), /gives no answer right now/);
  assert.equal((await fetch(`${issuer}/readyz`)).status, 503);
  assert.equal((await fetch(`${issuer}/healthz`)).status, 200);
  assert.equal((await publishedKids(issuer)).length, 1);
  assert.equal((await fetch(`${issuer}/.well-known/oauth-authorization-server`)).status, 200);
});

test('a server whose store is gone does not start', async () => {
  const dynamodb = createDynamoClient({
    region: 'local',
    endpoint: `http://127.0.0.1:${await freePort()}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const env = environment('http://127.0.0.1:4401');
  await assert.rejects(
    startAuthorizationServer(env, { dynamodb, logger: silentLogger() }),
    /test-authorization gives no answer/,
  );
  dynamodb.destroy();
});

test('sample users are refused for every issuer that others could reach', () => {
  const refused = [
    'https://id.example.com',
    'http://id.example.com',
    'https://localhost:4401',
    'https://127.0.0.1:4401',
    'http://10.0.0.1:4401',
    'http://0.0.0.0:4401',
    'http://localhost.example.com:4401',
    'http://127.0.0.1.nip.io:4401',
    'http://[fd00::1]:4401',
  ];
  for (const issuer of refused) {
    assert.throws(() => checkAuthorizationEnv(environment(issuer)), /TOOLGATE_SAMPLE_USERS|must be https/, issuer);
  }
  for (const issuer of ['http://127.0.0.1:4401', 'http://localhost:4401', 'http://[::1]:4401', 'http://127.9.9.9']) {
    assert.doesNotThrow(() => checkAuthorizationEnv(environment(issuer)), issuer);
  }
});

test('other unsafe or contradicting variables stop the boot with a sentence', () => {
  const off = { TOOLGATE_SAMPLE_USERS: 'off' };
  const check =
    (issuer: string, more: Record<string, string> = off) =>
    () =>
      checkAuthorizationEnv(environment(issuer, more));
  assert.throws(check('http://id.example.com'), /must be https/);
  assert.throws(check('https://id.example.com/tenant'), /must be an origin/);
  assert.throws(
    check('https://id.example.com', { ...off, TOOLGATE_LOOPBACK_DOCUMENTS: 'on' }),
    /TOOLGATE_LOOPBACK_DOCUMENTS/,
  );
  assert.throws(check('https://id.example.com', { ...off, GATEWAY_URL: 'https://gw.example.com/x' }), /GATEWAY_URL/);
  assert.throws(() => environment('https://id.example.com', { TOOLGATE_SAMPLE_USERS: 'yes' }), /expected on or off/);
});

test('a deployed server seals its private keys, and does not start where it could not', async (t) => {
  const store = await openTestDynamo(t);
  const issuer = 'https://id.example.com';
  const start = (more: Record<string, string>) =>
    startAuthorizationServer(
      { ...environment(issuer, { TOOLGATE_SAMPLE_USERS: 'off', ...more }), AUTHORIZATION_PORT: 0 },
      { dynamodb: store.client, logger: silentLogger() },
    );
  await assert.rejects(start({}), /AUTHORIZATION_SEALING_KEY is missing/);
  await assert.rejects(start({ AUTHORIZATION_SEALING_KEY: 'c2hvcnQ=' }), /base64 of 32 bytes/);
  const key = Buffer.alloc(32, 1).toString('base64');
  const server = await start({ AUTHORIZATION_SEALING_KEY: key });
  await server.close(0);
  const { Items } = await store.client.send(new ScanCommand({ TableName: 'test-authorization' }));
  const ring = JSON.parse(Items?.find((item) => item.pk?.S === 'KeyRing')?.body?.S ?? '') as {
    signing: { sealed: string }[];
    cookies: { sealed: string }[];
  };
  for (const { sealed } of [...ring.signing, ...ring.cookies]) assert.match(sealed, /^aes:/);
  const jwk = JSON.parse(await aesSealing(key).openKey(ring.signing[0]?.sealed ?? '')) as { kty: string };
  assert.equal(jwk.kty, 'RSA');
  const otherKey = Buffer.alloc(32, 2).toString('base64');
  await assert.rejects(start({ AUTHORIZATION_SEALING_KEY: otherKey }), /is not the one that sealed them/);
});

test('the cookies of a deployed server are for its host and TLS alone', async (t) => {
  const sealing = { AUTHORIZATION_SEALING_KEY: Buffer.alloc(32, 3).toString('base64') };
  const env = environment('https://id.example.com', { TOOLGATE_SAMPLE_USERS: 'off', ...sealing });
  const { server } = await startWorld(t, { env: { ...env, AUTHORIZATION_PORT: 0 } });
  const { clientId } = await server.registerAgent({ name: 'a', tenant: 'acme', roles: [], scopes: [] });
  assert.equal(clientId, 'agent-a');
  const get = async (path: string, body?: string) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { host: 'id.example.com', 'content-type': 'application/json' };
    const sent = request(`${server.url}${path}`, { method, headers }).end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { headers: response.headers, text: (await response.toArray()).join('') };
  };
  const redirectUri = 'https://app.example/callback';
  const registration = await get(
    '/register',
    JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }),
  );
  const { client_id } = JSON.parse(registration.text) as { client_id: string };
  const url = new URL(authorizationUrl('https://id.example.com', { client_id, redirect_uri: redirectUri }));
  const { headers } = await get(url.pathname + url.search);
  assert.match(headers['strict-transport-security'] ?? '', /max-age=\d{8}/);
  const cookies = headers['set-cookie'] ?? [];
  assert.ok(cookies.some((cookie) => cookie.startsWith('__Secure-toolgate-question=')));
  for (const cookie of cookies) assert.match(cookie, /^__(?:Host|Secure)-.*; ?secure; ?httponly$/i);
  const metadata = JSON.parse((await get('/.well-known/oauth-authorization-server')).text) as {
    token_endpoint: string;
  };
  assert.equal(metadata.token_endpoint, 'https://id.example.com/token');
});

test('another Host is refused, and forwarded headers change nothing', async (t) => {
  const { issuer } = await startWorld(t);
  const { hostname, port, host } = new URL(issuer);
  const raw = async (headers: string, path = '/.well-known/oauth-authorization-server') => {
    const socket = connect(Number(port), hostname);
    socket.end(`GET ${path} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  };
  assert.match(await raw('Host: evil.example'), /^HTTP\/1.1 421 /);
  assert.match(await raw('Host: id.tools.prod.internal:8081', '/jwks'), /^HTTP\/1.1 200 .*"kty":"RSA"/s);
  const spoofed = await raw(`Host: ${host}\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https`);
  assert.match(spoofed, /^HTTP\/1.1 200 /);
  assert.ok(!spoofed.includes('evil.example'));
  assert.ok(spoofed.includes(`"token_endpoint":"${issuer}/token"`));
});

test('the process says why it cannot start, serves when it can, and ends at SIGTERM', async (t) => {
  const store = await openTestDynamo(t);
  const main = fileURLToPath(new URL('../../runtime/authorization/main.ts', import.meta.url));
  const run = (env: Record<string, string>) =>
    spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const failing = run({});
  let sentence = '';
  failing.stderr.on('data', (chunk) => {
    sentence += String(chunk);
  });
  const [code] = (await once(failing, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(sentence, /AUTHORIZATION_ISSUER is missing/);

  const port = await freePort();
  const serving = run({
    AUTHORIZATION_ISSUER: `http://127.0.0.1:${port}`,
    AUTHORIZATION_PORT: String(port),
    GATEWAY_URL: gateway,
    TABLE_PREFIX: 'test-',
    DYNAMODB_ENDPOINT: store.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  t.after(() => serving.kill('SIGKILL'));
  let log = '';
  for await (const chunk of serving.stdout) {
    log += String(chunk);
    if (log.includes('listening')) break;
  }
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  serving.kill('SIGTERM');
  const [exitCode] = (await once(serving, 'close')) as [number];
  assert.equal(exitCode, 0);
});
