import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AuditReads } from '../../../runtime/shared/audit/audit-env.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { localAuditBucket } from '../../support/audit-bucket.ts';
import { testFolder } from '../../support/audit-events.ts';
import { recordsIn } from './audit-writer-contract.ts';

const child = fileURLToPath(new URL('../../support/audit-bucket-load-child.ts', import.meta.url));
const rounds = 3;

/** What one killed process had answered for, and when it was killed. */
interface Killed {
  readonly answered: readonly { readonly id: string; readonly atMs: number }[];
  readonly killedMs: number;
}

/** Starts writers one after the other, kills each under load at a random moment, and gives what the bucket then holds. */
async function killed(t: TestContext, reads: AuditReads, flushMs: number) {
  const { endpoint, credentials, bucket, copy } = await localAuditBucket(t);
  const folder = testFolder(t);
  const runs: Killed[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const { accessKeyId, secretAccessKey } = credentials;
    const place = [endpoint, accessKeyId, secretAccessKey, bucket, join(folder, 'key.json')];
    const load = spawn(process.execPath, [child, ...place, reads, String(flushMs), `round${round}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => load.kill('SIGKILL'));
    let text = '';
    let killedMs = 0;
    const lines = 1 + Math.floor(Math.random() * 400) + 200 * round;
    load.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (killedMs > 0 || text.split('\n').length <= lines) return;
      killedMs = Date.now();
      load.kill('SIGKILL');
    });
    await once(load, 'close');
    const answered = text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' '))
      .map(([id = '', ms]) => ({ id, atMs: Number(ms) }));
    runs.push({ answered, killedMs });
  }
  const directory = await copy(join(folder, 'copy'));
  const seen = new Map<string, number>();
  for (const { event, call_id } of await recordsIn(directory)) {
    const id = event === 'mcp_call_intent' ? `${call_id}-intent` : call_id;
    if (event.startsWith('mcp_call')) seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  return { runs, seen, verification: await verifyAuditDirectory(directory) };
}

test('kill -9 under load with before-answer: every answered call has its record once, and every chain verifies', async (t) => {
  const { runs, seen, verification } = await killed(t, 'before-answer', 5);
  assert.deepEqual(verification.findings, []);
  assert.equal(new Set(verification.chains.map(({ writer }) => writer)).size, rounds);
  for (const { answered } of runs) {
    assert.ok(answered.length > 100);
    assert.deepEqual(
      answered.filter(({ id }) => seen.get(id) !== 1),
      [],
    );
  }
});

test('kill -9 under load with after-answer: intents and changes are always there, and reads are lost within the window only', async (t) => {
  const flushMs = 100;
  const { runs, seen, verification } = await killed(t, 'after-answer', flushMs);
  assert.deepEqual(verification.findings, []);
  let lost = 0;
  for (const { answered, killedMs } of runs) {
    const ids = new Set(answered.map(({ id }) => id));
    const missing = answered.filter(({ id }) => seen.get(id) !== 1);
    assert.deepEqual(
      missing.filter(({ id }) => id.endsWith('-intent') || ids.has(`${id}-intent`)),
      [],
      'what changes something is never answered before its record',
    );
    // The window is AUDIT_FLUSH_MS and one put; an S3 that answers takes far less than the deadline of 5 s for one.
    assert.deepEqual(
      missing.filter(({ atMs }) => atMs < killedMs - flushMs - 5000),
      [],
    );
    lost += missing.length;
  }
  t.diagnostic(
    `${lost} reads of ${runs.reduce((sum, { answered }) => sum + answered.length, 0)} answers lost by 3 kills`,
  );
});
