import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { takeWriterLock } from '../../../runtime/shared/audit/writer-lock.ts';
import { auditEvent, openTestWriter, testFolder } from '../../support/audit-events.ts';

const child = fileURLToPath(new URL('../../support/audit-load-child.ts', import.meta.url));

test('a second live process with the same writer name is refused with a sentence; after a kill it takes over', async (t) => {
  const folder = testFolder(t);
  const load = spawn(process.execPath, [child, join(folder, 'audit'), 'first', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => load.kill('SIGKILL'));
  await once(load.stdout, 'data');
  await assert.rejects(
    openTestWriter(folder),
    new RegExp(
      `The audit writer "gw-1" is in use by process ${load.pid}\\. Stop it, or give this one another writer name\\.`,
    ),
  );
  const other = await openTestWriter(folder, { writer: 'gw-2' });
  assert.equal((await other.append(auditEvent())).seq, 2, 'another name has a chain of its own beside it');
  await other.close();
  const ended = once(load, 'close');
  load.stdout.resume();
  load.kill('SIGKILL');
  await ended;
  await (await openTestWriter(folder)).close();
});

test('two writers of one name in one process are refused too, and a closed one gives its name back', async (t) => {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await assert.rejects(openTestWriter(folder), /is in use by process/);
  await writer.close();
  await (await openTestWriter(folder)).close();
});

function lockFile(t: Parameters<typeof testFolder>[0], holder: unknown): string {
  const path = join(testFolder(t), 'gw.lock');
  writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
  return path;
}

test('a pid that another program has now is not the holder', (t) => {
  const path = lockFile(t, { pid: process.pid, started: 'another boot/1', host: hostname(), nonce: 'n' });
  takeWriterLock(path, 'gw').release();
  assert.deepEqual(readdirSync(join(path, '..')), [], 'nothing is left behind');
});

test('a lock that a power cut left empty or half-written is stale', (t) => {
  for (const text of ['', '{"pid":', '{}']) takeWriterLock(lockFile(t, text), 'gw').release();
});

test('a holder on another machine cannot be asked, so the file is named', (t) => {
  const path = lockFile(t, { pid: 1, started: 's', host: 'elsewhere', nonce: 'n' });
  assert.throws(
    () => takeWriterLock(path, 'gw'),
    (error: Error) =>
      error.message ===
      `The audit writer "gw" is locked by process 1 on elsewhere, which cannot be asked from here. If it is gone, delete ${path}.`,
  );
  assert.ok(readFileSync(path, 'utf8').includes('elsewhere'), 'it is left as it is');
});

test('a lock that someone deletes is made anew; one that another took is noticed', (t) => {
  const path = join(testFolder(t), 'gw.lock');
  const lock = takeWriterLock(path, 'gw');
  rmSync(path);
  lock.ensure();
  lock.ensure();
  writeFileSync(path, JSON.stringify({ pid: 1, started: 's', host: 'h', nonce: 'other' }));
  assert.throws(() => lock.ensure(), /another process took over the audit writer "gw"/);
  lock.release();
  assert.ok(readFileSync(path, 'utf8').includes('other'), "another's lock is not released");
});
