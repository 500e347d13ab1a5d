import * as cdk from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { IPublicEdge } from './edge-routes.ts';
import type { PlatformNetwork } from './platform-network.ts';
import { synthError } from './synth-error.ts';

/** Amazon Cognito Developer Guide, "Access Amazon Cognito using an interface endpoint". */
export function checkCognitoIsReached(scope: Construct, network: PlatformNetwork): void {
  checkReached(scope, network, {
    id: 'toolgate:cognito-from-isolated-subnets',
    unreachable: 'no endpoint leads to the token endpoint of Cognito, so nobody could sign in',
    advice: 'give identity, an issuer that is reached from inside, or choose Egress.nat()',
  });
}

export function checkSlackIsReached(scope: Construct, network: PlatformNetwork): void {
  checkReached(scope, network, {
    id: 'toolgate:slack-from-isolated-subnets',
    unreachable: 'no endpoint leads to Slack, so no card could be sent',
    advice: 'leave slack away, and people answer on the page, or choose Egress.nat()',
  });
}

/** The approvals page asks the authorization server at its public address, as browsers do. */
export function doubtApprovalsSignIn(scope: Construct, { egress }: PlatformNetwork, edge: IPublicEdge): void {
  if (egress.kind !== 'endpoints') return;
  cdk.Annotations.of(scope).addWarningV2(
    'toolgate:approvals-from-isolated-subnets',
    `the tasks run in isolated subnets; unless ${edge.authorizationHost} leads to addresses inside their network, nobody can sign in to the approvals page: give edge, a PublicEdge with internetFacing: false, or choose Egress.nat(), or acknowledge this warning`,
  );
}

interface Doubt {
  readonly id: string;
  readonly unreachable: string;
  readonly advice: string;
}

function checkReached(
  scope: Construct,
  { egress, endpointSecurityGroup }: PlatformNetwork,
  { id, unreachable, advice }: Doubt,
): void {
  if (egress.kind !== 'endpoints') return;
  // A new VPC has no other way out; one that is there may have, through a transit gateway or a proxy.
  if (endpointSecurityGroup !== undefined) {
    throw synthError(scope, `egress is Egress.endpoints(), and ${unreachable}: ${advice}`);
  }
  cdk.Annotations.of(scope).addWarningV2(
    id,
    `the tasks run in isolated subnets; unless those have a way out that CDK does not know, ${unreachable}: ${advice}, or acknowledge this warning`,
  );
}
