import type { ApprovalNotice, ApprovalRequest } from '../contract/approval.ts';
import { grantLifetimeMaxMs } from '../shared/grant-store.ts';
import type { Slack } from './clients/slack.ts';
import type { GrantUse } from './messages/grant-use.ts';
import { type Outcome, outcomeCard, yesAt } from './messages/outcome-card.ts';
import { type ShownQuestionDeps, shownQuestion } from './shown-question.ts';

export interface ShowOutcomeDeps extends ShownQuestionDeps {
  readonly now: () => number;
  /** What became of a yes; undefined when that cannot be read, or it is none. Never rejects. */
  readonly useOf: (request: ApprovalRequest) => Promise<GrantUse | undefined>;
  readonly slack: Pick<Slack, 'update'>;
}

/**
 * Shows everybody how a closed request ended, on the card that it was told by, or on `at`. Does nothing for an open one, or one that nobody was
 * told of. Throws SlackFailure, and Refusal `approval_unavailable`.
 */
export async function showOutcome(
  request: ApprovalRequest,
  deps: ShowOutcomeDeps,
  at: ApprovalNotice | undefined = request.notice,
): Promise<void> {
  if (request.state === 'open' || at === undefined) return;
  const outcome = outcomeOf(request, await deps.useOf(request), deps.now());
  if (outcome === undefined) return;
  await deps.slack.update(at, outcomeCard(await shownQuestion(request, deps), outcome));
}

export function outcomeOf(
  { state, closedAtMs, expiresAtMs, decision }: ApprovalRequest,
  use: GrantUse | undefined,
  nowMs: number,
): Outcome | undefined {
  const atMs = closedAtMs ?? expiresAtMs;
  switch (state) {
    case 'open':
      return undefined;
    case 'approved':
      return {
        state,
        by: decision?.approver ?? '',
        atMs,
        ...yesAt(use, atMs + grantLifetimeMaxMs, nowMs),
      };
    case 'denied':
      return { state, by: decision?.approver ?? '', atMs, reason: decision?.reason ?? '' };
    default:
      return { state, atMs };
  }
}
