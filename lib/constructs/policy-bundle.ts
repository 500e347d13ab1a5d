import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as cdk from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3assets from 'aws-cdk-lib/aws-s3-assets';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct, type IConstruct } from 'constructs';
import type { PolicyPointer } from '../../runtime/contract/policy-bundle-file.ts';
import { requireProps, shown } from './check-props.ts';
import { checkPlatformName } from './platform-name.ts';
import { readBundle } from './policy-bundle-content.ts';
import { PolicyBundleGrants } from './policy-bundle-grants.ts';
import { synthError } from './synth-error.ts';

/** The rules in force, as gateways load them. */
export interface IPolicyBundle extends IConstruct {
  /** Says where the bundle is and which version it is; the gateway reads it as `POLICY_PARAMETER`. */
  readonly parameter: ssm.IStringParameter;
  /** Who may load it. */
  readonly grants: PolicyBundleGrants;
}

/** What gateways decide by. */
export interface PolicyBundleProps {
  /** The platform that these rules are for. */
  readonly platformName: string;
  /**
   * A whole number from 1 that is raised with every change of rules or data, also with a way back to older ones: gateways refuse a number
   * below the highest they ever accepted, and other content under the same number.
   */
  readonly version: number;
  /**
   * What each tenant may do: a file `{"tenants": {"acme": {...}}}`, or a folder with a file `acme.json` for each tenant. See
   * `docs/policy.md`.
   */
  readonly tenantsPath: string;
  /**
   * The platform's own limits, `{"base": {...}}`.
   *
   * @default - those that come with Toolgate
   */
  readonly basePath?: string;
  /**
   * A folder with rules of your own: `policy.wasm`, `build.json`, `base.json` and `canaries.json`, as `npm run policy:build` makes them.
   *
   * @default - the rules that come with Toolgate
   */
  readonly rulesDirectory?: string;
  /**
   * The key of the bucket that CDK uploads to, when bootstrapping made it a key of its own (`--bootstrap-customer-key`).
   *
   * @default - none: the bucket's key is AWS's, which needs no grant
   */
  readonly assetsKey?: kms.IKey;
}

/**
 * Rules and tenants' data as one versioned file in S3, and a parameter that points at it. Gateways follow the parameter and load a new
 * bundle without a restart; one that is broken, older or changed under its number is refused, and the last good one stays.
 */
export class PolicyBundle extends Construct implements IPolicyBundle {
  readonly parameter: ssm.IStringParameter;
  readonly grants: PolicyBundleGrants;
  /** The bundle, as it is uploaded. */
  readonly asset: s3assets.Asset;
  /** SHA-256 of the bundle, in hex: gateways take nothing else under this version. */
  readonly sha256: string;

  constructor(scope: Construct, id: string, props: PolicyBundleProps) {
    super(scope, id);
    checkPlatformName(this, props.platformName);
    requireProps(this, props, ['version', 'tenantsPath']);
    checkVersion(this, props.version);
    const bundle = readBundle(this, props);
    this.sha256 = createHash('sha256').update(bundle).digest('hex');
    this.asset = this.upload(bundle);
    this.parameter = new ssm.StringParameter(this, 'Pointer', {
      parameterName: `/toolgate/${props.platformName}/policy`,
      description: `Policy of the platform ${props.platformName}`,
      stringValue: cdk.Stack.of(this).toJsonString({
        v: 1,
        version: props.version,
        bucket: this.asset.s3BucketName,
        key: this.asset.s3ObjectKey,
        sha256: this.sha256,
      } satisfies PolicyPointer),
    });
    this.grants = PolicyBundleGrants.fromPolicyBundle(this, props.assetsKey);
  }

  /** Lets a service load the bundle. */
  grantRead(grantee: iam.IGrantable): iam.Grant {
    return this.grants.read(grantee);
  }

  /** The asset copies the file when it is made, so the file need not stay. */
  private upload(bundle: string): s3assets.Asset {
    const folder = cdk.FileSystem.mkdtemp('toolgate-policy-');
    try {
      const path = join(folder, 'policy-bundle.json');
      writeFileSync(path, bundle);
      return new s3assets.Asset(this, 'File', { path });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function checkVersion(scope: IConstruct, version: number): void {
  if (Number.isSafeInteger(version) && version >= 1) return;
  throw synthError(
    scope,
    `version is ${shown(version)}: give a whole number from 1, higher than the last one that was deployed, e.g. 7 after 6`,
  );
}
