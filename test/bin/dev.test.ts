import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, fileOf, folder, root, start } from '../support/dev-process.ts';

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
