import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { sendJson } from '../support/echo-upstream.ts';
import { modernMeta } from '../support/gateway-world.ts';
import { createTestIssuer } from '../support/test-issuer.ts';

const mainFile = fileURLToPath(new URL('../../runtime/tools/read/main.ts', import.meta.url));
const audience = 'urn:toolgate:server:read';
const actor = 'spiffe://toolgate.test/gateway';

test('on SIGTERM the process of a tool server ends its streams, flushes its record and exits with 0 in time', async (t) => {
  const issuer = createTestIssuer(Date.now, 'http://gateway.test');
  const keys = createServer((_request, response) => sendJson(response, issuer.jwks));
  keys.listen(0, '127.0.0.1');
  await once(keys, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-sigterm-'));
  const drainTimeoutMs = 15_000;
  const child = spawn(process.execPath, [mainFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      AUDIENCE: audience,
      GATEWAY_ISSUER: issuer.issuer,
      GATEWAY_JWKS_URL: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`,
      ALLOWED_ACTORS: actor,
      AUDIT_DIR: join(folder, 'audit'),
      AUDIT_WRITER: 'read',
      // Nobody listens there; a stream of changes asks no database.
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      DRAIN_TIMEOUT_MS: String(drainTimeoutMs),
    },
  });
  t.after(async () => {
    child.kill('SIGKILL');
    keys.closeAllConnections();
    keys.close();
    await rm(folder, { recursive: true, force: true });
  });
  const serving = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { msg, url } = JSON.parse(line);
    if (msg === 'serving') serving.resolve(url);
  });
  const url = await serving.promise;

  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${issuer.token({ aud: audience, act: { sub: actor }, scope: '' })}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { _meta: modernMeta, notifications: { toolsListChanged: true } },
    }),
  });
  assert.equal(response.status, 200, response.headers.get('content-type') ?? '');
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const whole = response.text();
  const closed = once(child, 'close');
  const startedMs = performance.now();
  child.kill('SIGTERM');
  assert.match(await whole, /data:/, 'the stream ends as a stream does, with its last message');
  assert.deepEqual(await closed, [0, null]);
  assert.ok(performance.now() - startedMs < drainTimeoutMs);
  assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, []);
});
