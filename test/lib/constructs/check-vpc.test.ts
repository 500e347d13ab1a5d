import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { checkSameVpc } from '../../../lib/constructs/check-vpc.ts';

const stack = new cdk.Stack(new cdk.App(), 'Stack');
const made = new ec2.Vpc(stack, 'Made') as ec2.IVpc;
const other = new ec2.Vpc(stack, 'Other') as ec2.IVpc;

test('two VPCs that are for certain not the same are refused with both', () => {
  assert.throws(
    () => checkSameVpc(stack, 'cluster', other, made),
    /^Error: Stack: cluster is in the VPC Stack\/Other, and the platform in Stack\/Made: give one that is in the VPC/,
  );
  assert.throws(() => checkSameVpc(stack, 'cluster', imported('vpc-2'), imported('vpc-1')), /in the VPC vpc-2/);
  assert.throws(() => checkSameVpc(stack, 'cluster', imported('vpc-3'), made), /in the VPC vpc-3/);
});

test('the same VPC, and one that only the deployment knows, pass', () => {
  checkSameVpc(stack, 'cluster', undefined, made);
  checkSameVpc(stack, 'cluster', made, made);
  checkSameVpc(stack, 'cluster', imported('vpc-4'), imported('vpc-4'));
  checkSameVpc(stack, 'cluster', imported(cdk.Fn.importValue('Vpc')), made);
});

function imported(vpcId: string): ec2.IVpc {
  const scope = new cdk.Stack();
  return ec2.Vpc.fromVpcAttributes(scope, 'Vpc', { vpcId, availabilityZones: ['a'] });
}
