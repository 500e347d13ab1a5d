import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ExpectedRefusal, expectRefusal } from '../../support/expect-refusal.ts';
import { type GatewayWorld, modernMeta, type SendOptions, startGatewayWorld } from '../../support/gateway-world.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

const mismatch = { status: 400, rpc: -32020, code: 'header_mismatch' } as const;
const version = 'io.modelcontextprotocol/protocolVersion';
const callOf = (meta: Record<string, unknown>) => ({ name: 'echo.say', arguments: {}, _meta: meta });
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

const refused: readonly [string, SendOptions, ExpectedRefusal][] = [
  ['Mcp-Method names another method', { headers: { 'mcp-method': 'tools/list' } }, mismatch],
  ['Mcp-Method differs in case', { headers: { 'mcp-method': 'Tools/Call' } }, mismatch],
  ['Mcp-Method is missing', { headers: { 'mcp-method': null } }, mismatch],
  ['Mcp-Name names another tool', { headers: { 'mcp-name': 'echo.admin' } }, mismatch],
  ['Mcp-Name differs in case', { headers: { 'mcp-name': 'Echo.say' } }, mismatch],
  ['Mcp-Name is missing', { headers: { 'mcp-name': null } }, mismatch],
  ['Mcp-Name hides another tool in Base64', { headers: { 'mcp-name': base64('echo.admin') } }, mismatch],
  ['Mcp-Name is an empty sentinel', { headers: { 'mcp-name': '=?base64??=' } }, mismatch],
  ['Mcp-Name is no canonical Base64', { headers: { 'mcp-name': '=?base64?ZWNoby5zYXk?=' } }, mismatch],
  ['Mcp-Name is Base64 of no UTF-8', { headers: { 'mcp-name': '=?base64?//8=?=' } }, mismatch],
  ['Mcp-Name came twice', { headers: { 'mcp-name': ['echo.say', 'echo.say'] } }, mismatch],
  ['Mcp-Method came twice', { headers: { 'mcp-method': ['tools/call', 'tools/list'] } }, mismatch],
  ['an Mcp-Param came twice', { headers: { 'mcp-param-x': ['1', '2'] } }, mismatch],
  ['MCP-Protocol-Version is missing', { headers: { 'mcp-protocol-version': null } }, mismatch],
  ['MCP-Protocol-Version is another one', { headers: { 'mcp-protocol-version': '2025-11-25' } }, mismatch],
  [
    'a version of the future',
    { headers: { 'mcp-protocol-version': '2027-01-01' }, params: callOf({ ...modernMeta, [version]: '2027-01-01' }) },
    { status: 400, rpc: -32022, code: 'version_unsupported' },
  ],
  [
    'a version that never was',
    { headers: { 'mcp-protocol-version': '1.0' }, params: callOf({ ...modernMeta, [version]: '1.0' }) },
    { status: 400, rpc: -32022, code: 'version_unsupported' },
  ],
  [
    'a modern header without an envelope',
    { params: callOf({}) },
    { status: 400, rpc: -32602, code: 'envelope_missing' },
  ],
  [
    'an envelope without capabilities',
    { params: callOf({ [version]: '2026-07-28' }) },
    { status: 400, rpc: -32602, code: 'envelope_missing' },
  ],
  [
    'an envelope whose version is a number',
    { params: callOf({ ...modernMeta, [version]: 2026 }) },
    { status: 400, rpc: -32602, code: 'envelope_missing' },
  ],
  ['a method that does not exist', { method: 'tools/destroy' }, { status: 404, rpc: -32601, code: 'method_not_found' }],
  ['ping, which 2026-07-28 removed', { method: 'ping' }, { status: 404, rpc: -32601, code: 'method_not_found' }],
  ['initialize in an envelope', { method: 'initialize' }, { status: 404, rpc: -32601, code: 'method_not_found' }],
  ['tasks/get', { method: 'tasks/get' }, { status: 404, rpc: -32601, code: 'method_not_found' }],
  ['a method in another case', { method: 'Tools/call' }, { status: 404, rpc: -32601, code: 'method_not_found' }],
  ['a legacy bridge whose Mcp-Method lies', { era: 'legacy', headers: { 'mcp-method': 'tools/list' } }, mismatch],
  ['a legacy bridge whose Mcp-Name lies', { era: 'legacy', headers: { 'mcp-name': 'echo.admin' } }, mismatch],
  [
    'a legacy version that never was',
    { era: 'legacy', headers: { 'mcp-protocol-version': '2023-01-01' } },
    { status: 400, rpc: -32022, code: 'version_unsupported' },
  ],
  [
    'a legacy method that does not exist',
    { era: 'legacy', method: 'tools/destroy' },
    { status: 200, rpc: -32601, code: 'method_not_found' },
  ],
];

for (const [what, sending, expected] of refused) {
  test(`refused: ${what}`, async () => {
    await expectRefusal(world, sending, expected);
  });
}

const served: readonly [string, SendOptions][] = [
  ['Mcp-Name in Base64', { headers: { 'mcp-name': base64('echo.say') } }],
  ['header names in another case', { headers: { 'MCP-METHOD': 'tools/call', 'mcp-method': null } }],
  ['blanks around Mcp-Name', { headers: { 'mcp-name': '  echo.say ' } }],
  ['a legacy client without any header', { era: 'legacy' }],
  ['a legacy client with its version', { era: 'legacy', headers: { 'mcp-protocol-version': '2025-06-18' } }],
  [
    'a legacy bridge whose headers are true',
    { era: 'legacy', headers: { 'mcp-method': 'tools/call', 'mcp-name': 'echo.say' } },
  ],
];

for (const [what, sending] of served) {
  test(`served: ${what}`, async () => {
    const answer = await world.send(sending);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.result?.content[0].type, 'text', answer.text);
    assert.equal(world.lastEvent().outcome, 'ok');
  });
}

test('an unsupported version is told which are supported', async () => {
  const params = callOf({ ...modernMeta, [version]: '2027-01-01' });
  const answer = await world.send({ params, headers: { 'mcp-protocol-version': '2027-01-01' } });
  assert.deepEqual(answer.json.error.data.supported, ['2026-07-28']);
  assert.equal(answer.json.error.data.requested, '2027-01-01');
});

test('a notification is taken with 202 and no body', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
  const answer = await world.send({ era: 'legacy', body });
  assert.equal(answer.status, 202);
  assert.equal(answer.text, '');
  assert.equal(world.lastEvent().method, 'notifications/initialized');
});

test('initialize is answered with the version of the client, and no Mcp-Session-Id', async () => {
  for (const [asked, given] of [
    ['2025-06-18', '2025-06-18'],
    ['2099-01-01', '2025-11-25'],
  ]) {
    const params = { protocolVersion: asked, capabilities: {}, clientInfo: { name: 'old', version: '1' } };
    const answer = await world.send({ era: 'legacy', method: 'initialize', params });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.result.protocolVersion, given);
    assert.equal(answer.headers['mcp-session-id'], undefined);
    assert.equal(world.lastEvent().client?.name, 'old');
  }
});

test('server/discover is answered by the gateway, for this caller alone', async () => {
  const answer = await world.send({ method: 'server/discover' });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json.result.supportedVersions, ['2026-07-28']);
  assert.equal(answer.json.result.resultType, 'complete');
  assert.equal(answer.json.result.cacheScope, 'private');
});
