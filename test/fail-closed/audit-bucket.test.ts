import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { until } from '../shared/audit/audit-writer-contract.ts';
import { openBucketGateway } from '../support/bucket-gateway.ts';
import { expectYes } from '../support/expect-wired.ts';
import type { FrontMode } from '../support/s3-front.ts';

const forbidden: FrontMode = {
  status: 403,
  body: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
  headers: { 'content-type': 'application/xml' },
};

test('a bucket that takes no record: every call is refused, nothing that changes something happens, and it recovers', async (t) => {
  const world = await openBucketGateway(t);
  await expectYes(world);
  world.front.mode = forbidden;
  const seen = world.upstream.seen.length;
  const change = await world.send({ tool: 'echo.change' });
  assert.deepEqual([change.status, change.json.error.data.code], [503, 'audit_unavailable'], change.text);
  assert.equal(world.upstream.seen.length, seen, 'nothing went upstream');
  assert.deepEqual(await world.problems(), ['the audit record cannot be written']);
  const read = await world.send();
  assert.deepEqual([read.status, read.json.error.data.code], [503, 'audit_unavailable']);
  assert.doesNotMatch(read.text, /hello/, 'the result that was there is withheld');
  world.front.mode = 'pass';
  await until(() => world.deps.problems?.().length === 0);
  await expectYes(world);
  const copy = await world.closeAndCopy();
  assert.deepEqual((await verifyAuditDirectory(copy)).findings, []);
});

test('with after-answer, a read is answered while S3 is silent, a refusal is not', async (t) => {
  const world = await openBucketGateway(t, { env: { AUDIT_READS: 'after-answer', AUDIT_FLUSH_MS: '50' } });
  const first = await world.send();
  assert.equal(first.status, 200, first.text);
  world.front.mode = 'silence';
  const read = await world.send();
  assert.equal(read.status, 200, read.text);
  let isAnswered = false;
  const change = world.send({ tool: 'echo.change' }).finally(() => {
    isAnswered = true;
  });
  const asked = world.front.seen.length;
  await until(() => world.front.seen.length > asked);
  assert.equal(isAnswered, false, 'a call that was refused waits for its record');
  world.front.mode = 'pass';
  const refused = await change;
  const copy = await world.closeAndCopy();
  assert.deepEqual((await verifyAuditDirectory(copy)).findings, []);
  const ids = (await findRecords(copy, { last: 100 })).map(({ record }) => record.call_id);
  for (const { headers } of [first, read, refused])
    assert.ok(ids.includes(String(headers['x-call-id'])), 'stored in the end');
});
