import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { CreateBucketCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { startObjectStore } from '../../runtime/local/object-store.ts';
import { type AuditObjects, s3AuditObjects } from '../../runtime/shared/audit/audit-objects.ts';
import {
  openS3AuditWriter,
  type S3AuditWriter,
  type S3AuditWriterOptions,
} from '../../runtime/shared/audit/open-s3-audit-writer.ts';
import { openSigningKey } from '../../runtime/shared/audit/signing-key.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';

/** A bucket for audit records, on an S3 that speaks HTTP. */
export interface AuditBucket {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly bucket: string;
  readonly client: S3Client;
  readonly objects: AuditObjects;
  /** What `aws s3 sync s3://bucket DIR` gives, into a folder that is emptied first. */
  copy(directory: string): Promise<string>;
}

/** Connects to an S3 and makes a bucket there. */
export async function makeAuditBucket(
  t: TestContext,
  place: Pick<AuditBucket, 'endpoint' | 'credentials'>,
): Promise<AuditBucket> {
  const { endpoint, credentials } = place;
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 });
  const bucket = `audit-${randomBytes(6).toString('hex')}`;
  t.after(() => client.destroy());
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    endpoint,
    credentials,
    bucket,
    client,
    objects: s3AuditObjects(client, bucket),
    copy: (directory) => copyBucket(client, bucket, directory),
  };
}

/** A bucket on a store of this test's own. */
export async function localAuditBucket(t: TestContext): Promise<AuditBucket> {
  const store = await startObjectStore({ logger: silentLogger(), now: Date.now });
  t.after(() => store.close());
  return makeAuditBucket(t, { endpoint: store.url, credentials: store.credentials });
}

/** Keys before objects of what a writer did later: heads first, so that records are never behind them. */
export async function copyBucket(client: S3Client, Bucket: string, directory: string): Promise<string> {
  rmSync(directory, { recursive: true, force: true });
  for (const Prefix of ['heads/', 'keys/', 'calls/']) {
    mkdirSync(join(directory, Prefix), { recursive: true });
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
      for (const { Key = '' } of Contents) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        mkdirSync(dirname(join(directory, Key)), { recursive: true });
        writeFileSync(join(directory, Key), (await Body?.transformToByteArray()) ?? '');
      }
    }
  }
  return directory;
}

/** A writer on a bucket; its key is in `folder`. */
export function openBucketTestWriter(
  folder: string,
  objects: AuditObjects,
  but: Partial<S3AuditWriterOptions> = {},
): Promise<S3AuditWriter> {
  return openS3AuditWriter({
    objects,
    writer: 'gw',
    now: () => Date.UTC(2026, 10, 21, 10),
    logger: silentLogger(),
    signer: openSigningKey(join(folder, 'keys', 'key.json')),
    flushMs: 1,
    ...but,
  });
}
