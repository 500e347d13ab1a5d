import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import {
  AuditTrail,
  Egress,
  IdentityProvider,
  McpPlatform,
  type McpPlatformProps,
  MutualTls,
  PlatformProfile,
  PolicyBundle,
  PublicEdge,
  StateTables,
  ToolRouting,
} from '../../../lib/index.ts';
import { synthFailure, synthTemplate, testApp } from '../../support/synth.ts';
import { makePlatform } from '../make-platform.ts';

const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/1';

/** Parts of a platform that the stack of another team makes. */
const parts: Readonly<Record<string, (other: cdk.Stack) => Partial<McpPlatformProps>>> = {
  'a VPC': (other) => ({ vpc: vpcIn(other) }),
  'a cluster, with its VPC': (other) => ({ cluster: clusterIn(other, vpcIn(other)) }),
  'an edge, with its VPC': (other) => ({ certificate: undefined, edge: edgeIn(other, vpcIn(other)) }),
  tables: (other) => ({
    stateTables: new StateTables(other, 'State', { platformName: 'prod', encryptionKey: keyIn(other) }),
  }),
  'a record': (other) => ({ audit: new AuditTrail(other, 'Audit') }),
  'a policy': (other) => ({ tenantsPath: undefined, policyVersion: undefined, policy: policyIn(other) }),
  'a user pool': (other) => ({
    identity: new IdentityProvider(other, 'Identity', {
      platformName: 'prod',
      authorizationUrl: 'https://id.tools.example.com',
    }),
  }),
};

for (const [what, make] of Object.entries(parts)) {
  test(`${what} may be made by another stack, which then does not depend on the platform`, () => {
    const app = testApp();
    const other = new cdk.Stack(app, 'Other');
    const own = new cdk.Stack(app, 'Own');
    makePlatform(own, make(other));
    app.synth();
    assert.deepEqual(other.dependencies, []);
  });
}

test('an edge of another stack lets its load balancer out to the tasks, and the tasks let it in', () => {
  const app = testApp();
  const other = new cdk.Stack(app, 'Other');
  const own = new cdk.Stack(app, 'Own');
  makePlatform(own, { certificate: undefined, edge: edgeIn(other, vpcIn(other)) });
  const template = Template.fromStack(own);
  // The rules of gateway, authorization server and approvals, beside the two of the internal load balancer.
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerRule', 5);
  const edgeGroup = { 'Fn::ImportValue': Match.stringLikeRegexp('EdgeSecurityGroup') };
  const port = { FromPort: 8080, ToPort: 8080 };
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { ...port, SourceSecurityGroupId: edgeGroup });
  template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', { ...port, GroupId: edgeGroup });
});

test('a cluster of this app is made to know the capacity that services ask for', () => {
  const { template } = synthTemplate((stack) => void makePlatform(stack, { cluster: clusterIn(stack, vpcIn(stack)) }));
  template.hasResourceProperties('AWS::ECS::ClusterCapacityProviderAssociations', {
    CapacityProviders: ['FARGATE', 'FARGATE_SPOT'],
  });
  template.resourceCountIs('AWS::EC2::VPC', 1);
});

const mistakes: Readonly<Record<string, [(stack: cdk.Stack) => Partial<McpPlatformProps>, RegExp]>> = {
  'a cluster in another VPC': [
    (stack) => ({ vpc: vpcIn(stack), cluster: clusterIn(stack, vpcIn(stack, 'Other')) }),
    /cluster is in the VPC Stack\/Other, and the platform in Stack\/Vpc/,
  ],
  'an edge in another VPC': [
    (stack) => ({ certificate: undefined, vpc: vpcIn(stack), edge: edgeIn(stack, vpcIn(stack, 'Other')) }),
    /edge is in the VPC Stack\/Other, and the platform in Stack\/Vpc/,
  ],
  'an edge, and what edges are made of': [
    (stack) => ({ edge: edgeIn(stack, vpcIn(stack)) }),
    /certificate is given, and edge too, which brings that along: leave certificate away, or leave edge away/,
  ],
  'an edge, and a door for certificates': [
    (stack) => ({
      certificate: undefined,
      edge: edgeIn(stack, vpcIn(stack)),
      mutualTls: MutualTls.fromBundle({ bucket: undefined as never, key: 'ca.pem' }),
    }),
    /mutualTls is given, and edge too/,
  ],
  'a policy, and tenants beside it': [(stack) => ({ policy: policyIn(stack) }), /tenantsPath is given, and policy too/],
  'a VPC without subnets for the tasks': [
    (stack) => ({ egress: Egress.nat(), vpc: imported(stack, { publicSubnetIds: ['subnet-1', 'subnet-2'] }) }),
    /vpc vpc-1 has no subnets of the kind Private \(.*Available types: Public\): give one that has, or another egress/,
  ],
  'a VPC that the Internet does not reach': [
    (stack) => ({ vpc: imported(stack, { privateSubnetIds: ['subnet-1', 'subnet-2'] }) }),
    /vpc vpc-1 has no subnets of the kind Public/,
  ],
  'a VPC of one zone': [
    (stack) => ({
      vpc: imported(stack, {
        availabilityZones: ['a'],
        publicSubnetIds: ['subnet-1'],
        privateSubnetIds: ['subnet-2'],
      }),
    }),
    /vpc vpc-1 has subnets of the kind Public in 1 zone, and a load balancer needs 2/,
  ],
  'a VPC that does not know its addresses': [
    (stack) => ({ vpc: imported(stack, { ...fourSubnets, vpcCidrBlock: undefined }) }),
    /vpc vpc-1 does not know its addresses: give vpcCidrBlock to Vpc.fromVpcAttributes/,
  ],
  'no domain': [() => ({ domainName: undefined as never }), /domainName is undefined: give a host name in lower case/],
  'a domain with capitals': [() => ({ domainName: 'Example.com' }), /domainName is "Example.com": give a host name/],
  'no name': [() => ({ platformName: undefined as never }), /platformName is undefined: give a literal of 1 to 32/],
  'no time to tell people': [
    () => ({ noticeTimeout: cdk.Duration.seconds(119) }),
    /Platform: noticeTimeout is 119 seconds: give whole seconds from 120 to 86400 \(a day\) that are known at synth$/,
  ],
  'two days to tell people': [() => ({ noticeTimeout: cdk.Duration.days(2) }), /noticeTimeout is 172800 seconds: give/],
  'a fraction of a second to tell people': [
    () => ({ noticeTimeout: cdk.Duration.millis(120_500) }),
    /noticeTimeout is 120.5 seconds: give whole seconds/,
  ],
  'a token for the time to tell people': [
    () => ({ noticeTimeout: cdk.Duration.seconds(cdk.Token.asNumber({ Ref: 'Wait' })) }),
    /noticeTimeout is a token: give whole seconds/,
  ],
  'longer to tell people than they have to answer': [
    () => ({ noticeTimeout: cdk.Duration.hours(2), approvalWait: cdk.Duration.minutes(90) }),
    /noticeTimeout is 7200 seconds and approvalWait 5400: tell people of a question while they can still answer it$/,
  ],
  'a text for the time to tell people': [
    () => ({ noticeTimeout: '1h' as never }),
    /^Stack\/Platform: noticeTimeout is "1h": give a Duration, e\.g\. Duration\.hours\(1\)$/,
  ],
  'null for the time to tell people': [
    () => ({ noticeTimeout: null as never }),
    /^Stack\/Platform: noticeTimeout is null: give a Duration/,
  ],
  'a number for the time to answer': [
    () => ({ approvalWait: 3600 as never }),
    /^Stack\/Platform: approvalWait is 3600: give a Duration, e\.g\. Duration\.hours\(1\)$/,
  ],
  'null for the time to answer, beside one to tell people': [
    () => ({ approvalWait: null as never, noticeTimeout: cdk.Duration.hours(1) }),
    /^Stack\/Platform: approvalWait is null: give a Duration/,
  ],
  'no time to answer': [
    () => ({ approvalWait: cdk.Duration.seconds(119) }),
    /^Stack\/Platform: approvalWait is 119 seconds: give whole seconds from 120 to 604800 \(7 days\) that are known at synth$/,
  ],
  'eight days to answer': [() => ({ approvalWait: cdk.Duration.days(8) }), /approvalWait is 691200 seconds: give/],
  'a token for the time to answer': [
    () => ({ approvalWait: cdk.Duration.seconds(cdk.Token.asNumber({ Ref: 'Wait' })) }),
    /approvalWait is a token: give whole seconds/,
  ],
  'a trust domain with a path': [() => ({ trustDomain: 'acme/prod' }), /trustDomain is "acme\/prod": give 1 to 255/],
};

for (const [what, [make, sentence]] of Object.entries(mistakes)) {
  test(`${what}: refused with the path, the value and what to do`, () => {
    const failure = synthFailure((stack) => void makePlatform(stack, make(stack)));
    assert.match(failure, /^Stack\/Platform/);
    assert.match(failure, sentence);
  });
}

test('two platforms of one name are refused, in one account and region', () => {
  const app = testApp();
  makePlatform(new cdk.Stack(app, 'One'));
  assert.throws(
    () => makePlatform(new cdk.Stack(app, 'Two')),
    /^Error: Two\/Platform: The platform name prod belongs to One\/Platform already: give one of the two another/,
  );
});

test('a user pool behind isolated subnets of a VPC that is there is a warning: their way out is not known', () => {
  const { stack } = synthTemplate((it) => {
    const subnets = { publicSubnetIds: ['subnet-1', 'subnet-2'], isolatedSubnetIds: ['subnet-3', 'subnet-4'] };
    makePlatform(it, { vpc: imported(it, subnets) });
  });
  Annotations.fromStack(stack).hasWarning('/Stack/Platform', Match.stringLikeRegexp('isolated subnets.*Cognito'));
});

test('a tenant names what its platform says otherwise; one that does not is stopped before its deployment begins', () => {
  const profile = PlatformProfile.production()
    .withEgress(Egress.publicSubnets())
    .withToolRouting(ToolRouting.discovery());
  const { egress, routing } = profile;
  const { template } = synthTemplate((stack) => void makePlatform(stack, { egress, toolRouting: routing }));
  const published = Object.values(template.findResources('AWS::SSM::Parameter')).map((it) => it.Properties.Name);
  const missing = (named: PlatformProfile) => read(named).filter((name) => !published.includes(name));
  assert.deepEqual(missing(profile), []);
  assert.deepEqual(missing(profile.withEgress(Egress.nat())), ['/toolgate/prod/platform/task-subnet-ids']);
  assert.deepEqual(missing(profile.withToolRouting(ToolRouting.loadBalancer())), [
    '/toolgate/prod/platform/tool-listener-arn',
    '/toolgate/prod/platform/tool-load-balancer-security-group-id',
  ]);
});

const fourSubnets = { publicSubnetIds: ['subnet-1', 'subnet-2'], privateSubnetIds: ['subnet-3', 'subnet-4'] };

function imported(stack: cdk.Stack, attributes: Partial<ec2.VpcAttributes>): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['a', 'b'],
    vpcCidrBlock: '10.1.0.0/16',
    ...attributes,
  });
}

function vpcIn(stack: cdk.Stack, id = 'Vpc'): ec2.IVpc {
  return new ec2.Vpc(stack, id);
}

function clusterIn(stack: cdk.Stack, vpc: ec2.IVpc): ecs.ICluster {
  return new ecs.Cluster(stack, 'Cluster', { vpc });
}

function edgeIn(stack: cdk.Stack, vpc: ec2.IVpc): PublicEdge {
  const certificate = acm.Certificate.fromCertificateArn(stack, 'EdgeCertificate', arn);
  return new PublicEdge(stack, 'Edge', { vpc, domainName: 'tools.example.com', certificate });
}

function policyIn(stack: cdk.Stack): PolicyBundle {
  const tenantsPath = 'policies/data/tenants.json';
  return new PolicyBundle(stack, 'Policy', { platformName: 'prod', version: 1, tenantsPath });
}

function keyIn(stack: cdk.Stack): kms.IKey {
  return new kms.Key(stack, 'Key');
}

/** Names of the parameters that a tenant's stack reads. */
function read(profile: PlatformProfile): string[] {
  const stack = new cdk.Stack(testApp(), 'Tenant');
  McpPlatform.fromPlatformName(stack, 'Platform', 'prod', profile);
  const names = Object.values(Template.fromStack(stack).findParameters('*')).map(({ Default }) => String(Default));
  return names.filter((name) => name.startsWith('/toolgate/')).sort();
}
