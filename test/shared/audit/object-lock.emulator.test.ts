import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { s3AuditObjects } from '../../../runtime/shared/audit/audit-objects.ts';
import { verifyAuditDirectory } from '../../../runtime/shared/audit/verify-audit-directory.ts';
import { copyBucket, openBucketTestWriter } from '../../support/audit-bucket.ts';
import { auditEvent, testFolder } from '../../support/audit-events.ts';
import { type Ministack, startMinistack } from '../../support/ministack.ts';

let emulator: Ministack;
before(async () => {
  emulator = await startMinistack();
});
after(() => emulator.close());

/** What the emulator enforces of Object Lock; that a bucket policy denies it too, and that root cannot, is for a real account to show. */
test('in a bucket with Object Lock, what the writer stored cannot be deleted, shortened or replaced', async (t) => {
  const { endpoint, region, credentials } = emulator;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  t.after(() => client.destroy());
  const Bucket = 'locked-audit';
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  await client.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } },
      },
    }),
  );
  const folder = testFolder(t);
  const writer = await openBucketTestWriter(folder, s3AuditObjects(client, Bucket));
  await writer.append(auditEvent());
  await writer.close();
  const versions = async () => (await client.send(new ListObjectVersionsCommand({ Bucket }))).Versions ?? [];
  const stored = await versions();
  assert.equal(stored.length, 5, 'two objects of records, two checkpoints, one key');

  for (const { Key, VersionId } of stored) {
    await assert.rejects(client.send(new DeleteObjectCommand({ Bucket, Key, VersionId })), { name: 'AccessDenied' });
    await assert.rejects(
      client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention: true })),
      { name: 'AccessDenied' },
    );
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 1000) } as const;
    await assert.rejects(client.send(new PutObjectRetentionCommand({ Bucket, Key, VersionId, Retention })), {
      name: 'AccessDenied',
    });
    await assert.rejects(client.send(new PutObjectCommand({ Bucket, Key, Body: 'other', IfNoneMatch: '*' })), {
      name: 'PreconditionFailed',
    });
  }

  // Who may put without the condition hides a record behind a new version: verify finds that, and the first version is still there.
  const { Key, VersionId } = stored.find(({ Key: key = '' }) => key.startsWith('calls/')) ?? {};
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'other' }));
  const { findings } = await verifyAuditDirectory(await copyBucket(client, Bucket, join(folder, 'copy')));
  assert.ok(findings.some(({ kind, file }) => kind === 'edited_object' && file === Key));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }));
  assert.notEqual(await Body?.transformToString(), 'other');
});
