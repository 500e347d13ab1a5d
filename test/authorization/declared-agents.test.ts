import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { readAgent } from '../../runtime/authorization/read-agent.ts';
import { claimsOf, postForm, postgres, startWorld } from './world.ts';

const path = '/toolgate/test/agents';

async function agentKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' } as JWK };
}

function declaration(jwk: object, changes: object = {}) {
  return {
    v: 1,
    name: 'nightly-report',
    tenant: 'globex',
    roles: ['reader'],
    scopes: ['postgres:query:readonly', 's3:list'],
    jwks: { keys: [jwk] },
    ...changes,
  };
}

async function world(t: TestContext) {
  const declared = new Map<string, string>();
  const clock = { ms: Date.now() };
  const ssm = { isGone: false };
  const listParameters = async (asked: string) => {
    assert.equal(asked, path);
    if (ssm.isGone) throw new Error('SSM is gone');
    return new Map(declared);
  };
  const started = await startWorld(t, {
    env: { AGENTS_PATH: path, CATALOGUE_AGE_MAX_S: 300 },
    parts: { listParameters, now: () => clock.ms },
  });
  const { server, issuer } = started;
  const signIn = async (name: string, privateKey: Parameters<SignJWT['sign']>[0], form: object = {}) => {
    const clientId = `agent-${name}`;
    const assertion = await new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt(Math.floor(clock.ms / 1000))
      .setExpirationTime(Math.floor(clock.ms / 1000) + 60)
      .sign(privateKey);
    const response = await postForm(`${issuer}/token`, {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      resource: postgres,
      ...form,
    });
    const body = (await response.json()) as { access_token?: string; error?: string };
    return { status: response.status, ...body };
  };
  return { ...started, server, declared, clock, ssm, signIn };
}

test('a declared agent gets tokens by its key, with the tenant, roles and scopes of its declaration', async (t) => {
  const { server, declared, signIn } = await world(t);
  const { privateKey, jwk } = await agentKey();
  declared.set('nightly-report', JSON.stringify(declaration(jwk)));
  assert.equal((await signIn('nightly-report', privateKey)).status, 401, 'not before it was read');
  await server.refreshAgents();
  const { access_token = '' } = await signIn('nightly-report', privateKey, { tenant: 'acme', roles: 'platform-admin' });
  const { sub, aud, tenant, roles, kind, scope } = claimsOf(access_token);
  assert.deepEqual(
    { sub, aud, tenant, roles, kind, scope },
    {
      sub: 'agent-nightly-report',
      aud: postgres,
      tenant: 'globex',
      roles: ['reader'],
      kind: 'agent',
      scope: 'postgres:query:readonly',
    },
  );
  const other = await agentKey();
  assert.equal((await signIn('nightly-report', other.privateKey)).status, 401);
  const write = await signIn('nightly-report', privateKey, { scope: 'postgres:query:write' });
  assert.deepEqual([write.status, write.error], [400, 'invalid_scope']);
});

test('a changed key is in force at the next reading, and an agent that is declared no more gets nothing', async (t) => {
  const { server, declared, signIn } = await world(t);
  const [old, next] = [await agentKey(), await agentKey()];
  declared.set('nightly-report', JSON.stringify(declaration(old.jwk)));
  await server.refreshAgents();
  assert.equal((await signIn('nightly-report', old.privateKey)).status, 200);
  declared.set('nightly-report', JSON.stringify(declaration(next.jwk)));
  await server.refreshAgents();
  assert.equal((await signIn('nightly-report', old.privateKey)).status, 401);
  assert.equal((await signIn('nightly-report', next.privateKey)).status, 200);
  declared.clear();
  await server.refreshAgents();
  assert.equal((await signIn('nightly-report', next.privateKey)).status, 401);
});

test('a broken declaration is no agent, and harms no other', async (t) => {
  const { server, declared, signIn } = await world(t);
  const { privateKey, jwk } = await agentKey();
  declared.set('nightly-report', JSON.stringify(declaration(jwk)));
  declared.set('broken', '{');
  await server.refreshAgents();
  assert.equal((await signIn('nightly-report', privateKey)).status, 200);
  assert.equal((await signIn('broken', privateKey)).status, 401);
});

test('without SSM the last reading serves for a while; then agents are told to try again, and nobody else notices', async (t) => {
  const { server, issuer, declared, clock, ssm, signIn } = await world(t);
  const { privateKey, jwk } = await agentKey();
  declared.set('nightly-report', JSON.stringify(declaration(jwk)));
  await server.refreshAgents();
  ssm.isGone = true;
  clock.ms += 299_000;
  await server.refreshCatalogue();
  await server.refreshAgents();
  assert.equal((await signIn('nightly-report', privateKey)).status, 200);
  clock.ms += 2000;
  await server.refreshCatalogue();
  await server.refreshAgents();
  const late = await signIn('nightly-report', privateKey);
  assert.deepEqual([late.status, late.error], [503, 'temporarily_unavailable']);
  const ready = await fetch(`${issuer}/readyz`);
  assert.deepEqual(
    [ready.status, await ready.json()],
    [503, { status: 'not ready', problems: ['the declarations of agents cannot be read'] }],
  );
  assert.equal((await fetch(`${issuer}/jwks`)).status, 200);
  ssm.isGone = false;
  await server.refreshAgents();
  assert.equal((await signIn('nightly-report', privateKey)).status, 200);
});

test('a declaration that is refused says why, and shows no key', async () => {
  const { jwk } = await agentKey();
  const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
  const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const good: readonly object[] = [declaration(jwk), declaration(rsa(2048)), declaration({ ...ed, alg: 'EdDSA' })];
  for (const each of good) assert.equal(readAgent('nightly-report', JSON.stringify(each)).tenant, 'globex');
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    ['text', /The declaration must be object/],
    [declaration(jwk, { name: 'other' }), /name is other, but the parameter is called nightly-report/],
    [declaration(jwk, { v: 2 }), /v must be equal to constant/],
    [declaration(jwk, { tenant: '' }), /tenant must match pattern/],
    [declaration(jwk, { scopes: [] }), /scopes must NOT have fewer than 1 items/],
    [declaration(jwk, { scopes: ['approved:by:human'] }), /scopes.0 must NOT be valid/],
    [declaration(jwk, { client_secret: 'x' }), /must not have the member "client_secret"/],
    [declaration({ ...jwk, d: 'top-secret' }), /has the member d of a private key: .* this key is to be replaced/],
    [declaration({ kty: 'oct', k: 'top-secret' }), /jwks.keys.0/],
    [declaration({ ...jwk, x: 'AAAA' }), /jwks.keys.0 is no public key of type EC/],
    [declaration({ ...jwk, crv: undefined }), /must have the crv P-256/],
    [declaration({ ...jwk, alg: 'RS256' }), /cannot have the alg RS256: it is for ES256/],
    [declaration(rsa(1024)), /has 1024 bits: make an RSA key of 2048 or more/],
    [declaration(jwk, { jwks: { keys: [] } }), /jwks.keys must NOT have fewer than 1 items/],
    [declaration(jwk, { jwks: { keys: [jwk, jwk] } }), /Two keys have the same kid/],
  ];
  for (const [value, says] of wrong) {
    assert.throws(
      () => readAgent('nightly-report', JSON.stringify(value)),
      (error: Error) => says.test(error.message) && !error.message.includes('top-secret'),
      `${JSON.stringify(value)} ${says}`,
    );
  }
  assert.throws(() => readAgent('x', '{"v":1,"v":1}'), /twice|more than once|duplicate/i);
});
