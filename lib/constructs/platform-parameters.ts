import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { AuditTrail, type IAuditTrail } from './audit-trail.ts';
import type { IMcpPlatform } from './mcp-platform-base.ts';
import { checkPlatformName } from './platform-name.ts';
import { createTaskSecurityGroup, type IPlatformNetwork } from './platform-network.ts';
import { PlatformProfile } from './platform-profile.ts';
import { ToolEdge } from './tool-edge.ts';
import type { IToolEdge } from './tool-edge-base.ts';

/** Where the platform `platformName` says `key`. */
export function parameterName(platformName: string, key: string): string {
  return `/toolgate/${platformName}/platform/${key}`;
}

/**
 * Publishes what a tenant's stack needs to know, as SSM parameters of the account and region. None of it is secret. A key that is there only
 * with one kind of routing or egress makes a tenant's deployment stop before it begins when the tenant names another profile.
 */
export function publishPlatform(scope: Construct, platform: IMcpPlatform, toolEdge: ToolEdge): void {
  const { network, audit } = platform;
  const subnets = network.vpc.selectSubnets(network.taskSubnets);
  const values: Readonly<Record<string, string | undefined>> = {
    'gateway-url': platform.gatewayUrl,
    'trust-domain': platform.trustDomain,
    'cluster-name': platform.cluster.clusterName,
    'vpc-id': network.vpc.vpcId,
    'vpc-cidr-block': network.vpc.vpcCidrBlock,
    [subnetsKey(network.assignPublicIp)]: cdk.Fn.join(',', subnets.subnetIds),
    'tool-domain': toolEdge.domainName,
    'callers-security-group-id': toolEdge.callers.securityGroupId,
    'members-security-group-id': toolEdge.members.securityGroupId,
    'tool-listener-arn': toolEdge.listener?.listenerArn,
    'tool-load-balancer-security-group-id': toolEdge.loadBalancer?.connections.securityGroups[0]?.securityGroupId,
    'tool-namespace-id': toolEdge.namespace?.namespaceId,
    'audit-bucket-name': audit.bucket.bucketName,
    'audit-signing-key-arn': audit.signingKey.keyArn,
    // A tenant's stack grants its use in any case, so without a key it is the ARN of one that does not exist.
    'audit-encryption-key-arn': audit.encryptionKey?.keyArn ?? arnOfNoKey(scope),
  };
  for (const [key, stringValue] of Object.entries(values)) {
    if (stringValue === undefined) continue;
    new ssm.StringParameter(scope, key, { parameterName: parameterName(platform.platformName, key), stringValue });
  }
}

function subnetsKey(isPublic: boolean): string {
  return isPublic ? 'public-task-subnet-ids' : 'task-subnet-ids';
}

function arnOfNoKey(scope: Construct): string {
  return cdk.Stack.of(scope).formatArn({ service: 'kms', resource: 'key', resourceName: 'none' });
}

/** A platform that another app deployed, as its parameters tell when this stack is deployed. Synth reads nothing. */
export class ImportedMcpPlatform extends Construct implements IMcpPlatform {
  readonly platformName: string;
  readonly profile: PlatformProfile;
  readonly gatewayUrl: string;
  readonly trustDomain: string;
  readonly cluster: ecs.ICluster;
  readonly network: IPlatformNetwork;
  readonly toolEdge: IToolEdge;
  readonly audit: IAuditTrail;

  constructor(scope: Construct, id: string, platformName: string, profile = PlatformProfile.production()) {
    super(scope, id);
    this.platformName = checkPlatformName(this, platformName);
    this.profile = profile;
    this.gatewayUrl = this.read('gateway-url');
    this.trustDomain = this.read('trust-domain');
    const isPublic = profile.egress.kind === 'publicSubnets';
    this.network = new ImportedNetwork(this, 'Network', {
      vpcId: this.read('vpc-id'),
      readCidrBlock: () => this.read('vpc-cidr-block'),
      subnetIds: cdk.Fn.split(',', this.read(subnetsKey(isPublic))),
      isPublic,
    });
    this.cluster = ecs.Cluster.fromClusterAttributes(this, 'Cluster', {
      clusterName: this.read('cluster-name'),
      vpc: this.network.vpc,
    });
    const { isLoadBalanced } = profile.routing;
    this.toolEdge = ToolEdge.fromToolEdgeAttributes(this, 'ToolEdge', {
      platformName,
      domainName: this.read('tool-domain'),
      routing: profile.routing,
      membersSecurityGroupId: this.read('members-security-group-id'),
      ...(isLoadBalanced
        ? {
            listenerArn: this.read('tool-listener-arn'),
            loadBalancerSecurityGroupId: this.read('tool-load-balancer-security-group-id'),
          }
        : {
            callersSecurityGroupId: this.read('callers-security-group-id'),
            namespaceId: this.read('tool-namespace-id'),
          }),
    });
    this.audit = AuditTrail.fromAuditTrailAttributes(this, 'Audit', {
      bucket: s3.Bucket.fromBucketName(this, 'AuditBucket', this.read('audit-bucket-name')),
      signingKey: kms.Key.fromKeyArn(this, 'AuditSigningKey', this.read('audit-signing-key-arn')),
      encryptionKey: kms.Key.fromKeyArn(this, 'AuditEncryptionKey', this.read('audit-encryption-key-arn')),
    });
  }

  private read(key: string): string {
    return ssm.StringParameter.valueForStringParameter(this, parameterName(this.platformName, key));
  }
}

class ImportedNetwork extends Construct implements IPlatformNetwork {
  readonly vpc: ec2.IVpc;
  readonly taskSubnets: ec2.SubnetSelection;
  readonly assignPublicIp: boolean;

  constructor(
    scope: Construct,
    id: string,
    parts: { vpcId: string; readCidrBlock: () => string; subnetIds: string[]; isPublic: boolean },
  ) {
    super(scope, id);
    const { vpcId, readCidrBlock, subnetIds, isPublic } = parts;
    this.vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: cdk.Fn.getAzs(),
      ...(isPublic ? { publicSubnetIds: subnetIds } : { privateSubnetIds: subnetIds }),
    });
    // Read for who asks: a parameter that nothing in the stack refers to is a finding of CDK's validator.
    Object.defineProperty(this.vpc, 'vpcCidrBlock', { get: readCidrBlock });
    // Subnets are a list that only the deployment knows, which is all that tasks and target groups need of them.
    for (const warning of [
      '@aws-cdk/aws-ec2:vpcAttributeIsListTokenavailabilityZones',
      `@aws-cdk/aws-ec2:vpcAttributeIsListToken${isPublic ? 'public' : 'private'}SubnetIds`,
      '@aws-cdk/aws-ec2:noSubnetRouteTableId',
    ]) {
      cdk.Annotations.of(this.vpc).acknowledgeWarning(
        warning,
        'tasks need the list of subnets as a whole, no single one',
      );
    }
    this.assignPublicIp = isPublic;
    this.taskSubnets = { subnetType: isPublic ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS };
  }

  createTaskSecurityGroup(scope: Construct, id: string, description: string): ec2.SecurityGroup {
    return createTaskSecurityGroup(scope, id, this.vpc, description);
  }
}
