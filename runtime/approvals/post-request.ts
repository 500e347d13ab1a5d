import type { ApprovalNotice, ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import type { Slack } from './clients/slack.ts';
import { requestCard } from './messages/request-card.ts';
import { type ShowOutcomeDeps, showOutcome } from './show-outcome.ts';
import { shownQuestion } from './shown-question.ts';

export interface PostRequestDeps extends Pick<ShowOutcomeDeps, 'useOf' | 'before'> {
  readonly now: () => number;
  readonly approvals: Pick<ApprovalStore, 'claimNotice' | 'setNotice' | 'find' | 'wholeArguments'>;
  readonly slack: Pick<Slack, 'post' | 'update'>;
  /** Channel whose members approve for a tenant, by its id; undefined: they answer on the page only. */
  readonly channelOf: (tenant: string) => string | undefined;
  /** Where a request stands in full. */
  readonly pageUrl: (id: string) => string;
}

/**
 * Tells the approvers of an open request; one replica does, once. Undefined when another one does or the request is no longer open. Throws
 * SlackFailure, after which the next one may try when the claim has run out, and Refusal `approval_unavailable`.
 */
export async function postRequest(
  request: ApprovalRequest,
  deps: PostRequestDeps,
): Promise<ApprovalNotice | undefined> {
  const channel = deps.channelOf(request.tenant);
  if (channel === undefined || !(await deps.approvals.claimNotice(request.id, deps.now()))) return undefined;
  const question = await shownQuestion(request, deps);
  const notice = await deps.slack.post(channel, requestCard(question, deps.pageUrl(request.id)));
  await deps.approvals.setNotice(request.id, notice);
  // Somebody may have answered on the page while the card waited for its turn; whoever did found no notice to change.
  const current = await deps.approvals.find(request.id, deps.now());
  if (current !== undefined && current.state !== 'open') await showOutcome(current, deps, notice);
  return notice;
}
