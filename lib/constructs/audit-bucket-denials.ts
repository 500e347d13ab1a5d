import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';

/** Where the services write; `runtime/shared/audit/audit-layout.ts` explains each. */
const auditPrefixes = ['calls/', 'heads/', 'keys/'] as const;

/**
 * Denies, for everybody, whatever would change, hide or counterfeit a record. An identity policy cannot lift them, however wide it is: the bucket's
 * policy must be changed first.
 */
export function denyTampering(bucket: s3.IBucket, encryptionKey: kms.IKey): void {
  const objects = bucket.arnForObjects('*');
  const deny = (sid: string, actions: string[], conditions: object = {}) =>
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid,
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions,
        resources: [objects],
        conditions,
      }),
    );

  // Object Lock keeps versions, but a delete without a version id leaves a marker that hides the record from every reader. An expiry of the
  // bucket's own life cycle is no request, so no policy denies it.
  deny('DenyErasure', ['s3:DeleteObject', 's3:DeleteObjectVersion']);
  // A put that brings its own lock header needs PutObjectRetention too: without this, a writer could lock its records for a day only.
  deny('DenyOtherRetention', ['s3:BypassGovernanceRetention', 's3:PutObjectRetention']);
  // Also ends copies and uploads in parts, which no service makes. S3 guide, "Enforce conditional writes on Amazon S3 buckets".
  deny('DenyOverwriting', ['s3:PutObject'], { StringNotEquals: { 's3:if-none-match': '*' } });
  // S3 has no condition on checksum headers. The payload's SHA-256 is part of the signature unless it is one of these words, so what arrives is
  // what the writer hashed. S3 API, "Signature Version 4 Authentication Specific Policy Keys".
  deny('DenyUnhashedPayload', ['s3:PutObject'], {
    StringLike: { 's3:x-amz-content-sha256': ['UNSIGNED-PAYLOAD', 'STREAMING-*'] },
  });
  // Unset means the bucket's default, which is the key. A negated operator holds for what is not there, hence the Null beside it.
  for (const [sid, header, right] of [
    ['DenyOtherEncryption', 's3:x-amz-server-side-encryption', 'aws:kms'],
    ['DenyOtherKey', 's3:x-amz-server-side-encryption-aws-kms-key-id', encryptionKey.keyArn],
  ] as const) {
    deny(sid, ['s3:PutObject'], { Null: { [header]: 'false' }, StringNotEquals: { [header]: right } });
  }
  deny('DenyKeysOfCallers', ['s3:PutObject'], {
    Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' },
  });
  // The star of a grant takes slashes too. With more of them than an object of ours has, `calls/…/tools_a-1/../gateway-….jsonl.gz` would be a key
  // of the writer `tools_a`, and `aws s3 sync` would put it among the gateway's own.
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'DenyDeepKeys',
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ['s3:PutObject'],
      resources: ['calls/*/*/*/*/*', 'heads/*/*/*', 'keys/*/*'].map((keys) => bucket.arnForObjects(keys)),
    }),
  );
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'DenyWritingElsewhere',
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ['s3:PutObject'],
      notResources: auditPrefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
    }),
  );
}
