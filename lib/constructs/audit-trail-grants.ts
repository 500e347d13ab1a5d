import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { acknowledgeWildcards } from './acknowledge-wildcards.ts';
import type { IAuditTrail } from './audit-trail.ts';
import { synthError } from './synth-error.ts';

/** The first part of a writer's name; the service adds when it started and a random word. */
const writerName = /^[a-z0-9][a-z0-9_-]{0,33}$/;

/**
 * Who may add to the record and who may read it; nobody gets both. `bucket.grantPut` is not used: it brings `s3:PutObjectRetention` and
 * `s3:PutObjectLegalHold` along.
 */
export class AuditTrailGrants {
  /** The grants of this record. */
  static fromAuditTrail(trail: IAuditTrail): AuditTrailGrants {
    return new AuditTrailGrants(trail);
  }

  private readonly trail: IAuditTrail;

  private constructor(trail: IAuditTrail) {
    this.trail = trail;
  }

  /**
   * Adds records as the writer `writer`, which is what the service reads as `AUDIT_WRITER`: new objects of that name, and signatures on its
   * checkpoints. It cannot read a record, not even its own, nor write one in another service's name.
   */
  write(grantee: iam.IGrantable, writer: string): iam.Grant {
    const { bucket, encryptionKey, signingKey } = this.trail;
    if (!writerName.test(writer)) {
      throw synthError(
        this.trail,
        `the writer is ${JSON.stringify(writer)}: give 1 to 34 lower-case letters, digits, "-" and "_", starting with a letter or digit, e.g. "gateway"`,
      );
    }
    const written = [
      bucket.arnForObjects(`calls/tenant=*/dt=*/hour=*/${writer}-*.jsonl.gz`),
      bucket.arnForObjects(`heads/${writer}-*/*.jws`),
      bucket.arnForObjects('keys/*.json'),
    ];
    const put = iam.Grant.addToPrincipal({ grantee, actions: ['s3:PutObject'], resourceArns: written });
    acknowledgeWildcards(
      grantee,
      written,
      'A writer only adds: the stars are tenants, hours, and the process and number in names that it chooses as it writes.',
    );
    const sign = iam.Grant.addToPrincipal({
      grantee,
      actions: ['kms:GetPublicKey', 'kms:Sign'],
      resourceArns: [signingKey.keyArn],
    });
    const encrypt =
      encryptionKey === undefined
        ? iam.Grant.drop(grantee, 'the bucket has no key of its own')
        : this.throughS3(grantee, 'kms:GenerateDataKey', encryptionKey.keyArn);
    return put.combine(sign).combine(encrypt);
  }

  /**
   * Reads all records, checkpoints and keys: what `aws s3 sync`, `toolgate audit verify` and a look for delete markers need.
   */
  read(grantee: iam.IGrantable): iam.Grant {
    const { bucket, encryptionKey, signingKey } = this.trail;
    const list = iam.Grant.addToPrincipal({
      grantee,
      actions: [
        's3:GetBucketLocation',
        's3:GetBucketObjectLockConfiguration',
        's3:ListBucket',
        's3:ListBucketVersions',
      ],
      resourceArns: [bucket.bucketArn],
    });
    const get = iam.Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetObject', 's3:GetObjectRetention', 's3:GetObjectVersion'],
      resourceArns: [bucket.arnForObjects('*')],
    });
    const verify = iam.Grant.addToPrincipal({
      grantee,
      actions: ['kms:GetPublicKey'],
      resourceArns: [signingKey.keyArn],
    });
    const decrypt =
      encryptionKey === undefined
        ? iam.Grant.drop(grantee, 'the bucket has no key of its own')
        : this.throughS3(grantee, 'kms:Decrypt', encryptionKey.keyArn);
    return list.combine(get).combine(verify).combine(decrypt);
  }

  private throughS3(grantee: iam.IGrantable, action: string, keyArn: string): iam.Grant {
    const { region } = cdk.Stack.of(this.trail);
    return iam.Grant.addToPrincipal({
      grantee,
      actions: [action],
      resourceArns: [keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${region}.amazonaws.com` } },
    });
  }
}
