import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Ministack } from './ministack.ts';
import { objects } from './what-clients-see.ts';

/** The sample objects, where the tool server looks for them. */
export async function fillBucket(emulator: Ministack, bucket: string): Promise<void> {
  const s3 = new S3Client({ ...emulator, forcePathStyle: true });
  for (const [Key, Body] of Object.entries(objects))
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: String(Body) }));
  s3.destroy();
}

/** Downloads everything in a bucket, as `aws s3 sync` does. */
export async function syncBucket(emulator: Ministack, Bucket: string, folder: string): Promise<string> {
  const s3 = new S3Client({ ...emulator, forcePathStyle: true });
  try {
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
      for (const { Key = '' } of page.Contents ?? []) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        const path = join(folder, Key);
        mkdirSync(join(path, '..'), { recursive: true });
        writeFileSync(path, (await Body?.transformToByteArray()) ?? '');
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  } finally {
    s3.destroy();
  }
  return folder;
}
