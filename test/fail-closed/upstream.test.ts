import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { RefusalCode } from '../../runtime/contract/refusal-codes.ts';
import { canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { closeAndVerify, expectNo } from '../support/expect-wired.ts';
import { sampleGrant } from '../support/grant.ts';
import { openWiredGateway, wiredServers } from '../support/wired-gateway.ts';

type Speak = (socket: Socket) => void;

const http = (head: string, body = '') => `HTTP/1.1 ${head}\r\n\r\n${body}`;
const json = 'content-type: application/json\r\nconnection: close';

/** How a tool server fails, byte by byte, with the documented answer. */
const rows: readonly (readonly [string, Speak, RefusalCode, number])[] = [
  ['hangs up', (socket) => socket.destroy(), 'upstream_unavailable', 502],
  ['says nothing', () => {}, 'upstream_timeout', 504],
  [
    'stops in the middle',
    (socket) => socket.write(http('200 OK\r\ncontent-type: application/json\r\ncontent-length: 99', '{')),
    'upstream_timeout',
    504,
  ],
  ['speaks another protocol', (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'), 'upstream_unavailable', 502],
  ['speaks TLS', (socket) => socket.end(Buffer.from('15030100020246', 'hex')), 'upstream_unavailable', 502],
  ['sends half a status line', (socket) => socket.end('HTTP/1.1 2'), 'upstream_unavailable', 502],
  ['sends bytes for JSON', (socket) => socket.end(http(`200 OK\r\n${json}`, '\u0000\u0001')), 'upstream_invalid', 502],
  ['sends a page', (socket) => socket.end(http('200 OK\r\ncontent-type: text/html', '<p>')), 'upstream_invalid', 502],
  [
    'answers somebody else',
    (socket) => socket.end(http(`200 OK\r\n${json}`, '{"jsonrpc":"2.0","id":"0","result":{"content":[]}}')),
    'upstream_invalid',
    502,
  ],
];

for (const [what, speak, code, status] of rows) {
  test(`a tool server that ${what} is ${code}, recorded, and asked once`, async (t) => {
    const broken = await openBroken(t, speak);
    const world = await openWiredGateway(t, {
      servers: () => wiredServers(broken.url),
      env: { UPSTREAM_IDLE_TIMEOUT_MS: '150' },
    });
    const answer = await expectNo(world, code, { status });
    assert.equal(broken.count(), 1, 'never sent again: nobody knows what the first one did');
    assert.doesNotMatch(answer.text, /127\.0\.0\.1|ECONN|undici|HPE_/, 'where it is and how it broke stays here');
    assert.equal(answer.json.id, 1);
  });
}

test('a tool server that is not there is upstream_unavailable, recorded', async (t) => {
  // Nobody listens on port 1.
  const world = await openWiredGateway(t, { servers: () => wiredServers('http://127.0.0.1:1/mcp') });
  await expectNo(world, 'upstream_unavailable', { status: 502 });
});

test('a change that a person allowed and the server never answered: intent and outcome are on record, and the yes is spent', async (t) => {
  const broken = await openBroken(t, (socket) => socket.destroy());
  const world = await openWiredGateway(t, { servers: () => wiredServers(broken.url) });
  const tool = wiredServers('')
    .at(0)
    ?.versions[0]?.tools.find(({ destructive }) => destructive);
  const args = { text: 'hello' };
  const now = Date.now();
  await world.deps.grants.put(
    sampleGrant({
      subject: 'ada',
      server: 'alpha',
      tool: 'echo.change',
      definitionHash: tool?.definitionHash ?? '',
      argumentsSha256: canonicalSha256(args),
      policyRevision: world.deps.policy.revision() ?? '',
      grantedAtMs: now - 1000,
      expiresAtMs: now + 60_000,
    }),
  );
  const answer = await expectNo(
    world,
    'upstream_unavailable',
    { status: 502 },
    { tool: 'echo.change', arguments: args },
  );
  const [intent, outcome] = world.records;
  assert.deepEqual(
    [intent?.event, intent?.outcome, intent?.call_id],
    ['mcp_call_intent', 'pending', answer.headers['x-call-id']],
  );
  assert.deepEqual([outcome?.event, outcome?.approval_id], ['mcp_call', 'grant-1']);
  const again = await world.send({ tool: 'echo.change', arguments: args });
  assert.equal(again.json.result?.resultType, 'input_required', again.text);
  assert.equal(world.records.at(-1)?.code, 'approval_required');
  assert.equal(broken.count(), 1);
  assert.deepEqual(await closeAndVerify(world), []);
});

/** Listens, reads a request, and then speaks as it is told. */
async function openBroken(t: TestContext, speak: Speak): Promise<{ url: string; count(): number }> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      requests += 1;
      speak(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, count: () => requests };
}
