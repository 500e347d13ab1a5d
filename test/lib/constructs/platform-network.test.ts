import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Egress } from '../../../lib/constructs/egress.ts';
import { PlatformNetwork, type PlatformNetworkProps } from '../../../lib/constructs/platform-network.ts';
import { synthFailure, synthTemplate, testApp } from '../../support/synth.ts';

function network(props?: PlatformNetworkProps) {
  let made: PlatformNetwork | undefined;
  const { template } = synthTemplate((stack) => {
    made = new PlatformNetwork(stack, 'Network', props);
  });
  return { template, made: made as PlatformNetwork };
}

function failure(props: PlatformNetworkProps): string {
  return synthFailure((stack) => new PlatformNetwork(stack, 'Network', props));
}

/** Service names of the endpoints of a kind, without the region. */
function endpoints(template: Template, kind: 'Interface' | 'Gateway'): string[] {
  const found = template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: kind } });
  return Object.values(found)
    .map(({ Properties }) =>
      JSON.stringify(Properties.ServiceName).replace(/^.*"\.?(?:com\.amazonaws\.)?([a-z0-9.-]+)"\]*\}*$/, '$1'),
    )
    .sort();
}

test('by default tasks are private, in two zones, behind one NAT gateway', () => {
  const { template, made } = network();
  template.resourceCountIs('AWS::EC2::NatGateway', 1);
  template.resourceCountIs('AWS::EC2::Subnet', 4);
  assert.equal(made.assignPublicIp, false);
  assert.equal(made.taskSubnets.subnetType, ec2.SubnetType.PRIVATE_WITH_EGRESS);
});

test('each zone may have a NAT gateway', () => {
  network({ egress: Egress.nat({ gateways: 3 }), zones: 3 }).template.resourceCountIs('AWS::EC2::NatGateway', 3);
});

test('S3 and DynamoDB are reached through gateway endpoints whatever the egress', () => {
  for (const egress of [Egress.nat(), Egress.endpoints(), Egress.publicSubnets()]) {
    assert.deepEqual(endpoints(network({ egress }).template, 'Gateway'), ['dynamodb', 's3'], egress.kind);
  }
});

test('interface endpoints are those of the services that are used, and no other', () => {
  const { template, made } = network({ egress: Egress.endpoints() });
  const used = ['ecr.api', 'ecr.dkr', 'kms', 'logs', 'secretsmanager', 'ssm', 'states'];
  assert.deepEqual(endpoints(template, 'Interface'), used);
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  assert.equal(made.taskSubnets.subnetType, ec2.SubnetType.PRIVATE_ISOLATED);
  assert.deepEqual(endpoints(network({ egress: Egress.nat() }).template, 'Interface'), []);
});

test('an endpoint is in each zone, or in one when that is asked', () => {
  const subnetsOf = (egress: Egress) => {
    const found = network({ egress }).template.findResources('AWS::EC2::VPCEndpoint', {
      Properties: { VpcEndpointType: 'Interface' },
    });
    return Object.values(found).map(({ Properties }) => Properties.SubnetIds.length);
  };
  assert.deepEqual(subnetsOf(Egress.endpoints()), [2, 2, 2, 2, 2, 2, 2]);
  assert.deepEqual(subnetsOf(Egress.endpoints({ singleZone: true })), [1, 1, 1, 1, 1, 1, 1]);
});

test('a service that is used anyway gets one endpoint, also when it is asked for', () => {
  const { KMS } = ec2.InterfaceVpcEndpointAwsService;
  const { template } = network({ egress: Egress.endpoints({ additionalServices: [KMS] }) });
  template.resourcePropertiesCountIs('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface' }, 7);
});

test('a service of one’s own gets an endpoint beside the others', () => {
  const egress = Egress.endpoints({ additionalServices: [ec2.InterfaceVpcEndpointAwsService.SQS] });
  assert.ok(endpoints(network({ egress }).template, 'Interface').includes('sqs'));
});

test('endpoints take HTTPS from the VPC, and nothing leaves them', () => {
  const { template } = network({ egress: Egress.endpoints() });
  template.hasResourceProperties('AWS::EC2::SecurityGroup', {
    GroupDescription: Match.stringLikeRegexp('Interface endpoints'),
    SecurityGroupIngress: [Match.objectLike({ FromPort: 443, ToPort: 443, CidrIp: '10.0.0.0/16' })],
    SecurityGroupEgress: [Match.objectLike({ CidrIp: '255.255.255.255/32' })],
  });
});

test('in public subnets tasks get an address, and subnets give nobody else one', () => {
  const { template, made } = network({ egress: Egress.publicSubnets() });
  assert.equal(made.assignPublicIp, true);
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  template.resourceCountIs('AWS::EC2::Subnet', 2);
  template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
});

test('a security group of tasks lets nobody in and HTTPS out', () => {
  const { template } = synthTemplate((stack) => {
    new PlatformNetwork(stack, 'Network').createTaskSecurityGroup(stack, 'Tasks', 'tasks');
  });
  template.hasResourceProperties('AWS::EC2::SecurityGroup', {
    GroupDescription: 'tasks',
    SecurityGroupIngress: Match.absent(),
    SecurityGroupEgress: [Match.objectLike({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 })],
  });
});

test('rejected traffic is logged unless that is turned off', () => {
  network().template.hasResourceProperties('AWS::EC2::FlowLog', { TrafficType: 'REJECT' });
  network({ flowLogs: false }).template.resourceCountIs('AWS::EC2::FlowLog', 0);
});

test('a VPC that is there is taken as it is', () => {
  const { template } = synthTemplate((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Own', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      isolatedSubnetIds: ['subnet-1', 'subnet-2'],
    });
    const made = new PlatformNetwork(stack, 'Network', { vpc });
    assert.equal(made.vpc, vpc);
    assert.equal(made.taskSubnets.subnetType, ec2.SubnetType.PRIVATE_ISOLATED);
  });
  assert.deepEqual(template.toJSON().Resources, undefined);
});

test('a stack with an account and region looks no zones up', () => {
  const app = testApp();
  const stack = new cdk.Stack(app, 'Pinned', { env: { account: '111122223333', region: 'eu-central-1' } });
  new PlatformNetwork(stack, 'Network', { zones: 3 });
  assert.deepEqual(app.synth().manifest.missing ?? [], []);
  const zones = Object.values(Template.fromStack(stack).findResources('AWS::EC2::Subnet')).map(
    ({ Properties }) => Properties.AvailabilityZone['Fn::Select'][0],
  );
  assert.deepEqual(zones.sort(), [0, 0, 1, 1, 2, 2]);
});

test('a stack that names its zones itself keeps them', () => {
  class Named extends cdk.Stack {
    override get availabilityZones(): string[] {
      return ['eu-central-1a', 'eu-central-1c'];
    }
  }
  const stack = new Named(testApp(), 'Named', { env: { account: '111122223333', region: 'eu-central-1' } });
  new PlatformNetwork(stack, 'Network');
  assert.deepEqual(stack.availabilityZones, ['eu-central-1a', 'eu-central-1c']);
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::Subnet', { AvailabilityZone: 'eu-central-1c' });
});

test('what cannot be built is refused with what to do', () => {
  assert.match(failure({ zones: 1 }), /^Stack\/Network: zones is 1: give a whole number from 2 to 6/);
  assert.match(failure({ egress: Egress.nat({ gateways: 0 }) }), /0 gateways for 2 zones: give 1 to 2, or choose/);
  assert.match(failure({ egress: Egress.nat({ gateways: 3 }) }), /3 gateways for 2 zones/);
  const withVpc = synthFailure((stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Own', { vpcId: 'vpc-1', availabilityZones: ['a'] });
    new PlatformNetwork(stack, 'Network', { vpc, zones: 2 });
  });
  assert.match(withVpc, /zones is given, and vpc too, which brings that along: leave zones away, or leave vpc away/);
  for (const [cidr, zones] of [
    ['ten', 2],
    ['10.0.0.0/28', 2],
    ['10.0.0.0/22', 6],
  ] as const) {
    assert.match(
      failure({ cidr, zones }),
      new RegExp(
        `^Stack/Network: cidr is "${cidr}", which gives no network of ${zones} zones .*: give a literal of /16`,
      ),
    );
  }
});
