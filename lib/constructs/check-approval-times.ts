import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type DurationRange, durationMs } from './check-props.ts';
import type { McpPlatformProps } from './mcp-platform-props.ts';
import { synthError } from './synth-error.ts';

// Both begin above the heartbeat of `ApprovalWorkflow`, which is a minute here.
const waitRange: DurationRange = {
  minMs: 120_000,
  maxMs: 604_800_000,
  stepMs: 1000,
  allowed: 'whole seconds from 120 to 604800 (7 days)',
};
const noticeRange: DurationRange = {
  minMs: 120_000,
  maxMs: 86_400_000,
  stepMs: 1000,
  allowed: 'whole seconds from 120 to 86400 (a day)',
};
const usualNoticeMs = 3_600_000;

/** Milliseconds that people have to answer a question; throws unless somebody could. */
export function approvalWaitMs(scope: IConstruct, approvalWait: cdk.Duration): number {
  return durationMs(scope, 'approvalWait', approvalWait, waitRange);
}

/** How long telling people of a question may take. Throws unless there is still somebody then who waits for their answer. */
export function noticeTimeoutOf(scope: IConstruct, props: McpPlatformProps): cdk.Duration {
  const { noticeTimeout, approvalWait = cdk.Duration.days(1) } = props;
  const waitMs = approvalWaitMs(scope, approvalWait);
  if (noticeTimeout === undefined) return cdk.Duration.millis(Math.min(usualNoticeMs, waitMs));
  const noticeMs = durationMs(scope, 'noticeTimeout', noticeTimeout, noticeRange);
  if (noticeMs <= waitMs) return noticeTimeout;
  throw synthError(
    scope,
    `noticeTimeout is ${noticeMs / 1000} seconds and approvalWait ${waitMs / 1000}: tell people of a question while they can still answer it`,
  );
}
