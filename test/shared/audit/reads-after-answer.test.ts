import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AuditEvent } from '../../../runtime/contract/audit-event.ts';
import { type AuditObjects, PutFailed } from '../../../runtime/shared/audit/audit-objects.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { localAuditBucket, openBucketTestWriter } from '../../support/audit-bucket.ts';
import { auditEvent, isAuditUnavailable, testFolder } from '../../support/audit-events.ts';
import { recordsIn, until } from './audit-writer-contract.ts';

/** A writer with after-answer whose puts wait while `hold` is there, or fail while `failure` is. */
async function world(t: TestContext, but: Parameters<typeof openBucketTestWriter>[2] = {}) {
  const bucket = await localAuditBucket(t);
  const folder = testFolder(t);
  const state: { hold?: Promise<void> | undefined; failure?: PutFailed | undefined; puts: number } = { puts: 0 };
  const objects: AuditObjects = {
    async put(object) {
      if (object.key.startsWith('calls/')) state.puts += 1;
      if (state.failure !== undefined) throw state.failure;
      await state.hold;
      return bucket.objects.put(object);
    },
  };
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  const writer = await openBucketTestWriter(folder, objects, { reads: 'after-answer', flushMs: 50, ...but });
  return { writer, state, directory: () => bucket.copy(join(folder, 'copy')) };
}

/** Whether an append resolves while nothing can be stored. */
async function isAnsweredWithoutRecord(t: TestContext, ...events: readonly Partial<AuditEvent>[]): Promise<boolean> {
  const { writer, state } = await world(t, { deadlineMs: 300 });
  for (const event of events.slice(0, -1)) await writer.append(auditEvent(event));
  const gate = Promise.withResolvers<void>();
  state.hold = gate.promise;
  const end = await writer.append(auditEvent(events.at(-1))).then(
    () => true,
    () => false,
  );
  gate.resolve();
  await writer.close();
  return end;
}

const answeredFirst: Readonly<Record<string, readonly Partial<AuditEvent>[]>> = {
  'a read that went well': [{}],
  'a read that the tool called an error': [{ outcome: 'tool_error' }],
  'a list': [{ method: 'tools/list', tool: null }],
};
for (const [name, events] of Object.entries(answeredFirst)) {
  test(`${name} is answered before its record is stored`, async (t) => {
    assert.equal(await isAnsweredWithoutRecord(t, ...events), true);
  });
}

const intent = { event: 'mcp_call_intent', outcome: 'pending', call_id: 'change' } as const;
const recordedFirst: Readonly<Record<string, readonly Partial<AuditEvent>[]>> = {
  'the intent of a change': [intent],
  'the outcome of a change': [intent, { call_id: 'change' }],
  'a call that a person approved': [{ approval_id: 'grant-1' }],
  'a refused call': [{ outcome: 'refused', code: 'quota_exceeded' }],
  'a call that failed': [{ outcome: 'failed', code: 'upstream_timeout' }],
  'a call whose client left': [{ outcome: 'cancelled' }],
  'a refusal before MCP': [{ event: 'http_refusal', outcome: 'refused', code: 'token_invalid' }],
  'a registration': [{ event: 'registration' }],
};
for (const [name, events] of Object.entries(recordedFirst)) {
  test(`${name} waits for its record, also with after-answer`, async (t) => {
    assert.equal(await isAnsweredWithoutRecord(t, ...events), false);
  });
}

test('the outcome of one change does not make the next read of that id wait', async (t) => {
  assert.equal(await isAnsweredWithoutRecord(t, intent, { call_id: 'change' }, { call_id: 'change' }), true);
});

test('reads gather into few objects, and all are there in the end', async (t) => {
  const { writer, state, directory } = await world(t, { flushMs: 60_000 });
  for (let n = 0; n < 200; n += 1) await writer.append(auditEvent({ call_id: `call-${n}` }));
  assert.equal(state.puts, 0);
  assert.equal(writer.status().waiting, 200);
  await writer.close();
  const copy = await directory();
  assert.deepEqual((await verifyAuditDirectory(copy)).findings, []);
  assert.equal((await recordsIn(copy)).length, 202);
  assert.equal(state.puts, 2, 'one for the reads, one for writer_closed');
});

test('somebody who waits takes the reads before along, and does not wait as long as they may', async (t) => {
  const { writer, directory } = await world(t, { flushMs: 60_000 });
  await writer.append(auditEvent({ call_id: 'read' }));
  const started = performance.now();
  assert.equal((await writer.append(auditEvent(intent)))?.seq, 3);
  assert.ok(performance.now() - started < 1000);
  assert.equal((await recordsIn(await directory())).length, 3);
  await writer.close();
});

test('when S3 is known to be gone, reads are refused too; those answered before are stored when it is back', async (t) => {
  const { writer, state, directory } = await world(t);
  await writer.append(auditEvent({ call_id: 'answered 1' }));
  state.failure = new PutFailed('the bucket answers 403 AccessDenied', true, undefined);
  await writer.append(auditEvent({ call_id: 'answered 2' }));
  await until(() => !writer.status().isWriting);
  await assert.rejects(writer.append(auditEvent({ call_id: 'refused' })), isAuditUnavailable);
  state.failure = undefined;
  await until(() => writer.status().isWriting);
  await writer.close();
  const copy = await directory();
  const ids = (await recordsIn(copy)).filter(({ event }) => event === 'mcp_call').map(({ call_id }) => call_id);
  assert.deepEqual(ids, ['answered 1', 'answered 2']);
  assert.deepEqual((await verifyAuditDirectory(copy)).findings, []);
});

test('when S3 is silent, reads are answered for the deadline and not longer: that is the loss window', async (t) => {
  const { writer, state, directory } = await world(t, { flushMs: 20, deadlineMs: 300 });
  const gate = Promise.withResolvers<void>();
  state.hold = gate.promise;
  const started = performance.now();
  let answered = 0;
  for (;;) {
    try {
      await writer.append(auditEvent({ call_id: `call-${answered}` }));
      answered += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'audit_unavailable');
      break;
    }
  }
  const windowMs = performance.now() - started;
  assert.ok(answered > 0 && windowMs < 20 + 300 + 250, `${answered} calls in ${windowMs} ms`);
  gate.resolve();
  await until(() => writer.status().isWriting);
  await writer.close();
  const ids = (await recordsIn(await directory())).filter(({ event }) => event === 'mcp_call');
  assert.equal(ids.length, answered, 'the process lived on, so that nothing is lost');
});

test('the window has a bound in number too', async (t) => {
  const { writer } = await world(t, { flushMs: 60_000, waitingMax: 5 });
  for (let n = 0; n < 5; n += 1) await writer.append(auditEvent());
  await assert.rejects(writer.append(auditEvent()), isAuditUnavailable);
  await writer.close();
});
