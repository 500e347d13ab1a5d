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

/**
 * Throws unless `vpc` has such subnets, in so many zones. What only the deployment knows is not counted.
 * @param advice what else there is to do than to give another VPC.
 */
export function checkSubnets(
  scope: IConstruct,
  vpc: ec2.IVpc,
  selection: ec2.SubnetSelection,
  zonesMin: number,
  advice: string,
): void {
  const wanted = selection.subnetType ?? 'selected';
  let zones: string[];
  try {
    const { availabilityZones, isPendingLookup } = vpc.selectSubnets(selection);
    if (isPendingLookup === true || cdk.Token.isUnresolved(availabilityZones)) return;
    zones = availabilityZones;
  } catch (cause) {
    throw synthError(
      scope,
      `vpc ${nameOf(vpc)} has no subnets of the kind ${wanted} (${(cause as Error).message}): give one that has, or ${advice}`,
    );
  }
  const count = new Set(zones).size;
  if (count >= zonesMin || zones.some((zone) => cdk.Token.isUnresolved(zone))) return;
  throw synthError(
    scope,
    `vpc ${nameOf(vpc)} has subnets of the kind ${wanted} in ${count} zone, and a load balancer needs ${zonesMin}: give one that has more`,
  );
}

/** Throws unless `vpc` knows its addresses, which tenants' stacks are told. An imported one knows what it was imported with. */
export function checkCidr(scope: IConstruct, vpc: ec2.IVpc): void {
  try {
    void vpc.vpcCidrBlock;
  } catch {
    throw synthError(
      scope,
      `vpc ${nameOf(vpc)} does not know its addresses: give vpcCidrBlock to Vpc.fromVpcAttributes, e.g. "10.0.0.0/16"`,
    );
  }
}

/** One that this app makes, or one whose id is a literal. */
function isKnown(vpc: ec2.IVpc): boolean {
  return (vpc as unknown) instanceof ec2.Vpc || !cdk.Token.isUnresolved(vpc.vpcId);
}

function nameOf(vpc: ec2.IVpc): string {
  return cdk.Token.isUnresolved(vpc.vpcId) ? vpc.node.path : vpc.vpcId;
}
