import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../../runtime/contract/audit-event.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { auditEvent, openTestWriter, testFolder } from '../../support/audit-events.ts';

const child = fileURLToPath(new URL('../../support/audit-load-child.ts', import.meta.url));
const dayFile = 'audit/calls/tenant=acme/dt=2026-11-21/gw-1-000000000001.jsonl';

/** Starts the load and collects the lines that it prints. */
function startLoad(t: TestContext, directory: string, prefix: string, shell?: string) {
  const args = [child, directory, prefix, '16'];
  const load: ChildProcess =
    shell === undefined
      ? spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('sh', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...args], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
  t.after(() => load.kill('SIGKILL'));
  let text = '';
  const waiting: { count: number; resolve: () => void }[] = [];
  load.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const count = text.split('\n').length - 1;
    for (const one of waiting) if (count >= one.count) one.resolve();
  });
  const closed = once(load, 'close');
  return {
    load,
    closed,
    lines: () => text.split('\n').slice(0, -1),
    printed: (count: number) =>
      Promise.race([new Promise<void>((resolve) => waiting.push({ count, resolve })), closed.then(() => undefined)]),
  };
}

function recordsIn(directory: string): AuditRecord[] {
  return readdirSync(join(directory, 'calls'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) =>
      readFileSync(join(directory, 'calls', name), 'utf8')
        .split('\n')
        .slice(0, -1),
    )
    .map((line) => JSON.parse(line));
}

test('kill -9 under load, again and again: every acknowledged call has its record once, and the chain goes on', async (t) => {
  const directory = join(testFolder(t), 'audit');
  const acknowledged: string[] = [];
  for (const round of [1, 2, 3, 4, 5]) {
    const run = startLoad(t, directory, `round${round}`);
    // Not a moment that the writer would choose: somewhere in the stream of acknowledgements.
    await run.printed(1 + Math.floor(Math.random() * 1500));
    run.load.kill('SIGKILL');
    await run.closed;
    acknowledged.push(...run.lines().filter((line) => line.startsWith('round')));
    // As it was left, before anyone mends it: whole but for an unfinished end.
    const left = await verifyAuditDirectory(directory);
    assert.deepEqual(left.findings, [], `round ${round}`);
  }
  const writer = await openTestWriter(join(directory, '..'), { now: Date.now });
  const after = await writer.append(auditEvent({ call_id: 'after', time: new Date().toISOString() }));
  await writer.close();
  assert.ok(acknowledged.length > 100, `${acknowledged.length} acknowledged`);
  const seen = new Map<string, number>();
  for (const { event, call_id } of recordsIn(directory))
    if (event === 'mcp_call') seen.set(call_id, (seen.get(call_id) ?? 0) + 1);
  assert.deepEqual(
    acknowledged.filter((id) => seen.get(id) !== 1),
    [],
  );
  const result = await verifyAuditDirectory(directory);
  assert.deepEqual(result.findings, []);
  assert.equal(result.chains.find(({ tenant }) => tenant === 'acme')?.lastSeq, after.seq + 1);
});

test('a file limit of the system (EFBIG) refuses, and every acknowledged record is there', async (t) => {
  const directory = join(testFolder(t), 'audit');
  // 256 or 512 KiB: POSIX counts in 512-byte blocks, some shells in 1024.
  const run = startLoad(t, directory, 'limited', 'ulimit -f 512');
  await run.closed;
  const lines = run.lines();
  assert.ok(lines.includes('refused'), lines.slice(-3).join());
  const ids = new Set(recordsIn(directory).map(({ call_id }) => call_id));
  assert.deepEqual(
    lines.filter((line) => line.startsWith('limited') && !ids.has(line)),
    [],
  );
  assert.deepEqual((await verifyAuditDirectory(directory)).findings, []);
  const writer = await openTestWriter(join(directory, '..'));
  await writer.append(auditEvent());
  await writer.close();
  assert.deepEqual((await verifyAuditDirectory(directory)).findings, []);
});

/** A directory as a killed process leaves it: some records, no writer_closed, no lock that counts. */
async function crashed(t: TestContext): Promise<string> {
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  for (let n = 1; n <= 5; n += 1) await writer.append(auditEvent({ call_id: `call-${n}` }));
  await writer.close();
  return folder;
}

const tears: Readonly<Record<string, string>> = {
  'half a line': '{"v":1,"writer":"gw-1","seq":8,"pr',
  'zeros, as a power cut leaves them': '\0'.repeat(5000),
  'zeros and a line after them': `${'\0'.repeat(100)}\n{"v":1}\n`,
  'a whole line of another writer': '{"v":1,"writer":"gw-2","seq":8,"tenant":"acme","prev":"00"}\n',
};

for (const [name, tail] of Object.entries(tears)) {
  test(`a torn tail (${name}) is kept aside with its hash, and the chain goes on`, async (t) => {
    const folder = await crashed(t);
    appendFileSync(join(folder, dayFile), tail, 'latin1');
    const writer = await openTestWriter(folder);
    assert.equal((await writer.append(auditEvent({ call_id: 'after' }))).seq, 10);
    await writer.close();
    const recovered = recordsIn(join(folder, 'audit')).find(({ event }) => event === 'writer_recovered');
    const { createHash } = await import('node:crypto');
    const kept = `torn/acme/gw-1-000000000001.jsonl.${recovered?.detail?.kept_as?.toString().split('.jsonl.')[1]}`;
    assert.deepEqual(recovered?.detail, {
      torn_file: dayFile.slice('audit/'.length),
      torn_bytes: tail.length,
      torn_sha256: createHash('sha256').update(tail, 'latin1').digest('hex'),
      kept_as: kept,
    });
    assert.equal(readFileSync(join(folder, 'audit', kept), 'latin1'), tail);
    assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, []);
  });
}

test('a tail that is torn when the stored heads are lost too is cut at the last record that holds', async (t) => {
  const folder = await crashed(t);
  rmSync(join(folder, 'audit/heads/gw-1.heads'));
  appendFileSync(join(folder, dayFile), 'torn');
  const writer = await openTestWriter(folder);
  assert.equal((await writer.append(auditEvent())).seq, 10);
  await writer.close();
  assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, []);
});

test('a new file in which nothing was finished gives way to the one before it', async (t) => {
  const folder = await crashed(t);
  const next = dayFile.replace('2026-11-21', '2026-11-22').replace('000000000001', '000000000008');
  mkdirSync(join(folder, next, '..'));
  writeFileSync(join(folder, next), '{"v":1,"wri');
  const writer = await openTestWriter(folder);
  assert.equal((await writer.append(auditEvent({ time: '2026-11-22T00:00:00.000Z' }))).seq, 10);
  await writer.close();
  assert.deepEqual((await verifyAuditDirectory(join(folder, 'audit'))).findings, []);
});

test('a torn checkpoint is kept aside, and the next links to the one before it', async (t) => {
  const folder = await crashed(t);
  appendFileSync(join(folder, 'audit/heads/gw-1.jsonl'), 'eyJhbGciOiJFUzI1NiIs');
  await (await openTestWriter(folder)).close();
  const result = await verifyAuditDirectory(join(folder, 'audit'));
  assert.deepEqual([result.findings, result.checkpoints[0]?.n], [[], 4]);
  assert.equal(readdirSync(join(folder, 'audit/torn/heads')).length, 1);
});

test('acknowledged records that are gone or damaged stay visible: the writer goes on, but never covers it up', async (t) => {
  const damages: Readonly<Record<string, (file: string) => void>> = {
    cut: (file) => truncateSync(file, statSync(file).size - 1500),
    edited: (file) => writeFileSync(file, readFileSync(file, 'latin1').replace('call-4', 'call-X'), 'latin1'),
    emptied: (file) => truncateSync(file, 0),
    removed: (file) => rmSync(file),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const folder = await crashed(t);
    const file = join(folder, dayFile);
    damage(file);
    const before = existsSync(file) ? readFileSync(file) : undefined;
    const writer = await openTestWriter(folder);
    const { seq } = await writer.append(auditEvent());
    await writer.close();
    assert.ok(seq >= 9, `${name}: the chain goes on after what was acknowledged`);
    if (before !== undefined && name !== 'edited')
      assert.deepEqual(readFileSync(file), before, `${name}: nothing is touched`);
    const { isIntact } = await verifyAuditDirectory(join(folder, 'audit'));
    assert.equal(isIntact, false, `${name} is still found after the restart`);
  }
});
