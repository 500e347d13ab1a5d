import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { echoReply } from '../support/echo-upstream.ts';
import { exchange, modernMeta, publicUrl } from '../support/gateway-world.ts';
import { openWiredParts, type WiredParts } from '../support/wired-gateway.ts';

const mainFile = fileURLToPath(new URL('../../runtime/gateway/main.ts', import.meta.url));

/** The gateway as its process, and the port it took. */
async function startProcess(t: TestContext, { env }: WiredParts, more: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [mainFile], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const listening = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    const { msg, url } = JSON.parse(line);
    if (msg === 'the gateway listens') listening.resolve(Number(new URL(url).port));
  });
  child.once('close', () => listening.reject(new Error(`it ended: ${lines.join('\n')}`)));
  return { child, lines, port: await listening.promise };
}

const send = (port: number, { issuer }: WiredParts, method: string, path = '/mcp') => {
  const params = method === 'tools/call' ? { name: 'echo.say', arguments: { text: 'hello' } } : {};
  return exchange(
    { port },
    {
      path,
      httpMethod: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${issuer.token({ aud: publicUrl + path })}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        'mcp-name': method === 'tools/call' ? 'echo.say' : null,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: modernMeta, ...params } }),
    },
  );
};

test('on SIGTERM the process ends its streams at once, lets calls end, flushes the record and exits with 0 in time', async (t) => {
  const parts = await openWiredParts(t);
  const drainTimeoutMs = 15_000;
  const { child, lines, port } = await startProcess(t, parts, { DRAIN_TIMEOUT_MS: String(drainTimeoutMs) });
  const [streaming, calling] = [Promise.withResolvers<void>(), Promise.withResolvers<() => void>()];
  parts.upstream.reply = (seen, response) => {
    if (seen.message.method === 'tools/call') return calling.resolve(() => echoReply(seen, response));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
    streaming.resolve();
  };
  const stream = send(port, parts, 'subscriptions/listen', '/servers/alpha/mcp');
  const call = send(port, parts, 'tools/call');
  await streaming.promise;
  const goOn = await calling.promise;
  const closed = once(child, 'close');
  const startedMs = performance.now();
  child.kill('SIGTERM');
  assert.match((await stream).text, /"code":"shutting_down"/, 'the stream ends with a reason');
  goOn();
  assert.equal((await call).status, 200, 'the call under way is answered');
  assert.deepEqual(await closed, [0, null], lines.join('\n'));
  assert.ok(performance.now() - startedMs < drainTimeoutMs);
  const { findings } = await verifyAuditDirectory(parts.auditDir);
  assert.deepEqual(findings, []);
});

test('a call that never ends and a client that does not read keep the process no longer than the time for it', async (t) => {
  const parts = await openWiredParts(t);
  const { child, lines, port } = await startProcess(t, parts, { DRAIN_TIMEOUT_MS: '200' });
  const reached = Promise.withResolvers<void>();
  parts.upstream.reply = () => reached.resolve();
  const call = send(port, parts, 'tools/call');
  await reached.promise;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  assert.equal((await call).json.error.data.code, 'shutting_down');
  assert.deepEqual(await closed, [0, null], lines.join('\n'));
  assert.deepEqual((await verifyAuditDirectory(parts.auditDir)).findings, []);
});

test('no line of the log holds a token, a key or an argument', async (t) => {
  const parts = await openWiredParts(t);
  const maskKey = 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v';
  const { child, lines, port } = await startProcess(t, parts, { MASK_KEY: maskKey, LOG_LEVEL: 'debug' });
  assert.equal((await send(port, parts, 'tools/call')).status, 200);
  const forged = { ...parts, issuer: { ...parts.issuer, token: () => `${parts.issuer.token()}x` } };
  assert.equal((await send(port, forged, 'tools/call')).status, 401);
  parts.upstream.reply = (_seen, response) => response.destroy();
  assert.equal((await send(port, parts, 'tools/call')).status, 502);
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
  const log = lines.join('\n');
  assert.match(log, /"msg":"a stranger was refused"/);
  assert.match(log, /"address":"127\.0\.0\.1"/);
  assert.doesNotMatch(log, /eyJ|hello|A1b2C3d4/);
});
