import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { audience, callMessage, startToolServerWorld, type ToolServerWorld } from './tool-server-world.ts';

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
};

describe('a tool server', () => {
  let world: ToolServerWorld;
  before(async () => {
    world = await startToolServerWorld();
  });
  beforeEach(() => {
    world.calls.length = 0;
    world.audit.events.length = 0;
    world.onCall = () => {};
  });
  after(() => world.server.close());

  const requestInit = (scope = 'echo:read') => ({
    headers: { authorization: `Bearer ${world.tokens.token(audience, { scope })}` },
  });

  test('serves a client of 2026-07-28', async () => {
    const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(world.server.url), { requestInit: requestInit() }));
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['echo.read', 'echo.write'],
    );
    assert.equal(tools[1]?.annotations?.destructiveHint, true);
    const result = await client.callTool({ name: 'echo.read', arguments: { text: 'new' } });
    assert.deepEqual(result.content, [{ type: 'text', text: 'new' }]);
    assert.equal(client.getServerVersion()?.name, 'test');
    await client.close();
    assert.equal(world.audit.events.length, 0, 'the gateway records calls; only refusals are recorded here');
  });

  test('serves a client of 2025-11-25 on the same endpoint', async () => {
    const client = new LegacyClient({ name: 'old', version: '1' });
    const transport = new LegacyTransport(new URL(world.server.url), { requestInit: requestInit() });
    // Its optional members lack `| undefined`, which exactOptionalPropertyTypes minds.
    await client.connect(transport as unknown as Parameters<typeof client.connect>[0]);
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      ['echo.read', 'echo.write'],
    );
    const result = await client.callTool({ name: 'echo.read', arguments: { text: 'old' } });
    assert.deepEqual(result.content, [{ type: 'text', text: 'old' }]);
    assert.equal(transport.sessionId, undefined);
    await client.close();
  });

  test('answers a modern list with how long and by whom it may be kept', async () => {
    const response = await world.post(
      { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: modernMeta } },
      { headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' } },
    );
    const { result } = (await response.json()) as { result: Record<string, unknown> };
    assert.deepEqual([result.resultType, result.ttlMs, result.cacheScope], ['complete', 60_000, 'private']);
  });

  test('runs a destructive tool when a person said yes', async () => {
    const token = world.tokens.token(audience, {
      scope: 'echo:write approved:by:human',
      tool: 'echo.write',
      arguments_sha256: canonicalSha256({ text: 'hello' }),
      jti: 'call-7',
    });
    const response = await world.post(callMessage('echo.write'), { token });
    assert.equal(response.status, 200);
    await response.text();
    assert.deepEqual(
      world.calls.map(({ tool, args }) => [tool, args]),
      [['echo.write', { text: 'hello' }]],
    );
    assert.equal(world.calls[0]?.context.caller.callId, 'call-7');
  });

  test('tells the tool who calls, from the token alone', async () => {
    const forged = { ...callMessage('echo.read') } as { params: Record<string, unknown> };
    forged.params = { ...forged.params, _meta: { tenant: 'globex', subject: 'root', approved: true } };
    await (await world.post(forged, { headers: { 'x-tenant': 'globex' } })).text();
    const { subject, tenant, clientId, actor, scopes } = world.calls[0]?.context.caller ?? {};
    assert.deepEqual(
      [subject, tenant, clientId, actor, scopes],
      ['ada', 'acme', 'client-1', world.tokens.actor, ['echo:read']],
    );
  });

  test('names every violation of the input schema in a result that the model can read', async () => {
    for (const args of [{}, { text: 1 }, { text: 'hello', more: true }, { text: 'x'.repeat(21) }]) {
      const response = await world.post(
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'echo.read', arguments: args, _meta: modernMeta },
        },
        { headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo.read' } },
      );
      const { result } = (await response.json()) as { result: { isError: boolean; content: { text: string }[] } };
      assert.equal(result.isError, true);
      assert.match(result.content[0]?.text ?? '', /^The arguments do not match the input schema\.\n- arguments/);
    }
    assert.equal(world.calls.length, 0);
  });

  test('keeps what a broken tool says to itself', async () => {
    world.onCall = () => {
      throw new Error('ssn 078-05-1120');
    };
    const text = await (await world.post(callMessage('echo.read'))).text();
    assert.match(text, /-32603/);
    assert.doesNotMatch(text, /078/);
  });

  test('a caller who leaves stops the tool, in both eras', async () => {
    for (const headers of [
      {},
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo.read' },
    ]) {
      const { entered, stopped } = waitingTool();
      const leaving = new AbortController();
      const message = callMessage('echo.read') as { params: Record<string, unknown> };
      if ('mcp-name' in headers) message.params = { ...message.params, _meta: modernMeta };
      const answer = world.post(message, { headers, signal: leaving.signal });
      await entered;
      leaving.abort();
      await assert.rejects(answer);
      await stopped;
    }
  });

  test('a cancellation stops the own call with that id, and no other', async () => {
    const { entered, stopped, isStopped } = waitingTool();
    const running = world.post(callMessage('echo.read', { text: 'a' }, 41));
    await entered;
    const cancel = (requestId: number, claims: Readonly<Record<string, unknown>> = {}) =>
      world.post(
        { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } },
        { token: world.tokens.token(audience, claims) },
      );
    assert.equal((await cancel(40)).status, 202);
    await cancel(41, { sub: 'bob' });
    await cancel(41, { tenant: 'globex' });
    await cancel(41, { client_id: 'client-2' });
    assert.equal(isStopped(), false);
    assert.equal((await cancel(41)).status, 202);
    await stopped;
    await (await running).text();
  });

  test('is alive and ready without a token, for any Host', async () => {
    const origin = new URL(world.server.url).origin;
    assert.equal((await fetch(`${origin}/healthz`)).status, 200);
    assert.deepEqual(await (await fetch(`${origin}/readyz`)).json(), { status: 'ready', problems: [] });
    assert.equal((await fetch(`${origin}/nothing`)).status, 404);
    assert.equal((await fetch(`${origin}/healthz`, { method: 'POST' })).status, 404);
  });

  test('says what is not well', async () => {
    const other = await startToolServerWorld({ problems: async () => ['the database does not answer'] });
    const response = await fetch(`${new URL(other.server.url).origin}/readyz`);
    assert.deepEqual(
      [response.status, await response.json()],
      [503, { status: 'not ready', problems: ['the database does not answer'] }],
    );
    await other.server.close();
  });

  test('serves a manifest that matches the published schema', async () => {
    const manifest = await (await fetch(`${new URL(world.server.url).origin}/.well-known/mcp-capabilities`)).json();
    const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(
      JSON.parse(
        readFileSync(new URL('../../runtime/contract/capability-manifest.schema.json', import.meta.url), 'utf8'),
      ),
    );
    assert.ok(validate(manifest), JSON.stringify(validate.errors));
    assert.deepEqual(manifest, world.server.manifest);
    assert.deepEqual(world.server.manifest.auth, {
      type: 'oauth2',
      audience,
      issuers: [world.tokens.issuer],
      scopes: ['echo:read', 'echo:write'],
    });
    for (const broken of [
      { ...(manifest as object), schemaVersion: '2' },
      { ...(manifest as object), more: 1 },
      { ...(manifest as object), tools: [] },
      { ...(manifest as object), transport: { type: 'stdio', url: 'http://x/mcp' } },
      { ...(manifest as object), transport: { type: 'streamable-http', url: 'file:///etc/passwd' } },
      changeTool(manifest, { name: 'Echo.Read' }),
      changeTool(manifest, { name: 'echo.read\n' }),
      changeTool(manifest, { scopes: [] }),
      changeTool(manifest, { scopes: ['two words'] }),
      changeTool(manifest, { inputSchema: { type: 'string' } }),
    ]) {
      assert.equal(validate(broken), false, JSON.stringify(broken).slice(0, 200));
    }
  });

  test('lets calls under way end, refuses new ones, and leaves nothing', async () => {
    const other = await startToolServerWorld();
    let release = () => {};
    const entered = Promise.withResolvers<void>();
    other.onCall = () => {
      entered.resolve();
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const running = other.post(callMessage('echo.read'));
    await entered.promise;
    const closed = other.server.close();
    await assert.rejects(fetch(`${new URL(other.server.url).origin}/healthz`));
    release();
    assert.match(await (await running).text(), /hello/);
    await closed;
  });

  test('cancels what does not end in time', async () => {
    const other = await startToolServerWorld({ drainTimeoutMs: 20 });
    const entered = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    other.onCall = (context) => {
      signal = context.signal;
      entered.resolve();
      return new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
    };
    const running = other.post(callMessage('echo.read')).catch(() => undefined);
    await entered.promise;
    await other.server.close();
    assert.equal(signal?.aborted, true);
    await running;
  });

  test('answers a thousand calls with the same id each with its own result', async () => {
    const texts = Array.from({ length: 1_000 }, (_, n) => `text ${n}`);
    const answers = await Promise.all(
      texts.map(async (text) => (await world.post(callMessage('echo.read', { text }, 0))).text()),
    );
    answers.forEach((answer, n) => {
      assert.ok(answer.includes(`"text":"text ${n}"`), answer);
    });
  });

  function waitingTool() {
    const entered = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    let isStopped = false;
    world.onCall = async ({ signal }) => {
      entered.resolve();
      while (!signal.aborted) await delay(5);
      isStopped = true;
      stopped.resolve();
    };
    return { entered: entered.promise, stopped: stopped.promise, isStopped: () => isStopped };
  }
});

function changeTool(manifest: unknown, change: object): object {
  const { tools, ...rest } = manifest as { tools: object[] };
  return { ...rest, tools: [{ ...tools[0], ...change }] };
}
