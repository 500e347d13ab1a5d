import type { ApprovalRequest } from '../contract/approval.ts';
import type { Approver } from './decide-request.ts';
import { type LookDeps, lookAtRequest } from './look-at-request.ts';

/** True for somebody who may look at the questions of everybody in the own tenant: whoever might answer one. Throws Refusal `policy_unavailable`. */
export function seesAll(person: Approver, deps: LookDeps): boolean {
  return lookAtRequest(ofNobody(person.tenant, deps.now()), person, deps).kind === 'seen';
}

/** A question that nobody asked, about nothing. */
function ofNobody(tenant: string, nowMs: number): ApprovalRequest {
  return {
    id: '',
    tenant,
    subject: '',
    clientId: '',
    server: '',
    tool: '',
    definitionHash: '',
    argumentsSha256: '',
    policyRevision: '',
    callId: '',
    clientName: undefined,
    words: '',
    arguments: {},
    reasons: [],
    openedAtMs: nowMs,
    expiresAtMs: nowMs + 1,
    state: 'open',
    closedAtMs: undefined,
    decision: undefined,
    notice: undefined,
  };
}
