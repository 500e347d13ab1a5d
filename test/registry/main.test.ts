import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KMSClient } from '@aws-sdk/client-kms';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { openKmsEndorser } from '../../runtime/shared/signing-keys/kms-endorser.ts';
import { createPublishedKeys } from '../../runtime/shared/signing-keys/published-keys.ts';
import { createStatementStore } from '../../runtime/shared/signing-keys/statement-store.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { declarationOf } from '../support/declaration-world.ts';
import { startKmsDouble } from '../support/kms-double.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { startSsmDouble } from '../support/ssm-double.ts';
import { type SampleToolServer, sampleCapability, sampleManifest, startToolServer } from '../support/tool-server.ts';
import { startToolServerWorld } from '../tools/tool-server-world.ts';

const mainFile = fileURLToPath(new URL('../../runtime/registry/main.ts', import.meta.url));

function startMain(t: TestContext, env: Record<string, string>) {
  const child = spawn(process.execPath, [mainFile], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** The line that says where the registry listens. */
function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    // Read to the end, or the child would wait for a reader.
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split('\n').find((each) => each.includes('"the registry listens"') && each.endsWith('}'));
      if (line !== undefined) resolve(JSON.parse(line).url);
    });
    child.once('close', () => reject(new Error(`it ended: ${text}`)));
  });
}

/** Waits for a condition that another process brings about. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await holds()) return;
    await delay(50);
  }
  assert.fail(`never: ${what}`);
}

async function world(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-registry-'));
  const dynamo = await openTestDynamo(t);
  const ssm = await startSsmDouble();
  t.after(async () => {
    await ssm.close();
    await rm(folder, { recursive: true, force: true });
  });
  const server = await startToolServer(t);
  server.manifest = sampleManifest(server.origin, [sampleCapability({ name: 'echo.read' })]);
  const env = (writer: string) => ({
    HOST: '127.0.0.1',
    PORT: '0',
    GATEWAY_URL: 'http://localhost:4400',
    AUTHORIZATION_ISSUER: 'http://localhost:4401',
    DECLARATIONS_PATH: '/toolgate/test/servers',
    DECLARATIONS_POLL_MS: '100',
    TOOLGATE_LOOPBACK_SERVERS: 'on',
    TABLE_PREFIX: tablePrefix,
    DYNAMODB_ENDPOINT: dynamo.endpoint,
    AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AUDIT_DIR: join(folder, 'audit'),
    AUDIT_WRITER: writer,
  });
  const store = createCatalogueStore({ client: dynamo.client, tablePrefix });
  const statusOf = async (name: string) => (await store.get(name))?.versions[0]?.status;
  return { folder, dynamo, ssm, server, env, statusOf };
}

test('the process registers what is declared in SSM, withdraws it, and hands over on SIGTERM with nothing left', async (t) => {
  const { folder, ssm, server, env, statusOf } = await world(t);
  const parameter = '/toolgate/test/servers/echo';
  ssm.parameters.set(parameter, JSON.stringify(declarationOf(server)));
  const first = startMain(t, env('registry-a'));
  const url = await urlOf(first);
  await until('it is ready', async () => (await fetch(`${url}/readyz`)).status === 200);
  assert.equal(await statusOf('echo'), 'active');
  assert.match(server.posts[0]?.authorization ?? '', /^Bearer eyJ/);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /toolgate_declarations\{state="as_declared"\} 1/);
  assert.match(metrics, /toolgate_registrations_total\{outcome="registered"\} 1/);
  assert.match(metrics, /toolgate_registry_leading 1/);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/etc/passwd`)).status, 404);

  const second = startMain(t, env('registry-b'));
  const otherUrl = await urlOf(second);
  await until('the other one is ready', async () => (await fetch(`${otherUrl}/readyz`)).status === 200);
  assert.match(await (await fetch(`${otherUrl}/metrics`)).text(), /toolgate_registry_leading 0/);

  const closed = once(first, 'close');
  first.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
  ssm.parameters.delete(parameter);
  await until('the one that is left withdraws it', async () => (await statusOf('echo')) === 'disabled');
  const otherClosed = once(second, 'close');
  second.kill('SIGTERM');
  assert.deepEqual(await otherClosed, [0, null]);
  assert.equal((await verifyAuditDirectory(join(folder, 'audit'))).isIntact, true);
});

test('a real tool server tells its tools to the registry alone, by a key that the root key vouches for', async (t) => {
  const { dynamo, ssm, env, statusOf } = await world(t);
  const kms = await startKmsDouble();
  t.after(() => kms.close());
  const endpoints = { AWS_ENDPOINT_URL_KMS: kms.endpoint, AWS_REGION: kms.region };
  const kmsClient = new KMSClient({ endpoint: kms.endpoint, region: kms.region, credentials: kms.credentials });
  t.after(() => kmsClient.destroy());
  // What any gateway publishes.
  const statements = createStatementStore(dynamo.client, tablePrefix);
  const endorser = await openKmsEndorser(kmsClient, kms.keyId);
  const now = Date.now;
  const [issuer, actor] = ['http://localhost:4400/registry', 'spiffe://toolgate.local/registry'];
  const published = createPublishedKeys({
    store: statements,
    actor,
    root: async () => endorser,
    now,
    logger: silentLogger(),
    intervalMs: 0,
  });
  const verifier = createTokenVerifier({
    issuers: [{ issuer, jwksUri: 'http://localhost:4400/.well-known/registry-jwks.json' }],
    now,
    jwksCooldownMs: 0,
    fetch: async () => Response.json(await published.jwks()),
  });
  const upstream = await startToolServerWorld({ verifier, registry: { issuer, actors: [actor] } });
  t.after(() => upstream.server.close());
  const { origin } = new URL(upstream.server.url);
  const { manifest } = upstream.server;
  ssm.parameters.set(
    '/toolgate/test/servers/test',
    JSON.stringify(declarationOf({ origin, manifest } as SampleToolServer)),
  );
  const child = startMain(t, {
    ...env('registry'),
    ...endpoints,
    UPSTREAM_KMS_KEY_ID: kms.keyId,
    UPSTREAM_KEY_LEAD_MS: '0',
  });
  await urlOf(child);
  await until('it is registered', async () => (await statusOf('test')) === 'active');
  assert.deepEqual(upstream.audit.events, [], 'nothing was refused');
});

test('without SSM it lives, says so, and keeps what there is; back, it goes on', async (t) => {
  const { ssm, server, env, statusOf } = await world(t);
  ssm.parameters.set('/toolgate/test/servers/echo', JSON.stringify(declarationOf(server)));
  ssm.failure = { status: 400, type: 'AccessDeniedException' };
  const child = startMain(t, env('registry'));
  const url = await urlOf(child);
  const problems = async () =>
    ((await (await fetch(`${url}/readyz`)).json()) as { problems?: string[] }).problems ?? [];
  await until('it says why', async () => (await problems()).includes('declarations or catalogue cannot be read'));
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal(await statusOf('echo'), undefined);
  ssm.failure = undefined;
  await until('it registers', async () => (await statusOf('echo')) === 'active');
  ssm.failure = { status: 500, type: 'InternalServerError' };
  await until('it says why again', async () => (await problems()).length > 0);
  assert.equal(await statusOf('echo'), 'active');
});

test('an environment that is not complete, or unsafe, is told at once', async (t) => {
  const told = async (env: Record<string, string>) => {
    const child = startMain(t, env);
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(child, 'close');
    assert.equal(child.exitCode, 1);
    return text;
  };
  const text = await told({ DECLARATIONS_PATH: 'no-path', TOOL_DOMAIN: 'internal', TOOLGATE_LOOPBACK_SERVERS: 'yes' });
  for (const name of [
    'GATEWAY_URL',
    'AUTHORIZATION_ISSUER',
    'DECLARATIONS_PATH',
    'TOOL_DOMAIN',
    'TOOLGATE_LOOPBACK_SERVERS',
    'TABLE_PREFIX',
    'AUDIT_DIR',
  ]) {
    assert.match(text, new RegExp(`${name} is `));
  }
  const { env } = await world(t);
  const deployed = await told({ ...env('registry'), GATEWAY_URL: 'https://mcp.example.com' });
  assert.match(deployed, /TOOLGATE_LOOPBACK_SERVERS is refused for the gateway https:\/\/mcp\.example\.com/);
  assert.doesNotMatch(deployed, /at .*\.ts/);
});
