import type { ApprovalNotice, ApprovalRequest } from '../contract/approval.ts';
import { grantLifetimeMaxMs } from '../shared/grant-store.ts';
import type { Slack } from './clients/slack.ts';
import { type Outcome, outcomeCard } from './messages/outcome-card.ts';
import type { Precedents } from './messages/precedents.ts';

export interface ShowOutcomeDeps {
  readonly slack: Pick<Slack, 'update'>;
  /** What people said before; undefined when that cannot be read. Never rejects. */
  readonly before: (request: ApprovalRequest) => Promise<Precedents | undefined>;
}

/**
 * Shows everybody how a closed request ended, on the card that it was told by, or on `at`. Does nothing for an open one, or one that nobody was
 * told of. Throws SlackFailure.
 */
export async function showOutcome(
  request: ApprovalRequest,
  { slack, before }: ShowOutcomeDeps,
  at: ApprovalNotice | undefined = request.notice,
): Promise<void> {
  const outcome = outcomeOf(request);
  if (outcome === undefined || at === undefined) return;
  await slack.update(at, outcomeCard({ ...request, before: await before(request) }, outcome));
}

export function outcomeOf({ state, closedAtMs, expiresAtMs, decision }: ApprovalRequest): Outcome | undefined {
  const atMs = closedAtMs ?? expiresAtMs;
  switch (state) {
    case 'open':
      return undefined;
    case 'approved':
      return { state, by: decision?.approver ?? '', atMs, usableUntilMs: atMs + grantLifetimeMaxMs };
    case 'denied':
      return { state, by: decision?.approver ?? '', atMs, reason: decision?.reason ?? '' };
    default:
      return { state, atMs };
  }
}
