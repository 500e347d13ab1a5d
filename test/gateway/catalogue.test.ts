import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { ServerVersion, VersionStatus } from '../../runtime/contract/registry.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { expectRefusal } from '../support/expect-refusal.ts';
import { type GatewayWorld, publicUrl, sampleServers, startGatewayWorld } from '../support/gateway-world.ts';

let world: GatewayWorld;
let catalogueVersion = 1;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());
afterEach(() => setServers(sampleServers(world.upstream.url)));

const day = 86_400_000;
const unknownServer = { status: 404, rpc: 4041, code: 'server_unknown', event: 'mcp_call' } as const;

function setServers(servers: Parameters<typeof sampleServer>[1] | ReturnType<typeof sampleServers>): void {
  catalogueVersion += 1;
  const isServers = servers.every((each) => 'versions' in each);
  world.catalogue = {
    version: catalogueVersion,
    servers: isServers
      ? (servers as ReturnType<typeof sampleServers>)
      : [sampleServer('alpha', servers as readonly ServerVersion[])],
  };
}

function version(changes: Partial<ServerVersion>): ServerVersion {
  return sampleVersion(world.upstream.url, [sampleTool({ name: 'echo.say' })], changes);
}

const namesOf = (answer: { json: { result: { tools: { name: string }[] } } }) =>
  answer.json.result.tools.map(({ name }) => name);

test('a tool that may not be seen and one that does not exist are answered byte for byte alike', async () => {
  const expected = { status: 200, rpc: -32602, code: 'tool_unknown', event: 'mcp_call' } as const;
  const hidden = await expectRefusal(world, { params: { name: 'beta.secret' } }, expected);
  const absent = await expectRefusal(world, { params: { name: 'beta.nosuch' } }, expected);
  assert.equal(hidden.text, absent.text.replace('nosuch', 'secret'));
  assert.equal(hidden.json.error.message, 'Unknown tool: beta.secret');
  const strip = ({ date: _date, 'x-call-id': _id, ...rest }: Record<string, unknown>) => rest;
  assert.deepEqual(strip(hidden.headers), strip(absent.headers));
});

test('a server that may not be entered and one that does not exist are alike, for every method', async () => {
  for (const sending of [
    { method: 'tools/list' },
    { method: 'tools/call', params: { name: 'beta.secret' } },
    { method: 'server/discover' },
    { method: 'resources/list' },
    { era: 'legacy', method: 'initialize', params: { protocolVersion: '2025-11-25' } },
  ] as const) {
    const hidden = await expectRefusal(world, { ...sending, path: '/servers/beta/mcp' }, unknownServer);
    const absent = await expectRefusal(world, { ...sending, path: '/servers/nosuch/mcp' }, unknownServer);
    assert.equal(hidden.text, absent.text);
  }
});

const odd = [
  'echo.say ',
  'Echo.say',
  'echo\u200b.say',
  'echo.say\n',
  'echo\uff0esay',
  'e\u0441ho.say',
  '../echo.say',
  'alpha/echo.say',
  'alpha:echo.say',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
];

test('a name that only looks like a tool is no tool', async () => {
  for (const name of odd) {
    await expectRefusal(
      world,
      { params: { name }, headers: { 'mcp-name': `=?base64?${Buffer.from(name).toString('base64')}?=` } },
      { status: 200, rpc: -32602, code: 'tool_unknown', event: 'mcp_call' },
    );
  }
});

test('a list has what the caller may call and nothing else, in order, for this caller alone', async () => {
  const answer = await world.send({ method: 'tools/list' });
  assert.deepEqual(namesOf(answer), ['echo.say', 'echo.shout']);
  const { result } = answer.json;
  assert.equal(result.cacheScope, 'private');
  assert.equal(result.resultType, 'complete');
  assert.equal(result.ttlMs, 60_000);
  assert.deepEqual(Object.keys(result.tools[0]).sort(), ['annotations', 'description', 'inputSchema', 'name']);
  assert.deepEqual(namesOf(await world.send({ method: 'tools/list', claims: { roles: ['operator'] } })), [
    'beta.secret',
    'echo.say',
    'echo.shout',
  ]);
  assert.deepEqual(namesOf(await world.send({ method: 'tools/list', claims: { tenant: 'globex' } })), ['echo.say']);
  assert.deepEqual(namesOf(await world.send({ method: 'tools/list', claims: { tenant: 'nosuch' } })), []);
  assert.deepEqual(namesOf(await world.send({ method: 'tools/list', path: '/servers/alpha/mcp' })), [
    'echo.say',
    'echo.shout',
  ]);
  assert.equal(world.upstream.seen.filter(({ message }) => message.method === 'tools/list').length, 0);
});

test('a long list comes in pages, and a cursor that is not ours is refused', async () => {
  const tools = Array.from({ length: 450 }, (_, i) => sampleTool({ name: `echo.t${String(i).padStart(3, '0')}` }));
  const restore = world.override({
    policy: { ...world.deps.policy, visible: ({ tools: all }) => new Set(all.map(({ name }) => name)) },
  });
  setServers([sampleVersion(world.upstream.url, tools.toReversed())]);
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const answer = await world.send({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } });
    names.push(...namesOf(answer));
    cursor = answer.json.result.nextCursor;
  } while (cursor !== undefined);
  restore();
  assert.deepEqual(
    names,
    tools.map(({ name }) => name),
  );
  for (const bad of ['x', '', 'YWZ0ZXI6', Buffer.from('after:../x').toString('base64url'), 7, null, {}]) {
    await expectRefusal(
      world,
      { method: 'tools/list', params: { cursor: bad } },
      { status: 200, rpc: -32602, code: 'params_invalid', event: 'mcp_call' },
    );
  }
});

const stopped: readonly [VersionStatus, string, number, number][] = [
  ['disabled', 'tool_disabled', 403, 4032],
  ['quarantined', 'tool_quarantined', 403, 4033],
  ['sunset', 'version_sunset', 410, 4100],
];

for (const [status, code, http, rpc] of stopped) {
  test(`a ${status} version says so to those who may see it, and is unknown to the others`, async () => {
    setServers([version({ status, guideUrl: 'https://guide.test/v2' })]);
    const expected = { status: http, rpc, code: code as 'tool_disabled', event: 'mcp_call' } as const;
    const answer = await expectRefusal(world, {}, expected);
    if (status === 'sunset') {
      assert.match(String(answer.headers.link), /^<https:\/\/guide\.test\/v2>; rel="deprecation"/);
      assert.equal(answer.json.error.data.guideUrl, 'https://guide.test/v2');
    }
    await expectRefusal(world, { path: '/servers/alpha/v1/mcp' }, expected);
    await expectRefusal(
      world,
      { claims: { roles: ['nobody'] } },
      { status: 200, rpc: -32602, code: 'tool_unknown', event: 'mcp_call' },
    );
    await expectRefusal(world, { path: '/servers/alpha/v1/mcp', claims: { roles: ['nobody'] } }, unknownServer);
    assert.deepEqual(namesOf(await world.send({ method: 'tools/list' })), []);
  });
}

test('a version ends by the clock, even before the registry says so', async () => {
  setServers([version({ sunsetAtMs: Date.now() - 1 })]);
  await expectRefusal(world, {}, { status: 410, rpc: 4100, code: 'version_sunset', event: 'mcp_call' });
  await expectRefusal(
    world,
    { path: '/servers/alpha/v1/mcp', method: 'tools/list' },
    { status: 410, rpc: 4100, code: 'version_sunset', event: 'mcp_call' },
  );
});

test('a deprecated version is served with the news of its end', async () => {
  const deprecatedAtMs = Date.UTC(2026, 0, 1);
  const sunsetAtMs = Date.now() + 30 * day;
  setServers([
    version({ status: 'deprecated', deprecatedAtMs, sunsetAtMs, guideUrl: 'https://guide.test/v2' }),
    version({ version: '2.0.0', major: 2, upstreamUrl: world.upstream.url.replace('/mcp', '/v2') }),
  ]);
  for (const path of ['/servers/alpha/v1/mcp', '/mcp/v1/tools/alpha/rpc']) {
    for (const method of ['tools/call', 'tools/list']) {
      const { status, headers, text } = await world.send({ path, method });
      assert.equal(status, 200, text);
      assert.match(String(headers['x-mcp-deprecated']), /^alpha 1\.0\.0 until 20/);
      assert.equal(headers.deprecation, `@${deprecatedAtMs / 1000}`);
      assert.equal(headers.sunset, new Date(sunsetAtMs).toUTCString());
      assert.equal(
        headers.link,
        `<https://guide.test/v2>; rel="deprecation"; type="text/html", <${publicUrl}/servers/alpha/v2/mcp>; rel="successor-version"`,
      );
    }
  }
  const newest = await world.send({ path: '/servers/alpha/mcp' });
  assert.equal(newest.headers['x-mcp-deprecated'], undefined);
  assert.equal(world.upstream.seen.at(-1)?.path, '/v2');
  assert.equal(world.lastEvent().version, '2.0.0');
});

test('a major version that does not exist falls back to nothing', async () => {
  await expectRefusal(world, { path: '/servers/alpha/v7/mcp' }, unknownServer);
  setServers([version({ status: 'quarantined', version: '2.0.0', major: 2 }), version({})]);
  await expectRefusal(
    world,
    { path: '/servers/alpha/v2/mcp' },
    { status: 403, rpc: 4033, code: 'tool_quarantined', event: 'mcp_call' },
  );
  await expectRefusal(world, {}, { status: 403, rpc: 4033, code: 'tool_quarantined', event: 'mcp_call' });
});

test('a pre-release is served by its own door only', async () => {
  setServers([
    version({ version: '2.0.0-beta.1', major: 2, upstreamUrl: `${world.upstream.origin}/beta` }),
    version({}),
  ]);
  await world.send({ path: '/servers/alpha/mcp' });
  assert.equal(world.lastEvent().version, '1.0.0');
  await world.send({ path: '/servers/alpha/v2/mcp' });
  assert.equal(world.lastEvent().version, '2.0.0-beta.1');
});

test('resources and prompts go to the server of their door, with policy, and come back private', async () => {
  world.upstream.reply = ({ message }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id: message.id,
        result: { resultType: 'complete', resources: [], ttlMs: 5, cacheScope: 'public' },
      }),
    );
  };
  const answer = await world.send({ path: '/servers/alpha/mcp', method: 'resources/list' });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.result.cacheScope, 'private');
  assert.equal(world.lastEvent().server, 'alpha');
  const claims = JSON.parse(
    Buffer.from(
      String(world.upstream.seen.at(-1)?.headers.authorization).split('.')[1] as string,
      'base64url',
    ).toString(),
  );
  assert.equal(claims.scope, '');
  assert.equal(claims.tool, undefined);
  await expectRefusal(
    world,
    { path: '/servers/alpha/mcp', method: 'resources/list', claims: { tenant: 'globex' } },
    { status: 403, rpc: 4030, code: 'policy_denied', event: 'mcp_call' },
  );
  await expectRefusal(
    world,
    { method: 'resources/list' },
    { status: 403, rpc: 4030, code: 'policy_denied', event: 'mcp_call' },
  );
});
