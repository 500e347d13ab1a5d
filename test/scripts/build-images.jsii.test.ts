import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ImageName, imageDirectory, lambdaDirectory, policyDirectory } from '../../lib/constructs/assets.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const names: readonly ImageName[] = ['gateway', 'authorization', 'approvals', 'registry', 'read', 'write'];

for (const name of names) {
  test(`the image of ${name} runs with nothing beside its folder, is healthy and ends on SIGTERM`, async (t) => {
    const folder = emptyFolder(t);
    cpSync(imageDirectory(name), join(folder, 'app'), { recursive: true });
    const dynamo = await openTestDynamo(t);
    const child = spawn(process.execPath, ['index.mjs'], {
      cwd: join(folder, 'app'),
      env: { ...environmentOf(name, folder), DYNAMODB_ENDPOINT: dynamo.endpoint },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    const { origin, lines } = await listening(child);
    assert.equal(await statusOf(`${origin}/healthz`), 200);
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    assert.deepEqual(await closed, [0, null], lines.join('\n'));
  });
}

test('the pre-token function loads with nothing beside its folder and exports its handler', async (t) => {
  const folder = emptyFolder(t);
  cpSync(lambdaDirectory('pre-token'), folder, { recursive: true });
  const { handler } = await import(pathToFileURL(join(folder, 'index.mjs')).href);
  assert.equal(typeof handler, 'function');
});

test('an image holds one file of code, its licences and a Dockerfile, and stays under 8 MiB', () => {
  for (const name of names) {
    const directory = imageDirectory(name);
    assert.deepEqual(globSync('**/*.*', { cwd: directory }).sort(), [
      'THIRD_PARTY_LICENSES.txt',
      'index.mjs',
      'var/toolgate/about.txt',
    ]);
    assert.ok(statSync(join(directory, 'index.mjs')).size < 8 * 1024 * 1024, `${name} is too large`);
    assert.match(readFileSync(join(directory, 'THIRD_PARTY_LICENSES.txt'), 'utf8'), /pino \d+\.\d+\.\d+ \(MIT\)/);
  }
});

test('a Dockerfile stands on a pinned base, copies what is there, runs nothing, and gives up root', () => {
  for (const name of names) {
    const text = readFileSync(join(imageDirectory(name), 'Dockerfile'), 'utf8');
    const instructions = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const used = new Set(instructions.map((line) => line.split(' ')[0]));
    assert.deepEqual([...used], ['FROM', 'ENV', 'WORKDIR', 'COPY', 'VOLUME', 'USER', 'EXPOSE', 'CMD'], name);
    assert.match(text, /^FROM \S+@sha256:[0-9a-f]{64}$/m);
    assert.match(text, /^USER [1-9]\d*:[1-9]\d*$/m);
    const copied = [...text.matchAll(/^COPY (?:--\S+ )?(.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '));
    assert.deepEqual(copied, ['THIRD_PARTY_LICENSES.txt', 'index.mjs', 'var/']);
  }
});

test('no image holds the construct library, and nothing built names a folder of the machine that built it', () => {
  for (const file of globSync('dist/**/*.{mjs,js,ts,json,txt}', { cwd: root })) {
    const text = readFileSync(join(root, file), 'utf8');
    assert.ok(!text.includes(root.replace(/\/$/, '')), `${file} names ${root}`);
    if (file.startsWith('dist/images/')) assert.doesNotMatch(text, /node_modules\/(aws-cdk-lib|constructs)\//, file);
  }
});

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-image-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What each service is given on a laptop, where every part that it calls only later is a name that answers nothing. */
function environmentOf(name: ImageName, folder: string): Record<string, string> {
  const common = {
    HOST: '127.0.0.1',
    PORT: '0',
    TABLE_PREFIX: tablePrefix,
    AUDIT_DIR: join(folder, 'audit'),
    AUDIT_WRITER: name,
    AWS_ACCESS_KEY_ID: 'laptop',
    AWS_SECRET_ACCESS_KEY: 'laptop',
    AWS_REGION: 'local',
  };
  const toolServer = {
    ...common,
    AUDIENCE: `urn:toolgate:server:${name}`,
    GATEWAY_ISSUER: 'http://gateway.test',
    GATEWAY_JWKS_URL: 'http://gateway.test/jwks',
    ALLOWED_ACTORS: 'spiffe://test/gateway',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  };
  switch (name) {
    case 'gateway':
      return {
        ...common,
        PUBLIC_URL: 'http://gateway.test',
        ISSUERS: 'http://issuer.test=http://issuer.test/jwks',
        POLICY_DIR: policyDirectory(),
      };
    case 'authorization':
      return {
        ...common,
        AUTHORIZATION_ISSUER: 'http://127.0.0.1:4401',
        AUTHORIZATION_PORT: '0',
        GATEWAY_URL: 'http://gateway.test',
      };
    case 'approvals':
      return { ...common, PUBLIC_URL: 'http://approvals.test', POLICY_DIR: policyDirectory() };
    case 'registry':
      return {
        ...common,
        GATEWAY_URL: 'http://gateway.test',
        AUTHORIZATION_ISSUER: 'http://issuer.test',
        DECLARATIONS_PATH: '/toolgate/test/servers',
        // Nobody listens there, so a look at the declarations ends at once and without a network.
        AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      };
    case 'read':
    case 'write':
      return toolServer;
  }
}

/** The line of the log that names where the service listens. */
async function listening(child: ChildProcess): Promise<{ origin: string; lines: string[] }> {
  const lines: string[] = [];
  const { stdout, stderr } = child;
  assert.ok(stdout && stderr);
  stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const found = Promise.withResolvers<string>();
  createInterface({ input: stdout }).on('line', (line) => {
    lines.push(line);
    const url = /"url":"(http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  child.once('close', () => found.reject(new Error(`it ended before it listened:\n${lines.join('\n')}`)));
  return { origin: await found.promise, lines };
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
}
