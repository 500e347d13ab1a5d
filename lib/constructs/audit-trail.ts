import * as cdk from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { closedBucket, createAccessLogBucket } from './access-log-bucket.ts';
import { denyTampering } from './audit-bucket-denials.ts';
import { AuditCatalog } from './audit-catalog.ts';
import { AuditRetention } from './audit-retention.ts';
import { AuditTrailGrants } from './audit-trail-grants.ts';
import { synthError } from './synth-error.ts';

/** The record of a platform: made here, or by another stack. */
export interface IAuditTrail extends IConstruct {
  /** Records, checkpoints and public keys; the services read its name as `AUDIT_BUCKET`. */
  readonly bucket: s3.IBucket;
  /** Signs checkpoints; the services read its ARN as `AUDIT_KMS_KEY_ID`. */
  readonly signingKey: kms.IKey;
  /** Encrypts the bucket; undefined when S3 owns that key. */
  readonly encryptionKey?: kms.IKey;
  /** Who may add to the record and who may read it. */
  readonly grants: AuditTrailGrants;
}

/** How long records are kept, and by whose keys. */
export interface AuditTrailProps {
  /**
   * How long nobody can delete or change a record. It holds for records written from then on; those that are there keep what they had.
   *
   * @default AuditRetention.governance(Duration.days(365))
   */
  readonly retention?: AuditRetention;
  /**
   * When records are removed by themselves; at least as long as they are retained.
   *
   * @default - never
   */
  readonly expireAfter?: cdk.Duration;
  /**
   * What happens to the bucket and the keys when they are no longer in the stack. `DESTROY` works only while the bucket is empty: Object
   * Lock holds against CloudFormation too.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: cdk.RemovalPolicy;
  /**
   * Encrypts the record and what auditors' queries find.
   *
   * @default - a key of its own, which KMS rotates every year
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Signs checkpoints: an ECC_NIST_P256 key for SIGN_VERIFY.
   *
   * @default - a key of its own
   */
  readonly signingKey?: kms.IKey;
  /**
   * Takes the S3 access logs of the record. A bucket with Object Lock cannot.
   *
   * @default - a bucket that keeps them for 400 days
   */
  readonly accessLogsBucket?: s3.IBucket;
  /**
   * What one query of an auditor may read before Athena stops it; Athena is paid by it. From 10 MB.
   *
   * @default Size.gibibytes(10)
   */
  readonly queryBytesMax?: cdk.Size;
}

/** What another stack needs to know of the record. */
export interface AuditTrailAttributes {
  /** The bucket with Object Lock that holds the record. */
  readonly bucket: s3.IBucket;
  /** The key that signs checkpoints. */
  readonly signingKey: kms.IKey;
  /**
   * The key of the bucket.
   *
   * @default - one that S3 owns
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * The record that nobody can erase: a bucket with Object Lock whose policy denies what would change or hide a record, a KMS key that signs
 * checkpoints and never leaves KMS, and SQL for auditors. `docs/audit.md` tells what it proves and what it does not.
 */
export class AuditTrail extends Construct implements IAuditTrail {
  /** The record of a platform whose bucket and keys exist, e.g. in the log archive. That bucket's policy is its owner's. */
  static fromAuditTrailAttributes(scope: Construct, id: string, attributes: AuditTrailAttributes): IAuditTrail {
    return new ImportedAuditTrail(scope, id, attributes);
  }

  readonly bucket: s3.IBucket;
  readonly signingKey: kms.IKey;
  readonly encryptionKey?: kms.IKey;
  readonly grants: AuditTrailGrants;
  /** Who looked at the record through S3. */
  readonly accessLogsBucket: s3.IBucket;
  /** SQL for auditors. */
  readonly catalog: AuditCatalog;

  constructor(scope: Construct, id: string, props: AuditTrailProps = {}) {
    super(scope, id);
    // Without it, CDK would let log delivery in by an ACL, which a bucket of today refuses.
    this.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true);
    const { retention = AuditRetention.governance(cdk.Duration.days(365)) } = props;
    const removalPolicy = props.removalPolicy ?? cdk.RemovalPolicy.RETAIN;
    checkExpiry(this, retention, props.expireAfter);
    if (retention.isIrrevocable) this.warnOfCompliance(retention);

    const encryptionKey =
      props.encryptionKey ??
      new kms.Key(this, 'EncryptionKey', {
        description: `Audit record of ${this.node.path}`,
        enableKeyRotation: true,
        removalPolicy,
      });
    this.encryptionKey = encryptionKey;
    this.signingKey =
      props.signingKey ??
      new kms.Key(this, 'SigningKey', {
        description: `Checkpoints of the audit record of ${this.node.path}`,
        keySpec: kms.KeySpec.ECC_NIST_P256,
        keyUsage: kms.KeyUsage.SIGN_VERIFY,
        removalPolicy,
      });
    this.accessLogsBucket =
      props.accessLogsBucket ?? createAccessLogBucket(this, 'AccessLogs', cdk.Duration.days(400), removalPolicy);
    const bucket = new s3.Bucket(this, 'Records', {
      ...closedBucket,
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention: retention.objectLockRetention,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey,
      bucketKeyEnabled: true,
      serverAccessLogsBucket: this.accessLogsBucket,
      serverAccessLogsPrefix: 'records/',
      removalPolicy,
      ...(props.expireAfter !== undefined && { lifecycleRules: expiry(props.expireAfter) }),
    });
    denyTampering(bucket, encryptionKey);
    // A bucket that is kept without its policy would be a bucket that anybody with wide rights may erase.
    bucket.policy?.applyRemovalPolicy(removalPolicy);
    this.bucket = bucket;
    this.grants = AuditTrailGrants.fromAuditTrail(this);
    this.catalog = new AuditCatalog(this, 'Catalog', {
      trail: this,
      encryptionKey,
      accessLogsBucket: this.accessLogsBucket,
      removalPolicy,
      ...(props.queryBytesMax !== undefined && { queryBytesMax: props.queryBytesMax }),
    });
  }

  private warnOfCompliance({ days }: AuditRetention): void {
    cdk.Annotations.of(this).addWarningV2(
      'toolgate:compliance-retention',
      `records are locked for ${days} days in compliance mode: nobody, root user and AWS included, can delete them or shorten that. ` +
        'Try it with AuditRetention.governance() first, and acknowledge this warning when it is meant',
    );
  }
}

class ImportedAuditTrail extends Construct implements IAuditTrail {
  readonly bucket: s3.IBucket;
  readonly signingKey: kms.IKey;
  readonly encryptionKey?: kms.IKey;
  readonly grants: AuditTrailGrants;

  constructor(scope: Construct, id: string, { bucket, signingKey, encryptionKey }: AuditTrailAttributes) {
    super(scope, id);
    this.bucket = bucket;
    this.signingKey = signingKey;
    if (encryptionKey !== undefined) this.encryptionKey = encryptionKey;
    this.grants = AuditTrailGrants.fromAuditTrail(this);
  }
}

function checkExpiry(scope: IConstruct, retention: AuditRetention, expireAfter: cdk.Duration | undefined): void {
  if (expireAfter === undefined) return;
  const days = expireAfter.toDays({ integral: false });
  if (Number.isInteger(days) && days >= retention.days) return;
  throw synthError(
    scope,
    `expireAfter is ${expireAfter.toHumanString()}: give whole days, and at least the ${retention.days} days of retention, or leave it out`,
  );
}

/** A locked version outlives its marker, so both steps are needed. */
function expiry(expireAfter: cdk.Duration): s3.LifecycleRule[] {
  return [
    { id: 'expire', expiration: expireAfter, noncurrentVersionExpiration: cdk.Duration.days(1) },
    { id: 'sweep-markers', expiredObjectDeleteMarker: true },
  ];
}
