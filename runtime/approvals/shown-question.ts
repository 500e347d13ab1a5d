import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import type { Precedents } from './messages/precedents.ts';
import type { Question } from './messages/question.ts';

export interface ShownQuestionDeps {
  readonly approvals: Pick<ApprovalStore, 'wholeArguments'>;
  /** What people said before; undefined when that cannot be read: no message waits for it. Never rejects. */
  readonly before: (request: ApprovalRequest) => Promise<Precedents | undefined>;
}

/** A request as messages show it. Throws Refusal `approval_unavailable`. */
export async function shownQuestion(
  request: ApprovalRequest,
  { approvals, before }: ShownQuestionDeps,
): Promise<Question> {
  const [whole, precedents] = await Promise.all([approvals.wholeArguments(request), before(request)]);
  return { ...request, arguments: whole ?? request.arguments, isAbridged: whole === undefined, before: precedents };
}
