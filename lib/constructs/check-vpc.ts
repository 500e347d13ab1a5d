import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { synthError } from './synth-error.ts';

/**
 * Throws when `vpc` is for certain another one than `platformVpc`: tasks, security groups and load balancers of two VPCs cannot be put
 * together, and AWS says so only at deployment. Ids that only the deployment knows are not compared.
 */
export function checkSameVpc(scope: IConstruct, prop: string, vpc: ec2.IVpc | undefined, platformVpc: ec2.IVpc): void {
  if (vpc === undefined || vpc.vpcId === platformVpc.vpcId || !(isKnown(vpc) && isKnown(platformVpc))) return;
  throw synthError(
    scope,
    `${prop} is in the VPC ${nameOf(vpc)}, and the platform in ${nameOf(platformVpc)}: give one that is in the VPC of the platform`,
  );
}

/** One that this app makes, or one whose id is a literal. */
function isKnown(vpc: ec2.IVpc): boolean {
  return (vpc as unknown) instanceof ec2.Vpc || !cdk.Token.isUnresolved(vpc.vpcId);
}

function nameOf(vpc: ec2.IVpc): string {
  return cdk.Token.isUnresolved(vpc.vpcId) ? vpc.node.path : vpc.vpcId;
}
