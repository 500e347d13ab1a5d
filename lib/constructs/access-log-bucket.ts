import * as cdk from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** What every bucket of the platform is: nobody outside the account, no ACL, TLS 1.2 and newer. */
export const closedBucket = {
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
} as const;

/**
 * A bucket that S3 and load balancers deliver access logs to. Neither can use a KMS key, and S3 delivers to no bucket with Object Lock.
 *
 * @param keptFor how long a log stays.
 */
export function createAccessLogBucket(
  scope: Construct,
  id: string,
  keptFor: cdk.Duration,
  removalPolicy: cdk.RemovalPolicy,
): s3.Bucket {
  const bucket = new s3.Bucket(scope, id, {
    ...closedBucket,
    encryption: s3.BucketEncryption.S3_MANAGED,
    lifecycleRules: [{ expiration: keptFor, abortIncompleteMultipartUploadAfter: cdk.Duration.days(1) }],
    removalPolicy,
  });
  cdk.Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'It holds access logs: logging their delivery would never end.',
  });
  return bucket;
}
