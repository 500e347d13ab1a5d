import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';

const mainFile = fileURLToPath(new URL('../../runtime/gateway/main.ts', import.meta.url));
const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));

function startMain(t: TestContext, env: Record<string, string>) {
  const child = spawn(process.execPath, [mainFile], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return text;
}

/** The line that says where the gateway listens. */
async function urlOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    const line = text.split('\n').find((each) => each.includes('"the gateway listens"'));
    if (line !== undefined) return JSON.parse(line).url;
  }
  throw new Error(`it ended: ${text}`);
}

test('the process boots on its environment, becomes ready, and ends on SIGTERM with nothing left', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-main-'));
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  t.after(async () => {
    client.destroy();
    await dynamo.close();
    await rm(folder, { recursive: true, force: true });
  });
  await createTables(client, 'main-', tables);
  await assemblePolicyBundle(policiesFolder, join(folder, 'policy'));
  const child = startMain(t, {
    HOST: '127.0.0.1',
    PORT: '0',
    PUBLIC_URL: 'http://gateway.test',
    ISSUERS: 'https://issuer.test=https://issuer.test/jwks',
    POLICY_DIR: join(folder, 'policy'),
    AUDIT_DIR: join(folder, 'audit'),
    TABLE_PREFIX: 'main-',
    DYNAMODB_ENDPOINT: dynamo.endpoint,
  });
  const url = await urlOf(child);
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 200, await ready.text());
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
});

test('an environment that is not complete is told at once, all of it, and no value of a key is shown', async (t) => {
  const child = startMain(t, { PORT: 'http', UPSTREAM_SIGNING_JWKS: 'secret-key', ISSUERS: 'x', MASK_KEY: 'c2hvcnQ=' });
  const text = await textOf(child);
  assert.equal(child.exitCode, 1);
  for (const name of [
    'PUBLIC_URL',
    'POLICY_DIR',
    'AUDIT_DIR',
    'TABLE_PREFIX',
    'PORT',
    'ISSUERS',
    'MASK_KEY',
    'UPSTREAM_SIGNING_JWKS',
  ]) {
    assert.match(text, new RegExp(`${name} is `));
  }
  assert.doesNotMatch(text, /secret-key|at .*\.ts/);
});
