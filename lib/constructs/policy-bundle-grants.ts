import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { PolicyBundle } from './policy-bundle.ts';

/** Who may load the rules: exactly the parameter that points at them, and exactly the object that it names. */
export class PolicyBundleGrants {
  static fromPolicyBundle(bundle: PolicyBundle, assetsKey?: kms.IKey): PolicyBundleGrants {
    return new PolicyBundleGrants(bundle, assetsKey);
  }

  private readonly bundle: PolicyBundle;
  private readonly assetsKey: kms.IKey | undefined;

  private constructor(bundle: PolicyBundle, assetsKey: kms.IKey | undefined) {
    this.bundle = bundle;
    this.assetsKey = assetsKey;
  }

  /** Reads parameter and bundle. `asset.grantRead` is not used: it opens the whole bucket that CDK uploads to, other teams' code included. */
  read(grantee: iam.IGrantable): iam.Grant {
    const { asset, parameter } = this.bundle;
    const point = iam.Grant.addToPrincipal({
      grantee,
      actions: ['ssm:GetParameter'],
      resourceArns: [parameter.parameterArn],
    });
    const load = iam.Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetObject'],
      resourceArns: [asset.bucket.arnForObjects(asset.s3ObjectKey)],
    });
    const granted = point.combine(load);
    return this.assetsKey === undefined ? granted : granted.combine(this.assetsKey.grantDecrypt(grantee));
  }
}
