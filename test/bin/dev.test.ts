import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../bin/toolgate.mjs', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Started {
  readonly child: ChildProcess;
  /** Everything on standard output and standard error so far. */
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function start(t: TestContext, args: readonly string[]): Started {
  const child = spawn(process.execPath, [command, 'dev', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const exit = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, output: () => output, exit };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'toolgate-dev-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Resolves when the file is there; rejects when the platform ended before. */
async function fileOf(path: string, { exit, output }: Started): Promise<string> {
  const seen = Promise.withResolvers<void>();
  const watcher = watch(join(path, '..'), () => existsSync(path) && seen.resolve());
  if (existsSync(path)) seen.resolve();
  const ended = exit.then((code) => Promise.reject(new Error(`ended with ${code}: ${output()}`)));
  try {
    await Promise.race([seen.promise, ended]);
  } finally {
    watcher.close();
    ended.catch(() => {});
  }
  return readFileSync(path, 'utf8');
}

/** Processes below `pid`, by process id. */
function descendantsOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.filter(([, above]) => above === parent).flatMap(([child = 0]) => [child, ...below(child)]);
  return below(pid);
}

test('npm start shows progress, says how to make a call and add a client, writes the ready file, and Ctrl-C leaves no process', async (t) => {
  const path = folder(t);
  const started = start(t, ['--port', '0', '--state', join(path, 'state'), '--ready-file', join(path, 'ready.json')]);
  const ready = JSON.parse(await fileOf(join(path, 'ready.json'), started));
  assert.match(ready.endpoint, /^http:\/\/localhost:\d+\/mcp$/);
  assert.match(ready.issuer, /^http:\/\/localhost:\d+$/);
  assert.deepEqual(Object.keys(ready.servers), ['read', 'write']);
  assert.deepEqual([...new Set(ready.users.map((user: { tenant: string }) => user.tenant))], ['acme', 'globex']);

  const unauthorized = await fetch(ready.servers.read, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(unauthorized.status, 401);
  const token = execFileSync(process.execPath, [command, 'token', '--user', 'alice', '--state', join(path, 'state')], {
    encoding: 'utf8',
    cwd: root,
  });
  assert.equal(token.trim().split('.').length, 3);

  const children = descendantsOf(started.child.pid as number);
  assert.ok(children.length > 2, 'PostgreSQL and its workers are below');
  started.child.kill('SIGINT');
  assert.equal(await started.exit, 0);
  for (const progress of ['DynamoDB tables', 'PostgreSQL', 'Authorization server', 'Gateway', 'Servers registered']) {
    assert.match(started.output(), new RegExp(`${progress} +\\d+\\.\\d s`));
  }
  assert.match(started.output(), new RegExp(`curl -s ${ready.endpoint} `));
  assert.match(started.output(), new RegExp(`claude mcp add --transport http toolgate ${ready.endpoint}`));
  const alive = execFileSync('ps', ['-A', '-o', 'pid='], { encoding: 'utf8' }).trim().split(/\s+/).map(Number);
  assert.deepEqual(
    children.filter((child) => alive.includes(child)),
    [],
  );
});

test('a taken port is one sentence, and nothing is written', async (t) => {
  const path = folder(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  const started = start(t, ['--port', String(port), '--state', join(path, 'state')]);
  assert.equal(await started.exit, 1);
  assert.equal(
    started.output(),
    `Port ${port} is taken, by another program or by a Toolgate that runs already: choose another with npm start -- --port N (N, N+1 and N+2 are used).\n`,
  );
  assert.ok(!existsSync(join(path, 'state')));
});

test('a state folder that cannot be made is one sentence', async (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'file'), '');
  const started = start(t, ['--port', '0', '--state', join(path, 'file', 'state')]);
  assert.equal(await started.exit, 1);
  assert.match(
    started.output(),
    /^The state folder .* cannot be written: a part of the path is a file\. Choose another with --state DIR\.\n$/,
  );
});

test('a state folder below /proc and a ready file that is a folder are one sentence each', async (t) => {
  const path = folder(t);
  const nowhere = start(t, ['--port', '0', '--state', '/proc/toolgate/state']);
  assert.equal(await nowhere.exit, 1);
  assert.match(nowhere.output(), /^The state folder \/proc\/toolgate\/state cannot be written: .*\.\n$/);
  const unready = start(t, ['--port', '0', '--state', join(path, 'state'), '--ready-file', path]);
  assert.equal(await unready.exit, 1);
  assert.match(
    unready.output(),
    /The ready file .* cannot be written: it is a folder\. Name another with --ready-file FILE\.\n$/,
  );
});

test('a call that cannot be recorded is told in the terminal, with the reason', async (t) => {
  const path = folder(t);
  const state = join(path, 'state');
  const started = start(t, ['--port', '0', '--state', state, '--ready-file', join(path, 'ready.json')]);
  const ready = JSON.parse(await fileOf(join(path, 'ready.json'), started));
  rmSync(join(state, 'audit', 'calls'), { recursive: true });
  writeFileSync(join(state, 'audit', 'calls'), '');
  const answer = await fetch(ready.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(answer.status, 503);
  started.child.kill('SIGINT');
  await started.exit;
  assert.match(
    started.output(),
    /failed: audit_unavailable, The call cannot be recorded, so it is not answered\. \(.+\)/,
  );
});

test('a closed terminal does not keep the platform from closing its record', async (t) => {
  const path = folder(t);
  const state = join(path, 'state');
  const started = start(t, ['--port', '0', '--state', state, '--ready-file', join(path, 'ready.json')]);
  const ready = JSON.parse(await fileOf(join(path, 'ready.json'), started));
  // Nobody reads any more: the next line that the platform writes fails with EPIPE.
  started.child.stdout?.destroy();
  started.child.stderr?.destroy();
  for (let call = 0; call < 3; call += 1) {
    const { status } = await fetch(ready.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(status, 401);
  }
  started.child.kill('SIGTERM');
  assert.equal(await started.exit, 0);
  const verified = execFileSync(process.execPath, [command, 'audit', 'verify', join(state, 'audit')], {
    encoding: 'utf8',
    cwd: root,
  });
  assert.match(verified, /^INTACT: /m);
  assert.doesNotMatch(verified, /without writer_closed/);
});

test('a wrong option is exit code 2 with the usage, and --help is exit code 0', async (t) => {
  const wrong = start(t, ['--prot', '1']);
  assert.equal(await wrong.exit, 2);
  assert.match(wrong.output(), /usage: npm start/);
  const port = start(t, ['--port', '70000']);
  assert.equal(await port.exit, 2);
  assert.match(port.output(), /^--port takes a whole number from 0 to 65534, got 70000/);
  const help = start(t, ['--help']);
  assert.equal(await help.exit, 0);
  assert.match(help.output(), /--ready-file FILE/);
});
