import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type RunningObjectStore, sampleObjects, startObjectStore } from '../../runtime/local/object-store.ts';
import { canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { readServerEnv } from '../../runtime/tools/read/env.ts';
import { startReadServer } from '../../runtime/tools/read/start-read-server.ts';
import type { RunningToolServer } from '../../runtime/tools/serve-tools.ts';
import { trustProblem } from '../../runtime/tools/tool-server-env.ts';
import { writeServerEnv } from '../../runtime/tools/write/env.ts';
import { startWriteServer } from '../../runtime/tools/write/start-write-server.ts';
import { createMemoryAudit } from '../support/memory-audit.ts';
import { createUpstreamTokens } from '../support/upstream-token.ts';
import { postgresWorld } from './postgres-world.ts';
import { callMessage } from './tool-server-world.ts';

describe('the sample tool servers', () => {
  const world = postgresWorld();
  const tokens = createUpstreamTokens();
  const audit = createMemoryAudit();
  let store: RunningObjectStore;
  let read: RunningToolServer;
  let write: RunningToolServer;

  const door = (name: string) => ({
    HOST: '127.0.0.1',
    PORT: '0',
    AUDIENCE: `urn:toolgate:server:${name}`,
    GATEWAY_ISSUER: tokens.issuer,
    GATEWAY_JWKS_URL: `${tokens.issuer}/jwks`,
    ALLOWED_ACTORS: tokens.actor,
    AUDIT_DIR: 'kept in memory',
    AUDIT_WRITER: name,
  });
  const call = async (server: RunningToolServer, scope: string, name: string, args: object, yes = {}) => {
    const token = tokens.token(server.manifest.auth.audience, { scope, tool: name, ...yes });
    const response = await fetch(server.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(callMessage(name, args)),
    });
    return { status: response.status, text: await response.text() };
  };

  before(async () => {
    store = await startObjectStore({ logger: silentLogger(), now: Date.now, seed: sampleObjects });
    const deps = { verifier: tokens.verifier, audit, logger: silentLogger(), now: Date.now };
    const readVariables = {
      ...door('read'),
      DATABASE_URL: world.running().connectionString('reader'),
      S3_ENDPOINT: store.url,
      S3_BUCKETS: Object.keys(sampleObjects).join(','),
    };
    read = await startReadServer(readEnv(readServerEnv, readVariables), { ...deps, s3Credentials: store.credentials });
    const writeVariables = { ...door('write'), DATABASE_URL: world.running().connectionString('writer') };
    write = await startWriteServer(readEnv(writeServerEnv, writeVariables), deps);
  });
  after(async () => {
    await Promise.all([read.close(), write.close(), store.close()]);
  });

  test('publish manifests that match the schema', async () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../runtime/contract/capability-manifest.schema.json', import.meta.url), 'utf8'),
    );
    const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(schema);
    for (const { url } of [read, write]) {
      const manifest = await (await fetch(`${new URL(url).origin}/.well-known/mcp-capabilities`)).json();
      assert.ok(validate(manifest), JSON.stringify(validate.errors));
    }
    const toolsOf = ({ manifest }: RunningToolServer) =>
      manifest.tools.map(({ name, version, scopes, destructive, annotations }) => [
        name,
        version,
        scopes,
        destructive,
        annotations.destructiveHint,
      ]);
    assert.deepEqual(toolsOf(read), [
      ['postgres.readonly', '1.0.0', ['postgres:query:readonly'], false, false],
      ['s3.list', '1.0.0', ['s3:list'], false, false],
    ]);
    assert.deepEqual(toolsOf(write), [['postgres.write', '1.0.0', ['postgres:query:write'], true, true]]);
  });

  test('query the database and list the store', async () => {
    const query = await call(read, 'postgres:query:readonly', 'postgres.readonly', {
      sql: 'SELECT count(*) FROM customers',
    });
    assert.equal(query.status, 200);
    assert.match(query.text, /"rows":\[\[120\]\]/);
    const list = await call(read, 's3:list', 's3.list', {
      bucket: 'toolgate-samples',
      prefix: 'invoices/2026/',
      page_size: 1,
    });
    assert.match(list.text, /"key":"invoices\/2026\/01\.csv"/);
  });

  test('write only what a person approved', async () => {
    const args = { sql: "UPDATE customers SET city = 'Approved' WHERE id = 1" };
    const alone = await call(write, 'postgres:query:write', 'postgres.write', args);
    assert.equal(alone.status, 403);
    assert.match(alone.text, /approval_required/);
    assert.deepEqual(
      audit.events.map(({ code, tool, server }) => [code, tool, server]),
      [['approval_required', 'postgres.write', 'write']],
    );
    assert.deepEqual(await world.asOwner("SELECT id FROM customers WHERE city = 'Approved'"), []);
    const yes = { arguments_sha256: canonicalSha256(args) };
    const approved = await call(write, 'postgres:query:write approved:by:human', 'postgres.write', args, yes);
    assert.match(approved.text, /"rows_affected":1/);
  });

  test('tell whether their database answers', async () => {
    assert.equal((await fetch(`${new URL(read.url).origin}/readyz`)).status, 200);
    const variables = { ...door('write'), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const deps = { verifier: tokens.verifier, audit, logger: silentLogger(), now: Date.now };
    const other = await startWriteServer(readEnv(writeServerEnv, variables), deps);
    const response = await fetch(`${new URL(other.url).origin}/readyz`);
    assert.deepEqual(
      [response.status, ((await response.json()) as { problems: string[] }).problems],
      [503, ['the database does not answer']],
    );
    await other.close();
  });

  test('say what is wrong with how they know the registry from the gateway', () => {
    const gateway = { GATEWAY_ISSUER: 'g', GATEWAY_JWKS_URL: 'g/keys', ALLOWED_ACTORS: 'spiffe://a/gateway' };
    const registry = { REGISTRY_ISSUER: 'r', REGISTRY_JWKS_URL: 'r/keys', REGISTRY_ACTOR: 'spiffe://a/registry' };
    assert.equal(trustProblem(gateway), undefined);
    assert.equal(trustProblem({ ...gateway, ...registry }), undefined);
    for (const name of Object.keys(registry)) {
      assert.match(trustProblem({ ...gateway, ...registry, [name]: '' }) ?? '', /set all three, or none/, name);
    }
    for (const same of [
      { REGISTRY_ISSUER: 'g' },
      { REGISTRY_JWKS_URL: 'g/keys' },
      { ALLOWED_ACTORS: 'spiffe://a/gateway, spiffe://a/registry' },
    ]) {
      assert.match(trustProblem({ ...gateway, ...registry, ...same }) ?? '', /registry could call tools/);
    }
  });

  test('name every variable that is missing', () => {
    assert.throws(() => readEnv(readServerEnv, {}), /AUDIENCE is missing.*\n.*GATEWAY_ISSUER is missing/);
  });

  test('run as processes of their own and end on SIGTERM', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
    const keys = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [jwk] }));
    });
    keys.listen(0, '127.0.0.1');
    await once(keys, 'listening');
    const issuer = `http://127.0.0.1:${(keys.address() as AddressInfo).port}`;
    const folder = mkdtempSync(join(tmpdir(), 'toolgate-main-'));
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../runtime/tools/write/main.ts', import.meta.url))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...door('write'),
          GATEWAY_ISSUER: issuer,
          GATEWAY_JWKS_URL: `${issuer}/jwks`,
          AUDIT_DIR: join(folder, 'audit'),
          DATABASE_URL: world.running().connectionString('writer'),
        },
      },
    );
    const exited = once(child, 'exit');
    try {
      const url = await servingUrl(child.stdout);
      const token = signedToken(issuer, privateKey, { aud: 'urn:toolgate:server:write', act: { sub: tokens.actor } });
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify(callMessage('postgres.write', { sql: 'DELETE FROM customers' })),
      });
      assert.equal(response.status, 403);
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
    } finally {
      child.kill('SIGKILL');
      keys.closeAllConnections();
      keys.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function servingUrl(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
    if (msg === 'serving' && url !== undefined) {
      output.resume();
      return url;
    }
  }
  throw new Error('the server ended before it served');
}

function signedToken(issuer: string, key: KeyObject, claims: object): string {
  const seconds = Math.floor(Date.now() / 1000);
  const usual = {
    iss: issuer,
    sub: 'ada',
    client_id: 'c',
    tenant: 'acme',
    scope: 'postgres:query:write',
    jti: 'call-1',
    iat: seconds,
    exp: seconds + 60,
  };
  const text = [
    { alg: 'ES256', typ: 'at+jwt', kid: 'k1' },
    { ...usual, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
