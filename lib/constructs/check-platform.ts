import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isLiteral, refuseBeside, shown } from './check-props.ts';
import type { McpPlatformProps } from './mcp-platform-props.ts';
import { synthError } from './synth-error.ts';

// SPIFFE-ID § 2.1, "Trust Domain".
const trustDomainName = /^[a-z0-9._-]{1,255}$/;

/** Throws when something is said that a part of one's own decides, and that would be passed over in silence. */
export function checkBesideOwnParts(scope: IConstruct, props: McpPlatformProps): void {
  const { edge, policy, hostedZone, certificate, mutualTls, jwtValidation, tenantsPath, policyVersion } = props;
  if (edge !== undefined) refuseBeside(scope, 'edge', { hostedZone, certificate, mutualTls, jwtValidation });
  if (policy !== undefined) refuseBeside(scope, 'policy', { tenantsPath, policyVersion });
}

/** Throws unless `trustDomain` can stand in a SPIFFE id; gives it back. */
export function checkTrustDomain(scope: IConstruct, trustDomain: string): string {
  if (cdk.Token.isUnresolved(trustDomain) || isLiteral(trustDomain, trustDomainName)) return trustDomain;
  throw synthError(
    scope,
    `trustDomain is ${shown(trustDomain)}: give 1 to 255 lower-case letters, digits, dots, underscores and hyphens, e.g. "prod.example.com"`,
  );
}
