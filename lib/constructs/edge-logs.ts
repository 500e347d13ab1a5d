import * as cdk from 'aws-cdk-lib';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { createAccessLogBucket } from './access-log-bucket.ts';
import { synthError } from './synth-error.ts';

/** Where the logs of a load balancer go. */
export interface EdgeLogsProps {
  /** The load balancer that writes them. */
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  /**
   * Bucket for the logs, encrypted with SSE-S3: load balancers write to no other.
   *
   * @default - a new one
   */
  readonly bucket?: s3.IBucket;
  /**
   * How long the logs of a new bucket stay.
   *
   * @default Duration.days(90)
   */
  readonly retention?: cdk.Duration;
}

/** Access and connection logs of a load balancer. They are for operation; the record of calls is the audit trail. */
export class EdgeLogs extends Construct {
  /** Where the logs are. */
  readonly bucket: s3.IBucket;

  constructor(scope: Construct, id: string, props: EdgeLogsProps) {
    super(scope, id);
    const { loadBalancer } = props;
    const { retention = cdk.Duration.days(90) } = props;
    this.bucket = props.bucket ?? createAccessLogBucket(this, 'Bucket', retention, cdk.RemovalPolicy.RETAIN);
    if (this.bucket.encryptionKey !== undefined) {
      throw synthError(
        this,
        `the bucket ${this.bucket.node.path} is encrypted with a KMS key, which load balancers cannot use: give one with S3_MANAGED encryption`,
      );
    }
    // The CDK's logAccessLogs grants to the ELB account of a region, so it needs a concrete one. This principal serves every region.
    // Elastic Load Balancing, Application Load Balancers, "Enable access logs", step 2.
    const granted = this.bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: ['access', 'connections'].map((prefix) =>
          this.bucket.arnForObjects(`${prefix}/AWSLogs/${cdk.Stack.of(this).account}/*`),
        ),
      }),
    );
    for (const [kind, prefix] of [
      ['access_logs', 'access'],
      ['connection_logs', 'connections'],
    ] as const) {
      loadBalancer.setAttribute(`${kind}.s3.enabled`, 'true');
      loadBalancer.setAttribute(`${kind}.s3.bucket`, this.bucket.bucketName);
      loadBalancer.setAttribute(`${kind}.s3.prefix`, prefix);
    }
    // The load balancer writes a test file when logs are turned on.
    if (granted.policyDependable !== undefined) loadBalancer.node.addDependency(granted.policyDependable);
  }
}
