import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { claimsOf, postForm, postgres, register, startWorld, type World } from './world.ts';

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
