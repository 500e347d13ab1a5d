import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { acknowledgeWildcards } from './acknowledge-wildcards.ts';
import type { PolicyBundle } from './policy-bundle.ts';

/**
 * Who may load the rules: the parameter that points at them, and JSON files where CDK uploads them. Not this one object only: a gateway
 * that starts while the parameter names a bundle that is refused loads the one that was accepted before. Objects are named by
 * their hash and cannot be listed, so nothing else is found.
 */
export class PolicyBundleGrants {
  /** The grants of this bundle. */
  static fromPolicyBundle(bundle: PolicyBundle, assetsKey?: kms.IKey): PolicyBundleGrants {
    return new PolicyBundleGrants(bundle, assetsKey);
  }

  private readonly bundle: PolicyBundle;
  private readonly assetsKey: kms.IKey | undefined;

  private constructor(bundle: PolicyBundle, assetsKey: kms.IKey | undefined) {
    this.bundle = bundle;
    this.assetsKey = assetsKey;
  }

  /** Reads parameter and bundles. `asset.grantRead` is not used: it lets list and read all that CDK uploads, other teams' code included. */
  read(grantee: iam.IGrantable): iam.Grant {
    const { asset, parameter } = this.bundle;
    const point = iam.Grant.addToPrincipal({
      grantee,
      actions: ['ssm:GetParameter'],
      resourceArns: [parameter.parameterArn],
    });
    const bundles = [asset.bucket.arnForObjects(bundlesOf(asset.s3ObjectKey))];
    const load = iam.Grant.addToPrincipal({ grantee, actions: ['s3:GetObject'], resourceArns: bundles });
    acknowledgeWildcards(
      grantee,
      bundles,
      'The star is the hash of a bundle: tasks that run load the next one before a deployment replaces them.',
    );
    const granted = point.combine(load);
    return this.assetsKey === undefined ? granted : granted.combine(this.assetsKey.grantDecrypt(grantee));
  }
}

/** The key with a star for its hash; a key that only the deployment knows stays. */
function bundlesOf(key: string): string {
  return key.replace(/[0-9a-f]{64}(?=\.json$)/, '*');
}
