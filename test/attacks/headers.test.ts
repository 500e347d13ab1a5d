import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { expectRefusal } from '../support/expect-refusal.ts';
import { type GatewayWorld, type SendOptions, startGatewayWorld } from '../support/gateway-world.ts';
import { sendRaw } from '../support/raw-http.ts';

const inputSchema = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    limit: { type: 'integer', 'x-mcp-header': 'Limit' },
    deep: { type: 'object', properties: { zone: { type: 'string', 'x-mcp-header': 'Zone' } } },
  },
};

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld({
    servers: (url) => [sampleServer('alpha', [sampleVersion(url, [sampleTool({ name: 'echo.say', inputSchema })])])],
  });
});
after(() => world.close());

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
const mismatch = { status: 400, rpc: -32020, code: 'header_mismatch', event: 'mcp_call' } as const;
const sending = (args: object, headers: Record<string, string | readonly string[]>, more: SendOptions = {}) => ({
  params: { name: 'echo.say', arguments: args },
  headers,
  ...more,
});

const lies: readonly (readonly [string, SendOptions])[] = [
  ['names another value', sending({ region: 'eu' }, { 'mcp-param-region': 'us' })],
  ['differs in case', sending({ region: 'eu' }, { 'mcp-param-region': 'EU' })],
  ['is missing', sending({ region: 'eu' }, {})],
  ['is there without its argument', sending({}, { 'mcp-param-region': 'us' })],
  ['is there for an argument that is null', sending({ region: null }, { 'mcp-param-region': 'us' })],
  ['hides another value in Base64', sending({ region: 'eu' }, { 'mcp-param-region': base64('us') })],
  ['is an empty sentinel', sending({ region: 'eu' }, { 'mcp-param-region': '=?base64??=' })],
  ['is a number that only starts alike', sending({ limit: 10 }, { 'mcp-param-limit': '10;rm' })],
  ['is a number in another notation', sending({ limit: 16 }, { 'mcp-param-limit': '0x10' })],
  ['differs from an argument deep down', sending({ deep: { zone: 'a' } }, { 'mcp-param-zone': 'b' })],
  ['lies in a message of an older version', sending({ region: 'eu' }, { 'mcp-param-region': 'us' }, { era: 'legacy' })],
];

for (const [what, options] of lies) {
  test(`a parameter header that ${what} is refused, recorded, and never forwarded`, async () => {
    await expectRefusal(world, options, mismatch);
  });
}

test('parameter headers that tell the truth are served and go along, and older clients need none', async () => {
  const truths: readonly SendOptions[] = [
    sending(
      { region: 'eu', limit: 10, deep: { zone: 'ä' } },
      { 'mcp-param-region': 'eu', 'mcp-param-limit': '10.0', 'mcp-param-zone': base64('ä') },
    ),
    sending({ region: null }, {}),
    sending({ region: 'eu' }, {}, { era: 'legacy' }),
  ];
  for (const options of truths) {
    const answer = await world.send(options);
    assert.equal(answer.status, 200, answer.text);
  }
  assert.equal(world.upstream.seen[0]?.headers['mcp-param-region'], 'eu');
});

const chunked = (lines: readonly string[], body: string) => {
  const token = world.issuer.token({ aud: 'http://gateway.test/mcp' });
  const head = ['POST /mcp HTTP/1.1', 'host: gateway.test', `authorization: Bearer ${token}`, ...lines, '', ''];
  return sendRaw(world.gateway.port, head.join('\r\n') + body, 1000);
};
const hidden = 'POST /mcp HTTP/1.1\r\nhost: gateway.test\r\ncontent-length: 0\r\n\r\n';

const smuggled: readonly (readonly [string, readonly string[], string])[] = [
  ['chunked twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked'], `0\r\n\r\n${hidden}`],
  [
    'chunked and a coding that hides it',
    ['transfer-encoding: chunked', 'transfer-encoding: cow'],
    `0\r\n\r\n${hidden}`,
  ],
  ['a bare line feed after a chunk size', ['transfer-encoding: chunked'], `0\n\n${hidden}`],
  ['a chunk size with a sign', ['transfer-encoding: chunked'], `+0\r\n\r\n${hidden}`],
  ['a chunk size beyond 64 bits', ['transfer-encoding: chunked'], `${'f'.repeat(17)}\r\n${hidden}`],
  ['a chunk extension with a line feed', ['transfer-encoding: chunked'], `0;a\nb\r\n\r\n${hidden}`],
];

for (const [what, lines, body] of smuggled) {
  test(`no second message is found behind ${what}`, async () => {
    const events = world.audit.events.length;
    const answer = await chunked(['content-type: application/json', ...lines], body);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, answer);
    assert.deepEqual(
      world.audit.events.slice(events).filter(({ event }) => event !== 'http_refusal'),
      [],
      'no message was read',
    );
  });
}

test('what a trailer says is not a header', async () => {
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const size = Buffer.byteLength(message).toString(16);
  const trailers = 'mcp-method: tools/call\r\nx-forwarded-host: evil.test\r\nauthorization: Bearer x\r\n';
  const answer = await chunked(
    ['content-type: application/json', 'connection: close', 'transfer-encoding: chunked', 'trailer: mcp-method'],
    `${size};ext="a b"\r\n${message}\r\n0\r\n${trailers}\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*echo\.say/);
  assert.equal(world.lastEvent().method, 'tools/list');
});
