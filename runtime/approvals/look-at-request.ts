import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApproverPolicy } from '../shared/policy-client.ts';
import type { Approver } from './decide-request.ts';
import { mayAnswer } from './may-answer.ts';

/** What a person sees of a question: nothing, or all of it, with or without a say. */
export type Look =
  /** `unknown`: none of this person's tenant. `no-approver`: of the tenant, but a matter of others. */
  | { readonly kind: 'unknown' | 'no-approver' }
  /** `reasons`: why this person has no say, policy's codes; empty: the person has one. `mayOpenWindow`: also to the window that is offered. */
  | {
      readonly kind: 'seen';
      readonly isOwn: boolean;
      readonly reasons: readonly string[];
      readonly mayOpenWindow: boolean;
    };

export interface LookDeps {
  readonly policy: ApproverPolicy;
  readonly now: () => number;
}

/** Without these nobody sees the questions of others. */
const unseen: ReadonlySet<string> = new Set(['approver_role_missing', 'approver_not_a_person', 'tenant_unknown']);

/**
 * Policy decides here too, so that nobody is shown a button that would be refused; it is asked once more when the answer comes. Throws
 * Refusal `policy_unavailable`.
 */
export function lookAtRequest(request: ApprovalRequest | undefined, person: Approver, deps: LookDeps): Look {
  if (request === undefined || request.tenant !== person.tenant) return { kind: 'unknown' };
  const { allow, reasons } = mayAnswer(request, person, deps);
  const isOwn = request.subject === person.subject;
  if (!isOwn && reasons.some((reason) => unseen.has(reason))) return { kind: 'no-approver' };
  const mayOpenWindow = allow && request.window !== undefined && mayAnswer(request, person, deps, 'window').allow;
  return { kind: 'seen', isOwn, reasons: allow || reasons.length > 0 ? reasons : ['policy_denied'], mayOpenWindow };
}
