import * as cdk from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { shown } from './check-props.ts';

/** What S3 takes, in days: 100 years. */
const daysMax = 36_500;

/** How long nobody can delete or change a record, and who may lift that. */
export class AuditRetention {
  /**
   * Principals that are allowed `s3:BypassGovernanceRetention` could delete records early. The bucket's own policy denies that to everybody, so
   * somebody must change the policy first, which CloudTrail shows.
   *
   * @param duration whole days, from 1
   */
  static governance(duration: cdk.Duration): AuditRetention {
    return new AuditRetention(s3.ObjectLockRetention.governance(wholeDays('governance', duration)), false);
  }

  /**
   * Nobody can delete a record early or shorten its time, the root user and AWS included. There is no way back: whatever is in the bucket is
   * paid for until its time is over.
   *
   * @param duration whole days, from 1
   */
  static compliance(duration: cdk.Duration): AuditRetention {
    return new AuditRetention(s3.ObjectLockRetention.compliance(wholeDays('compliance', duration)), true);
  }

  /** As the bucket takes it. */
  readonly objectLockRetention: s3.ObjectLockRetention;
  /** True when nothing and nobody can end it early. */
  readonly isIrrevocable: boolean;
  /** Its length in days. */
  readonly days: number;

  private constructor(objectLockRetention: s3.ObjectLockRetention, isIrrevocable: boolean) {
    this.objectLockRetention = objectLockRetention;
    this.isIrrevocable = isIrrevocable;
    this.days = objectLockRetention.duration.toDays();
  }
}

function wholeDays(mode: string, duration: cdk.Duration): cdk.Duration {
  const isKnown = duration instanceof cdk.Duration && !duration.isUnresolved();
  const days = isKnown ? duration.toDays({ integral: false }) : Number.NaN;
  if (Number.isInteger(days) && days >= 1 && days <= daysMax) return duration;
  const given = isKnown ? duration.toHumanString() : shown(duration);
  throw new Error(
    `AuditRetention.${mode} is given ${given}: S3 Object Lock keeps records for whole days, from 1 to ${daysMax}, e.g. Duration.days(365)`,
  );
}
