import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { AuditRecord } from '../../../runtime/contract/audit-event.ts';
import type { CheckpointSigner } from '../../../runtime/shared/audit/checkpoint.ts';
import { listChainFiles } from '../../../runtime/shared/audit/list-chain-files.ts';
import type { OpenedAudit } from '../../../runtime/shared/audit/open-audit.ts';
import type { LocalAuditWriter } from '../../../runtime/shared/audit/open-audit-writer.ts';
import { readLines } from '../../../runtime/shared/audit/read-lines.ts';
import { openSigningKey } from '../../../runtime/shared/audit/signing-key.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { auditEvent, isAuditUnavailable, testFolder } from '../../support/audit-events.ts';

/** What every sink takes, by these names. */
export interface SinkOptions {
  readonly onRecord?: (record: AuditRecord, hash: string) => void;
  readonly deadlineMs?: number;
  readonly waitingMax?: number;
  readonly checkpointMs?: number;
  readonly signer?: CheckpointSigner;
}

/** A sink under test, on a place of its own. */
export interface SinkUnderTest {
  open(options?: SinkOptions): Promise<OpenedAudit | LocalAuditWriter>;
  /** What an auditor gets: an audit directory, or a copy of the bucket. */
  directory(): Promise<string>;
  /** Every write fails from now on, or waits until {@link mend}. */
  breakDown(how: 'fails' | 'hangs'): void;
  mend(): void;
}

/** What every audit sink must do. */
export function auditWriterContract(name: string, start: (t: TestContext) => Promise<SinkUnderTest>): void {
  describe(`the audit record ${name}`, () => {
    test('is one line each, numbered without gaps, each with the hash of the line before', async (t) => {
      const sink = await start(t);
      const shown: [AuditRecord, string][] = [];
      const writer = await sink.open({ onRecord: (record, hash) => shown.push([record, hash]) });
      const answers = await Promise.all([1, 2, 3].map((n) => writer.append(auditEvent({ call_id: `call-${n}` }))));
      await writer.close();
      const lines = await linesIn(await sink.directory());
      const records: AuditRecord[] = lines.map((line) => JSON.parse(line));
      assert.deepEqual(
        records.map(({ seq, event, call_id }) => [seq, event, event === 'mcp_call' ? call_id : '-']),
        [
          [1, 'writer_started', '-'],
          [2, 'mcp_call', 'call-1'],
          [3, 'mcp_call', 'call-2'],
          [4, 'mcp_call', 'call-3'],
          [5, 'writer_closed', '-'],
        ],
      );
      const hashes = lines.map((line) => createHash('sha256').update(line, 'utf8').digest('hex'));
      assert.deepEqual(
        records.map(({ prev }) => prev),
        ['0'.repeat(64), ...hashes.slice(0, -1)],
      );
      assert.deepEqual(
        answers,
        records.slice(1, 4).map(({ detail: _, ...record }) => record),
      );
      assert.deepEqual(
        shown.map(([record, hash]) => [record.seq, hash]),
        hashes.map((hash, index) => [index + 1, hash]),
      );
    });

    test('has the line before the append resolves', async (t) => {
      const sink = await start(t);
      const writer = await sink.open();
      for (const call_id of ['a', 'b', 'c']) {
        await writer.append(auditEvent({ event: 'mcp_call_intent', outcome: 'pending', call_id }));
        assert.ok((await recordsIn(await sink.directory())).some((record) => record.call_id === call_id));
      }
      await writer.close();
    });

    test('is whole with 16 callers at once on three tenants, and every answer is in it once', async (t) => {
      const sink = await start(t);
      const writer = await sink.open();
      const tenants = ['acme', 'globex', 'a name with / and ü'];
      const lanes = Array.from({ length: 16 }, async (_, lane) => {
        for (let n = 0; n < 20; n += 1)
          await writer.append(auditEvent({ tenant: tenants[n % 3] as string, call_id: `${lane}-${n}` }));
      });
      await Promise.all(lanes);
      await writer.close();
      const directory = await sink.directory();
      const { findings, chains } = await verifyAuditDirectory(directory);
      assert.deepEqual(findings, []);
      assert.deepEqual(chains.map(({ tenant }) => tenant).sort(), tenants.toSorted());
      const ids = (await recordsIn(directory))
        .filter(({ event }) => event === 'mcp_call')
        .map(({ call_id }) => call_id);
      assert.deepEqual([ids.length, new Set(ids).size], [320, 320]);
    });

    test('goes on when it is opened again', async (t) => {
      const sink = await start(t);
      for (const run of [1, 2, 3]) {
        const writer = await sink.open();
        await writer.append(auditEvent({ call_id: `run-${run}` }));
        await writer.close();
      }
      const directory = await sink.directory();
      const { isIntact, chains } = await verifyAuditDirectory(directory);
      assert.deepEqual([isIntact, chains.reduce((sum, { records }) => sum + records, 0)], [true, 9]);
      assert.deepEqual(
        chains.map(({ lastSeq, signedSeq, notes }) => [lastSeq - signedSeq, notes]),
        chains.map(() => [0, []]),
        'all is signed when it was closed',
      );
    });

    test('lies under the date of its time', async (t) => {
      const sink = await start(t);
      const writer = await sink.open();
      const times = ['2026-11-21T23:59:59.999Z', '2026-11-22T00:00:00.000Z', '2026-11-21T23:59:59.998Z'];
      for (const time of times) await writer.append(auditEvent({ time }));
      await Promise.all(times.map((time) => writer.append(auditEvent({ time }))));
      await writer.close();
      const directory = await sink.directory();
      assert.deepEqual((await verifyAuditDirectory(directory)).findings, []);
      const dates = listChainFiles(directory).files.map(({ date }) => date);
      assert.deepEqual([...new Set(dates)].sort(), ['2026-11-21', '2026-11-22']);
    });

    test('is refused while it cannot be written, and whole with every acknowledged record when that is over', async (t) => {
      const sink = await start(t);
      const writer = await sink.open({ deadlineMs: 2000 });
      await writer.append(auditEvent({ call_id: 'before' }));
      sink.breakDown('fails');
      for (const _ of [1, 2]) {
        const appends = [1, 2, 3].map(() => assert.rejects(writer.append(auditEvent()), isAuditUnavailable));
        await Promise.all(appends);
        assert.equal(writer.status().isWriting, false);
        assert.ok(writer.status().problem);
      }
      sink.mend();
      await until(() => writer.status().isWriting);
      await writer.append(auditEvent({ call_id: 'after' }));
      await writer.close();
      const directory = await sink.directory();
      assert.deepEqual((await verifyAuditDirectory(directory)).findings, []);
      const ids = (await recordsIn(directory)).map(({ call_id }) => call_id);
      assert.ok(ids.includes('before') && ids.includes('after'));
    });

    test('is refused at the deadline when no answer comes, and at once after that', async (t) => {
      const sink = await start(t);
      const writer = await sink.open({ deadlineMs: 200 });
      await writer.append(auditEvent({ call_id: 'before' }));
      sink.breakDown('hangs');
      const alive = setInterval(() => undefined, 1000);
      t.after(() => clearInterval(alive));
      await assert.rejects(writer.append(auditEvent({ call_id: 'in flight' })), isAuditUnavailable);
      await until(() => !writer.status().isWriting);
      const started = performance.now();
      await assert.rejects(writer.append(auditEvent({ call_id: 'late' })), isAuditUnavailable);
      assert.ok(performance.now() - started < 50, 'refused at once');
      sink.mend();
      await until(() => writer.status().isWriting);
      await writer.append(auditEvent({ call_id: 'after' }));
      await writer.close();
      const directory = await sink.directory();
      const ids = (await recordsIn(directory)).map(({ call_id }) => call_id).filter((id) => !id.includes('-'));
      // What was under way stays: the call may have run.
      assert.deepEqual(ids, ['before', 'in flight', 'after']);
      assert.equal((await verifyAuditDirectory(directory)).isIntact, true);
    });

    test('has a bound of waiting events: the next is refused, and those that wait are written', async (t) => {
      const sink = await start(t);
      const writer = await sink.open({ waitingMax: 8 });
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => writer.append(auditEvent())));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [...Array(8).fill('fulfilled'), ...Array(12).fill('rejected')],
      );
      assert.equal((await writer.append(auditEvent()))?.seq, 10);
      await writer.close();
    });

    test('takes nothing more once it is closed, and closing twice is closing once', async (t) => {
      const sink = await start(t);
      const writer = await sink.open();
      await writer.append(auditEvent());
      await Promise.all([writer.close(), writer.close()]);
      await assert.rejects(writer.append(auditEvent()), isAuditUnavailable);
      assert.equal((await linesIn(await sink.directory())).length, 3);
    });

    test('has all that was appended before it was closed, though nobody waited for it', async (t) => {
      const sink = await start(t);
      const writer = await sink.open();
      const appends = Array.from({ length: 50 }, (_, n) => writer.append(auditEvent({ tenant: `t${n % 5}` })));
      await writer.close();
      await Promise.all(appends);
      const directory = await sink.directory();
      const { isIntact, chains } = await verifyAuditDirectory(directory);
      assert.deepEqual([isIntact, chains.map(({ records }) => records)], [true, [12, 12, 12, 12, 12]]);
    });

    test('is not touched by a callback that throws, nor by an event that cannot be recorded', async (t) => {
      const sink = await start(t);
      const writer = await sink.open({
        onRecord() {
          throw new Error('the terminal is gone');
        },
      });
      await assert.rejects(writer.append(auditEvent({ tenant: 'x'.repeat(101) })), isAuditUnavailable);
      assert.equal((await writer.append(auditEvent()))?.seq, 2);
      await writer.close();
      assert.equal((await verifyAuditDirectory(await sink.directory())).isIntact, true);
    });

    test('waits for no signer: a checkpoint that cannot be signed follows later', async (t) => {
      const sink = await start(t);
      const real = openSigningKey(join(testFolder(t), 'key.json'));
      let isBroken = false;
      const sign = (bytes: Uint8Array) => {
        if (isBroken) throw new Error('the KMS is gone');
        return real.sign(bytes);
      };
      const writer = await sink.open({ signer: { ...real, sign }, checkpointMs: 1 });
      isBroken = true;
      for (let n = 0; n < 10; n += 1) await writer.append(auditEvent());
      assert.equal(writer.status().checkpoint, 1);
      isBroken = false;
      await writer.close();
      const { isIntact, chains } = await verifyAuditDirectory(await sink.directory());
      assert.deepEqual([isIntact, chains[0]?.signedSeq], [true, 12]);
    });
  });
}

/** Lines of all chains, in the order of their paths. */
export async function linesIn(directory: string): Promise<string[]> {
  const lines: string[] = [];
  const files = listChainFiles(directory).files.sort((a, b) => a.firstSeq - b.firstSeq);
  for (const { path } of files)
    for await (const { bytes } of readLines(join(directory, path))) lines.push(bytes.toString('utf8'));
  return lines;
}

export async function recordsIn(directory: string): Promise<AuditRecord[]> {
  return (await linesIn(directory)).map((line) => JSON.parse(line));
}

/** Polls a condition, for ten seconds at most. */
export async function until(isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error('it did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
