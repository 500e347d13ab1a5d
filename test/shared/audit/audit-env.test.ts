import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditEnv, auditPlaceProblem } from '../../../runtime/shared/audit/audit-env.ts';
import { openAudit } from '../../../runtime/shared/audit/open-audit.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';
import { readEnv } from '../../../runtime/shared/read-env.ts';

const read = (source: Record<string, string>) =>
  readEnv(auditEnv, { AUDIT_WRITER: 'gw', ...source }, auditPlaceProblem);

test('the record goes to exactly one place, and the sentence says which variables decide it', () => {
  assert.equal(read({ AUDIT_DIR: '/a' }).AUDIT_DIR, '/a');
  assert.equal(read({ AUDIT_BUCKET: 'b', AUDIT_KMS_KEY_ID: 'k' }).AUDIT_BUCKET, 'b');
  assert.throws(() => read({}), /AUDIT_DIR is missing, and so is AUDIT_BUCKET: set exactly one of them/);
  assert.throws(() => read({ AUDIT_DIR: '/a', AUDIT_BUCKET: 'b' }), /are both set: .* set exactly one of them/);
});

test('a bucket needs the key that signs, and only a bucket takes records after the answer', () => {
  assert.throws(
    () => read({ AUDIT_BUCKET: 'b' }),
    /AUDIT_KMS_KEY_ID is missing: with AUDIT_BUCKET it names the KMS key/,
  );
  assert.throws(
    () => read({ AUDIT_DIR: '/a', AUDIT_READS: 'after-answer' }),
    /AUDIT_READS is after-answer, which only AUDIT_BUCKET knows/,
  );
  const place = { AUDIT_BUCKET: 'b', AUDIT_KMS_KEY_ID: 'k' };
  assert.equal(read(place).AUDIT_READS, 'before-answer');
  assert.equal(read({ ...place, AUDIT_READS: 'after-answer' }).AUDIT_READS, 'after-answer');
  assert.throws(() => read({ ...place, AUDIT_READS: 'never' }), /expected before-answer or after-answer, got never/);
});

test('every mistake is told at once', () => {
  assert.throws(
    () => readEnv(auditEnv, { AUDIT_FLUSH_MS: '-1', AUDIT_FLUSH_BYTES: '1' }, auditPlaceProblem),
    (error: Error) =>
      [
        'AUDIT_DIR is missing',
        'AUDIT_WRITER is missing',
        'AUDIT_FLUSH_MS is wrong',
        'AUDIT_FLUSH_BYTES is wrong',
      ].every((words) => error.message.includes(words)),
  );
});

test('whoever opens the record without asking first hears the same sentence', async () => {
  const env = readEnv(auditEnv, { AUDIT_WRITER: 'gw' });
  await assert.rejects(openAudit(env, { now: Date.now, logger: silentLogger() }), /set exactly one of them/);
});
