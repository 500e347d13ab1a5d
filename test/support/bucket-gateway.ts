import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type AuditBucket, localAuditBucket } from './audit-bucket.ts';
import { startKmsDouble } from './kms-double.ts';
import { type S3Front, startS3Front } from './s3-front.ts';
import { openWiredGateway, type WiredGateway, type WiredOptions } from './wired-gateway.ts';

export interface BucketGateway extends WiredGateway {
  readonly bucket: AuditBucket;
  /** Stands between the gateway and S3. */
  readonly front: S3Front;
  /** Ends the gateway and gives a copy of the bucket. */
  closeAndCopy(): Promise<string>;
}

/**
 * A wired gateway that keeps its record in a bucket. Its clients are those of the SDK's chain, so this process has the variables of AWS until the
 * test ends: one such test at a time.
 */
export async function openBucketGateway(t: TestContext, options: WiredOptions = {}): Promise<BucketGateway> {
  const bucket = await localAuditBucket(t);
  const front = await startS3Front(t, bucket.endpoint);
  const kms = await startKmsDouble();
  t.after(() => kms.close());
  const variables = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_S3: front.url,
    AWS_ENDPOINT_URL_KMS: kms.endpoint,
  };
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const env = { AUDIT_DIR: '', AUDIT_BUCKET: bucket.bucket, AUDIT_KMS_KEY_ID: kms.keyId, ...options.env };
  const world = await openWiredGateway(t, { ...options, env });
  return Object.assign(world, {
    bucket,
    front,
    async closeAndCopy() {
      await world.gateway.close();
      await world.deps.close();
      return bucket.copy(join(world.folder, 'copy'));
    },
  });
}
