import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { globSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the same sources build the same bytes, whatever the folder is called, and are not built again', async (t) => {
  const folder = join(root, '.build', `twice-${randomUUID()}`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const outs = ['one', 'two-with-a-longer-name'].map((name) => join(folder, name));
  const runs = await Promise.all(outs.map((out) => build(['--out', out])));
  for (const run of runs) assert.equal(run.status, 0, run.stderr);
  t.diagnostic(runs[0]?.stdout ?? '');
  const [one, two] = outs.map(hashes);
  assert.deepEqual(one, two);
  const again = await build(['--out', outs[0] ?? '']);
  assert.deepEqual([again.status, again.stdout], [0, 'dist/ is of these sources\n']);
});

test('an argument that the build does not know is refused with the usage', async () => {
  const run = await build(['--fast']);
  assert.equal(run.status, 2);
  assert.match(run.stderr, /unknown argument --fast\nusage: npm run build/);
});

function build(args: readonly string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  const command = [join(root, 'scripts/build.mjs'), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: tmpdir() }, (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stdout, stderr }),
    );
  });
}

function hashes(folder: string): Record<string, string> {
  const files = globSync('**/*', { cwd: folder }).filter((file) => statSync(join(folder, file)).isFile());
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex');
  return Object.fromEntries(files.sort().map((file) => [file, hash(file)]));
}
