import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { takeStateFolder } from '../../runtime/local/state-folder.ts';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state');
}

test('a new folder is made, and is complete after its first start', (t) => {
  const folder = temporaryFolder(t);
  const first = takeStateFolder(folder);
  first.markComplete();
  first.release();
  const second = takeStateFolder(folder);
  assert.equal(second.inside('a', 'b'), join(folder, 'a', 'b'));
  second.release();
  assert.deepEqual(readdirSync(folder), ['state.json']);
});

test('a first start that gives up leaves nothing that would stop the next one', (t) => {
  const folder = temporaryFolder(t);
  const first = takeStateFolder(folder);
  writeFileSync(first.inside('database'), 'half');
  first.release();
  assert.deepEqual(readdirSync(folder), []);
  takeStateFolder(folder).release();
});

test('a folder whose first start was killed is called half-written, with what to do', (t) => {
  const folder = temporaryFolder(t);
  takeStateFolder(folder);
  rmSync(join(folder, 'running.pid'));
  assert.throws(
    () => takeStateFolder(folder),
    /half-written: an earlier first start did not finish. Delete the folder/,
  );
});

test('a folder with other files in it is left alone', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(folder);
  writeFileSync(join(folder, 'thesis.docx'), 'years of work');
  assert.throws(() => takeStateFolder(folder), /holds files that are not Toolgate's/);
  assert.deepEqual(readdirSync(folder), ['thesis.docx']);
});

test('a path through a file says so in one sentence', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(folder, '');
  assert.throws(() => takeStateFolder(folder), /cannot be written: it is a file. Choose another with --state DIR/);
  assert.throws(() => takeStateFolder(join(folder, 'below')), /cannot be written: a part of the path is a file/);
});

test('a folder in which another platform runs is refused until that process is gone', async (t) => {
  const folder = temporaryFolder(t);
  const own = takeStateFolder(folder);
  own.markComplete();
  own.release();
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  writeFileSync(join(folder, 'running.pid'), String(other.pid));
  assert.throws(() => takeStateFolder(folder), new RegExp(`Another Toolgate \\(process ${other.pid}\\) runs in`));
  const gone = new Promise((resolve) => other.once('exit', resolve));
  other.kill();
  await gone;
  takeStateFolder(folder).release();
});

test('a state.json of another format or torn is refused with what to do', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(folder);
  writeFileSync(join(folder, 'state.json'), '{"format":99}');
  assert.throws(() => takeStateFolder(folder), /is of format 99, this version reads 2/);
  writeFileSync(join(folder, 'state.json'), '{"form');
  assert.throws(() => takeStateFolder(folder), /has an unreadable state.json/);
});
