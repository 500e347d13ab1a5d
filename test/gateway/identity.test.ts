import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { expectRefusal } from '../support/expect-refusal.ts';
import { type GatewayWorld, publicUrl, startGatewayWorld } from '../support/gateway-world.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

const challenge = {
  'www-authenticate':
    /^Bearer .*resource_metadata="http:\/\/gateway\.test\/\.well-known\/oauth-protected-resource\/mcp"$/,
};
const invalid = { status: 401, rpc: 4011, code: 'token_invalid', headers: challenge } as const;
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());

test('no token is 401 with where to get one', async () => {
  const answer = await expectRefusal(
    world,
    { token: null },
    { status: 401, rpc: 4010, code: 'credentials_missing', headers: challenge },
  );
  assert.doesNotMatch(String(answer.headers['www-authenticate']), /error=/);
  assert.match(String(answer.headers['www-authenticate']), /scope="echo:admin echo:read"/);
});

test('a body is not read before its sender is known', async () => {
  await expectRefusal(world, { token: null, body: '{' }, { status: 401, rpc: 4010, code: 'credentials_missing' });
});

test('tokens that are not right are 401', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const good = world.issuer.token({ aud: `${publicUrl}/mcp` });
  const [head, body] = good.split('.') as [string, string];
  const forged = `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
  for (const token of [forged, none, `${head}.${body}`, 'x', good.slice(0, -4)]) {
    await expectRefusal(world, { token }, invalid);
  }
  await expectRefusal(world, { token: null, headers: { authorization: 'Basic YTpi' } }, invalid);
  await expectRefusal(world, { token: null, headers: { authorization: 'Bearer' } }, invalid);
});

test('an expired token says so', async () => {
  const seconds = Math.floor(Date.now() / 1000);
  await expectRefusal(
    world,
    { claims: { iat: seconds - 1000, exp: seconds - 100 } },
    { status: 401, rpc: 4012, code: 'token_expired', headers: { 'www-authenticate': /error="invalid_token"/ } },
  );
});

const incomplete: Record<string, unknown>[] = [
  { tenant: undefined },
  { tenant: '' },
  { tenant: '_unknown' },
  { tenant: '../globex' },
  { tenant: '__proto__' },
  { tenant: ['acme'] },
  { kind: undefined },
  { kind: 'root' },
  { sub: '' },
  { sub: 'ada\nglobex' },
  { roles: 'reader' },
  { roles: [{}] },
];
for (const claims of incomplete) {
  test(`a token with ${JSON.stringify(claims, (_key, value) => value ?? null)} is no caller`, async () => {
    await expectRefusal(world, { claims }, invalid);
    assert.equal(world.lastEvent().tenant, '_unknown');
  });
}

const doors = ['/mcp', '/servers/alpha/mcp', '/servers/beta/mcp', '/servers/alpha/v1/mcp', '/mcp/v1/tools/alpha/rpc'];

test('a token opens the door that it was issued for, and no other', async () => {
  for (const door of doors) {
    for (const other of doors) {
      const claims = { aud: publicUrl + other, roles: ['reader', 'operator'] };
      const answer = await world.send({ path: door, method: 'tools/list', claims });
      assert.equal(answer.status, door === other ? 200 : 401, `${other} at ${door}: ${answer.text}`);
      if (door !== other) assert.equal(world.lastEvent().code, 'audience_mismatch');
    }
  }
});

test('a token for several audiences, a prefix or the bare host opens nothing', async () => {
  for (const aud of [
    [`${publicUrl}/mcp`, 'https://other.test'],
    publicUrl,
    `${publicUrl}/`,
    `${publicUrl}/mcp/`,
    `${publicUrl}/MCP`,
  ]) {
    await expectRefusal(world, { claims: { aud } }, { status: 401, rpc: 4013, code: 'audience_mismatch' });
  }
});

test('whatever breaks while a caller is authenticated, nobody comes in', async () => {
  for (const thrown of [new Error('boom'), new TypeError('x'), 'text', undefined, new Refusal('internal_error')]) {
    const restore = world.override({ verifier: { verify: () => Promise.reject(thrown) } });
    await expectRefusal(world, {}, { status: 503, rpc: -32603, code: 'identity_unavailable', outcome: 'failed' });
    restore();
    const restoreSync = world.override({
      verifier: {
        verify: () => {
          throw thrown;
        },
      },
    });
    await expectRefusal(world, {}, { status: 503, rpc: -32603, code: 'identity_unavailable', outcome: 'failed' });
    restoreSync();
  }
  for (const empty of [{}, { subject: '', audience: `${publicUrl}/mcp`, claims: {} }]) {
    const restore = world.override({ verifier: { verify: async () => empty as never } });
    const answer = await world.send();
    assert.equal(answer.status, 401, answer.text);
    restore();
  }
});

const ambiguous = { status: 400, rpc: 4000, code: 'credentials_ambiguous' } as const;

test('two credentials are one too many', async () => {
  const token = world.issuer.token({ aud: `${publicUrl}/mcp` });
  await expectRefusal(world, { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }, ambiguous);
  for (const name of ['x-api-key', 'api-key', 'x-toolgate-key', 'proxy-authorization']) {
    await expectRefusal(world, { headers: { [name]: 'k' } }, ambiguous);
  }
  await expectRefusal(world, { path: `/mcp?access_token=${token}` }, ambiguous);
  await expectRefusal(world, { path: `/mcp?access_token=${token}`, token: null }, ambiguous);
  await expectRefusal(world, { path: '/mcp?access%5Ftoken=x' }, ambiguous);
});

const scopes = [
  'echo:read:all',
  'echo:rea',
  'ECHO:READ',
  'echo:*',
  '*',
  'echo',
  'echo\u200b:read',
  'echo:read\u00a0',
  '\u212acho:read',
  'echo.read',
  '',
];

test('a scope is a whole word: nothing like it will do', async () => {
  for (const scope of scopes) {
    await expectRefusal(
      world,
      { claims: { scope } },
      {
        status: 403,
        rpc: 4031,
        code: 'insufficient_scope',
        event: 'mcp_call',
        headers: { 'www-authenticate': /^Bearer error="insufficient_scope", .*scope="echo:read", resource_metadata="/ },
      },
    );
  }
});

test('every scope of the tool is named at once, also the one that is there', async () => {
  const params = { name: 'echo.admin' };
  const answer = await expectRefusal(
    world,
    { params },
    {
      status: 403,
      rpc: 4031,
      code: 'insufficient_scope',
      event: 'mcp_call',
      headers: { 'www-authenticate': /scope="echo:admin echo:read"/ },
    },
  );
  assert.deepEqual(answer.json.error.data.scopes, ['echo:admin', 'echo:read']);
  assert.equal((await world.send({ params, claims: { scope: 'echo:read echo:admin' } })).status, 200);
});

test('the token of the client stops here: the upstream gets one of its own, for this call', async () => {
  const token = world.issuer.token({ aud: `${publicUrl}/mcp`, scope: 'echo:read echo:admin secret:all' });
  await world.send({ token });
  const seen = world.upstream.seen.at(-1);
  assert.doesNotMatch(JSON.stringify(seen?.rawHeaders), new RegExp(token.slice(-40)));
  assert.doesNotMatch(seen?.text ?? '', new RegExp(token.slice(-40)));
  const minted = (seen?.headers.authorization ?? '').replace('Bearer ', '');
  const claims = claimsOf(minted);
  assert.equal(claims.iss, publicUrl);
  assert.equal(claims.aud, 'urn:upstream:echo');
  assert.equal(claims.sub, 'ada');
  assert.deepEqual(claims.act, { sub: 'spiffe://toolgate.test/gateway' });
  assert.equal(claims.tenant, 'acme');
  assert.equal(claims.client_id, 'client-1');
  assert.equal(claims.scope, 'echo:read');
  assert.equal(claims.tool, 'echo.say');
  assert.equal(claims.jti, world.lastEvent().call_id);
  assert.equal(claims.exp - claims.iat, 60);
});
