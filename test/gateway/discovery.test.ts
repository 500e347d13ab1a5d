import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import manifestSchema from '../../runtime/contract/capability-manifest.schema.json' with { type: 'json' };
import { Refusal } from '../../runtime/shared/refusal.ts';
import { ownSigningKeys, sharedSigningKeys } from '../../runtime/shared/signing-keys/signing-keys.ts';
import { exchange, type GatewayWorld, publicUrl, startGatewayWorld } from '../support/gateway-world.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

const get = (path: string, headers = {}) => exchange(world.gateway, { path, httpMethod: 'GET', headers });
const metadata = '/.well-known/oauth-protected-resource';

test('each door has its metadata, and its 401 says where', async () => {
  for (const door of [
    '/mcp',
    '/servers/alpha/mcp',
    '/servers/alpha/v1/mcp',
    '/mcp/v1/tools/alpha/rpc',
    '/servers/nosuch/mcp',
  ]) {
    const { json, status } = await get(metadata + door);
    assert.equal(status, 200);
    assert.equal(json.resource, publicUrl + door);
    assert.deepEqual(json.authorization_servers, ['https://issuer.test']);
    const answer = await world.send({ path: door, token: null });
    assert.match(
      String(answer.headers['www-authenticate']),
      new RegExp(`resource_metadata="${publicUrl}${metadata}${door}"`),
    );
  }
  assert.equal((await get(metadata)).json.resource, `${publicUrl}/mcp`);
  assert.deepEqual((await get(`${metadata}/servers/alpha/mcp`)).json.scopes_supported, ['echo:admin', 'echo:read']);
  assert.equal((await get(`${metadata}/servers/nosuch/mcp`)).json.scopes_supported, undefined);
  assert.equal((await get(`${metadata}/etc/passwd`)).status, 404);
});

test('documents may be read from a browser, and are answered 304 when known', async () => {
  const first = await get('/.well-known/ai-catalog.json');
  assert.equal(first.headers['content-type'], 'application/ai-catalog+json');
  assert.equal(first.headers['access-control-allow-origin'], '*');
  assert.equal(
    (await get('/.well-known/ai-catalog.json', { 'if-none-match': String(first.headers.etag) })).status,
    304,
  );
});

test('the catalogue and the cards name servers and nothing of their tools, owners or upstreams', async () => {
  const catalogue = await get('/.well-known/ai-catalog.json');
  assert.deepEqual(
    catalogue.json.entries.map(({ identifier }: { identifier: string }) => identifier),
    ['urn:air:gateway.test:mcp:alpha', 'urn:air:gateway.test:mcp:beta'],
  );
  const card = await get('/servers/alpha/mcp/server-card');
  assert.equal(card.json.name, 'test.gateway/alpha');
  assert.equal(card.json.remotes[0].url, `${publicUrl}/servers/alpha/mcp`);
  for (const { text } of [catalogue, card, await get('/.well-known/mcp-capabilities')]) {
    assert.doesNotMatch(text, /echo\.|team-test|127\.0\.0\.1|urn:upstream/);
  }
  assert.equal((await get('/servers/nosuch/mcp/server-card')).status, 404);
});

suite('the manifest of the gateway', () => {
  const path = '/.well-known/mcp-capabilities';
  const bearer = (claims: object = {}) => ({
    authorization: `Bearer ${world.issuer.token({ aud: `${publicUrl}/mcp`, ...claims })}`,
  });

  test('names the scopes of the servers to anybody, and no tool', async () => {
    const { status, json, headers } = await get(path);
    assert.equal(status, 200);
    assert.deepEqual(json.auth.scopes, ['echo:admin', 'echo:read']);
    assert.deepEqual(json.tools, []);
    assert.equal(headers.vary, 'authorization');
  });

  test('has for a caller with a token exactly the tools that it may call, as the manifest of a server has them', async () => {
    const { status, json, headers } = await get(path, bearer({ roles: ['operator'] }));
    assert.equal(status, 200);
    assert.equal(headers['cache-control'], 'no-store');
    const listed = await world.send({ method: 'tools/list', params: {}, claims: { roles: ['operator'] } });
    const names = (tools: { name: string }[]) => tools.map(({ name }) => name);
    assert.deepEqual(names(json.tools), names(listed.json.result.tools));
    assert.deepEqual(names(json.tools), ['beta.secret', 'echo.say', 'echo.shout']);
    assert.deepEqual(json.auth.scopes, ['echo:read']);
    assert.deepEqual([json.tools[0].destructive, json.tools[0].version], [false, '1.0.0']);
    const validate = new Ajv2020().compile(manifestSchema);
    assert.equal(validate(json), true, JSON.stringify(validate.errors));
    assert.doesNotMatch(JSON.stringify(json), /definitionHash|127\.0\.0\.1|urn:upstream/);
  });

  test('is counted and recorded for its caller as a list is', async () => {
    const before = world.audit.events.length;
    await get(path, bearer());
    const [event] = world.audit.events.slice(before);
    assert.deepEqual([event?.method, event?.outcome, event?.tenant], ['tools/list', 'ok', 'acme']);
    const restore = world.override({
      quota: { take: () => Promise.reject(new Refusal('quota_exceeded', { retryAfterMs: 1000 })) },
    });
    const counted = await get(path, bearer());
    restore();
    assert.deepEqual([counted.status, counted.headers['retry-after']], [429, '1']);
  });

  test('is refused, on record, with a token that is not for this door, in the query, or twice', async () => {
    const wrong = { authorization: `Bearer ${world.issuer.token({ aud: `${publicUrl}/servers/alpha/mcp` })}` };
    const answer = await get(path, wrong);
    assert.equal(answer.json.error.data.code, 'audience_mismatch');
    assert.match(String(answer.headers['www-authenticate']), /resource_metadata=.*oauth-protected-resource\/mcp/);
    assert.equal(world.lastEvent().code, 'audience_mismatch');
    const query = await get(`${path}?access_token=x`);
    assert.equal(query.json.error.data.code, 'credentials_ambiguous');
    assert.equal(world.lastEvent().code, 'credentials_ambiguous');
    assert.equal((await get(path, { authorization: 'Basic eDp5' })).status, 401);
    assert.equal((await get(path, { ...bearer(), origin: 'https://evil.example' })).status, 403);
  });

  test('is not told while it cannot be recorded', async () => {
    world.audit.onAppend = () => Promise.reject(new Refusal('audit_unavailable'));
    const { status, text } = await get(path, bearer());
    world.audit.onAppend = () => {};
    assert.equal(status, 503);
    assert.doesNotMatch(text, /echo\.say/);
  });
});

test('with anonymous discovery off nothing is told', async () => {
  const quiet = await startGatewayWorld({ settings: { anonymousDiscovery: 'off' } });
  const read = (path: string) => exchange(quiet.gateway, { path, httpMethod: 'GET', headers: {} });
  assert.deepEqual((await read('/.well-known/ai-catalog.json')).json.entries, []);
  assert.deepEqual((await read('/.well-known/mcp-capabilities')).json.auth.scopes, []);
  assert.equal((await read('/servers/alpha/mcp/server-card')).status, 404);
  assert.equal((await read(`${metadata}/mcp`)).json.scopes_supported, undefined);
  assert.doesNotMatch(String((await quiet.send({ token: null })).headers['www-authenticate']), /scope=/);
  await quiet.close();
});

test('the published keys verify upstream tokens, and no private half is among them', async () => {
  await world.send();
  const { json } = await get('/.well-known/jwks.json');
  const [head, body, signature] = String(world.upstream.lastSeen().headers.authorization)
    .replace('Bearer ', '')
    .split('.') as [string, string, string];
  const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url').toString());
  const jwk = json.keys.find((key: { kid: string }) => key.kid === kid);
  assert.equal(alg, 'ES256');
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
  assert.equal(verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')), true);
  for (const each of json.keys) assert.equal(each.d, undefined);
});

test('the next key is published before it signs, and the last one after', async () => {
  let now = 0;
  const keys = ownSigningKeys(() => now, 1000);
  const published = async () => (await keys.jwks()).keys.map((key) => key.kid);
  const first = keys.current().kid;
  const [, second] = await published();
  now = 999;
  assert.equal(keys.current().kid, first);
  now = 1000;
  assert.equal(keys.current().kid, second);
  assert.ok((await published()).includes(first));
  assert.equal((await published()).length, 3);
});

test('replicas that share keys verify each other, and a key that is none is told without showing it', async () => {
  const pair = (d: string | undefined) => ({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', ...(d !== undefined && { d }) });
  assert.throws(() => sharedSigningKeys([pair(undefined)]), /private EC P-256 JWK/);
  assert.throws(() => sharedSigningKeys([]), /at least one/);
  const own = ownSigningKeys(() => 0, 1000).current();
  const jwk = own.privateKey.export({ format: 'jwk' });
  const [a, b] = [sharedSigningKeys([jwk]), sharedSigningKeys([jwk])];
  assert.equal(a.current().kid, own.kid);
  assert.deepEqual(await a.jwks(), await b.jwks());
  assert.equal(((await a.jwks()).keys[0] as { d?: string }).d, undefined);
});

test('metrics count by method and outcome, and never name what a client made up', async () => {
  await world.send({ params: { name: 'made.up' } });
  await world.send({ method: 'made/up' });
  await world.send({ era: 'legacy', body: '{"jsonrpc":"2.0","method":"notifications/made-up"}' });
  const { text } = await get('/metrics');
  assert.match(
    text,
    /toolgate_messages_total\{method="tools\/call",server="",outcome="refused",code="tool_unknown"\} 1/,
  );
  assert.match(text, /toolgate_messages_total\{method="notification"/);
  assert.doesNotMatch(text, /made|acme|ada/);
});
