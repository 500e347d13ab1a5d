import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { durationMs, isLiteral, refuseBeside, shown } from './check-props.ts';
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

/** Throws unless people can be told of a question in this time, while there is still somebody who waits for their answer. */
export function checkNoticeTimeout(scope: IConstruct, { noticeTimeout, approvalWait }: McpPlatformProps): void {
  if (noticeTimeout === undefined) return;
  // Above the heartbeat of `ApprovalWorkflow`, which is a minute here.
  const range = { minMs: 120_000, maxMs: 86_400_000, allowed: 'whole seconds from 120 to 86400 (a day)' };
  const noticeS = durationMs(scope, 'noticeTimeout', noticeTimeout, range) / 1000;
  // A token is refused by the gateway's construct.
  if (approvalWait === undefined || approvalWait.isUnresolved()) return;
  const waitS = approvalWait.toSeconds({ integral: false });
  if (noticeS <= waitS) return;
  throw synthError(
    scope,
    `noticeTimeout is ${noticeS} seconds and approvalWait ${waitS}: tell people of a question while they can still answer it`,
  );
}

/** Throws unless `trustDomain` can stand in a SPIFFE id; gives it back. */
export function checkTrustDomain(scope: IConstruct, trustDomain: string): string {
  if (cdk.Token.isUnresolved(trustDomain) || isLiteral(trustDomain, trustDomainName)) return trustDomain;
  throw synthError(
    scope,
    `trustDomain is ${shown(trustDomain)}: give 1 to 255 lower-case letters, digits, dots, underscores and hyphens, e.g. "prod.example.com"`,
  );
}
