import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuditS3Client, s3AuditObjects } from '../../../runtime/shared/audit/audit-objects.ts';
import type { S3AuditWriterOptions } from '../../../runtime/shared/audit/open-s3-audit-writer.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { localAuditBucket, openBucketTestWriter } from '../../support/audit-bucket.ts';
import { auditEvent, isAuditUnavailable, testFolder } from '../../support/audit-events.ts';
import { type FrontMode, startS3Front } from '../../support/s3-front.ts';
import { recordsIn, until } from './audit-writer-contract.ts';

/** A writer whose S3 has a front that can be told to misbehave. */
async function world(t: TestContext, but: Partial<S3AuditWriterOptions> = {}) {
  const bucket = await localAuditBucket(t);
  const front = await startS3Front(t, bucket.endpoint);
  const client = createAuditS3Client(
    { endpoint: front.url, region: 'us-east-1', credentials: bucket.credentials },
    200,
  );
  t.after(() => client.destroy());
  const folder = testFolder(t);
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  const objects = s3AuditObjects(client, bucket.bucket);
  const open = () => openBucketTestWriter(folder, objects, { deadlineMs: 1500, ...but });
  return { bucket, front, open, directory: () => bucket.copy(join(folder, 'copy')) };
}

const passing: Readonly<Record<string, FrontMode>> = {
  'S3 stores an object and its answer is lost': 'swallow',
  'S3 stores an object and the socket breaks': 'reset',
  'S3 is silent': 'silence',
  'S3 is overloaded (503 SlowDown)': {
    status: 503,
    body: '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
    headers: { 'content-type': 'application/xml' },
  },
  'S3 has an internal error': { status: 500, body: '' },
  'two puts of one key meet (409)': { status: 409, body: '<Error><Code>ConditionalRequestConflict</Code></Error>' },
  'something that is not S3 answers 200': { status: 200, body: '<html>Welcome to the hotel</html>' },
  'something that is not S3 answers 502': { status: 502, body: '<html>Bad gateway</html>' },
};

for (const [name, mode] of Object.entries(passing)) {
  test(`${name}: the same object is put again until it is stored, once, and its call is answered`, async (t) => {
    const { front, open, directory } = await world(t);
    const writer = await open();
    await writer.append(auditEvent({ call_id: 'before' }));
    front.mode = mode;
    const asked = front.seen.length;
    const during = writer.append(auditEvent({ call_id: 'during' }));
    await until(() => front.seen.length >= asked + 2);
    assert.equal(new Set(front.seen.slice(asked)).size, 1, 'each attempt is of the same key');
    front.mode = 'pass';
    assert.equal((await during)?.call_id, 'during');
    await writer.append(auditEvent({ call_id: 'after' }));
    await writer.close();
    const copy = await directory();
    assert.deepEqual((await verifyAuditDirectory(copy)).findings, []);
    const ids = (await recordsIn(copy)).filter(({ event }) => event === 'mcp_call').map(({ call_id }) => call_id);
    assert.deepEqual(ids, ['before', 'during', 'after']);
  });
}

const refusing: Readonly<Record<string, FrontMode>> = {
  'S3 denies access': {
    status: 403,
    body: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
    headers: { 'content-type': 'application/xml' },
  },
  'the bucket is gone': {
    status: 404,
    body: '<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>',
    headers: { 'content-type': 'application/xml' },
  },
  'a proxy denies access in HTML': { status: 403, body: '<html>no</html>' },
};

for (const [name, mode] of Object.entries(refusing)) {
  test(`${name}: calls are refused at once, and it is found out without a call that this is over`, async (t) => {
    const { front, open, directory } = await world(t);
    const writer = await open();
    await writer.append(auditEvent({ call_id: 'before' }));
    front.mode = mode;
    const started = performance.now();
    await assert.rejects(writer.append(auditEvent({ call_id: 'during' })), isAuditUnavailable);
    assert.ok(performance.now() - started < 1000, 'before the deadline');
    assert.match(writer.status().problem ?? '', /^the bucket answers 40[34]/);
    front.mode = 'pass';
    await until(() => writer.status().isWriting);
    await writer.append(auditEvent({ call_id: 'after' }));
    await writer.close();
    assert.deepEqual((await verifyAuditDirectory(await directory())).findings, []);
  });
}

test('an object is put with the condition that its key is free, its SHA-256, and a signature over its bytes', async (t) => {
  const { front, open } = await world(t);
  const writer = await open();
  await writer.append(auditEvent());
  const { headers } = front;
  assert.equal(headers['if-none-match'], '*');
  assert.match(String(headers['x-amz-checksum-sha256']), /^[\w+/]{43}=$/);
  // Not UNSIGNED-PAYLOAD and no stream in parts: the policy of an audit bucket denies these.
  assert.match(String(headers['x-amz-content-sha256']), /^[0-9a-f]{64}$/);
  assert.deepEqual([headers['content-encoding'], headers['content-type']], ['gzip', 'application/x-ndjson']);
  await writer.close();
});

test('an S3 that is gone for long does not fill the log', async (t) => {
  const said: unknown[][] = [];
  const logger = { error: (...args: unknown[]) => said.push(args), info: (...args: unknown[]) => said.push(args) };
  const { front, open } = await world(t, { logger: logger as never });
  const writer = await open();
  front.mode = { status: 500, body: '' };
  const asked = front.seen.length;
  const during = writer.append(auditEvent());
  await until(() => front.seen.length >= asked + 4);
  front.mode = 'pass';
  await during;
  assert.deepEqual(
    said.map(([, message]) => message),
    ['an audit object could not be stored; it is tried again', 'the audit object is stored'],
  );
  await writer.close();
});

test('a bucket that cannot be written at the start is one sentence', async (t) => {
  const { front, open } = await world(t);
  front.mode = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
  await assert.rejects(open(), /^Error: The audit bucket cannot be used: the bucket answers 403 AccessDenied\.$/);
  front.mode = 'silence';
  await assert.rejects(
    open(),
    /^Error: The audit bucket cannot be used: the bucket does not answer \(TimeoutError\)\.$/,
  );
});

test('closing while S3 is gone ends within its bound, and says how much is lost', async (t) => {
  const errors: unknown[][] = [];
  const logger = { error: (...args: unknown[]) => errors.push(args), warn() {}, info() {} } as never;
  const { front, open } = await world(t, { closeMs: 300, deadlineMs: 100, logger });
  const writer = await open();
  front.mode = 'silence';
  const appends = [1, 2, 3].map(() => assert.rejects(writer.append(auditEvent()), isAuditUnavailable));
  const started = performance.now();
  await writer.close();
  assert.ok(performance.now() - started < 1500);
  await Promise.all(appends);
  assert.deepEqual(errors.at(-1), [{ lost: 4 }, 'the audit writer could not store everything before it ended']);
});

test('a tenant whose object is stuck holds up no other tenant', async (t) => {
  const bucket = await localAuditBucket(t);
  const stuck = Promise.withResolvers<void>();
  const writer = await openBucketTestWriter(testFolder(t), {
    async put(object) {
      if (object.key.includes('tenant=acme/')) await stuck.promise;
      return bucket.objects.put(object);
    },
  });
  const first = writer.append(auditEvent({ tenant: 'acme' }));
  for (const _ of [1, 2, 3]) await writer.append(auditEvent({ tenant: 'globex' }));
  stuck.resolve();
  await first;
  await writer.close();
});

test('a full object does not wait for its time', async (t) => {
  const bucket = await localAuditBucket(t);
  const keys: string[] = [];
  const objects = {
    put(object: Parameters<typeof bucket.objects.put>[0]) {
      if (object.key.startsWith('calls/')) keys.push(object.key);
      return bucket.objects.put(object);
    },
  };
  const writer = await openBucketTestWriter(testFolder(t), objects, { flushMs: 60_000, flushBytes: 22_000 });
  const text = 'x'.repeat(3000);
  const started = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => writer.append(auditEvent({ arguments: { text } }))));
  assert.ok(performance.now() - started < 900);
  assert.equal(keys.length, 1);
  await writer.close();
});

test('the outcome of a change that was made is recorded once S3 is back, although its caller was refused', async (t) => {
  const { front, open, directory } = await world(t, { deadlineMs: 100 });
  const writer = await open();
  const intent = (call_id: string) =>
    writer.append(auditEvent({ call_id, event: 'mcp_call_intent', outcome: 'pending' }));
  await Promise.all(['queued', 'late'].map(intent));
  front.mode = 'silence';
  const asked = front.seen.length;
  const under = writer.append(auditEvent({ call_id: 'under way' }));
  under.catch(() => undefined);
  await until(() => front.seen.length > asked);
  // Behind an object that is stuck, with a read that goes with its refusal.
  const [queued, read] = ['queued', 'a read'].map((call_id) => writer.append(auditEvent({ call_id })));
  await assert.rejects(queued as Promise<unknown>, isAuditUnavailable);
  await assert.rejects(read as Promise<unknown>, isAuditUnavailable);
  // The tool took its time: the bucket was known to be gone by then.
  await assert.rejects(writer.append(auditEvent({ call_id: 'late' })), isAuditUnavailable);
  // Was never made, because its intent could not be recorded.
  await assert.rejects(intent('never'), isAuditUnavailable);
  await assert.rejects(
    writer.append(auditEvent({ call_id: 'never', outcome: 'failed', code: 'audit_unavailable' })),
    isAuditUnavailable,
  );
  front.mode = 'pass';
  await until(() => writer.status().isWriting);
  await writer.close();
  const copy = await directory();
  const { findings, chains } = await verifyAuditDirectory(copy);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    chains.map(({ unfinishedCalls }) => unfinishedCalls),
    [[]],
  );
  const ids = (await recordsIn(copy)).filter(({ event }) => event === 'mcp_call').map(({ call_id }) => call_id);
  assert.deepEqual(ids, ['under way', 'queued', 'late']);
});
