import type { ApprovalDecision, ApprovalQuestion, ApprovalRequest } from '../../runtime/contract/approval.ts';

/** A question with everything that a test does not care about filled in. */
export function sampleQuestion(changes: Partial<ApprovalQuestion> = {}): ApprovalQuestion {
  return {
    tenant: 'acme',
    subject: 'user-1',
    clientId: 'client-1',
    server: 'write',
    tool: 'postgres.write',
    definitionHash: 'd'.repeat(64),
    argumentsSha256: 'a'.repeat(64),
    policyRevision: 'abcdefabcdef',
    callId: 'call-1',
    clientName: 'a client',
    words: 'Deletes order 1.',
    arguments: { sql: 'delete from orders where id = 1' },
    reasons: ['destructive_tool'],
    ...changes,
  };
}

/** An open one. */
export function sampleRequest(changes: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    ...sampleQuestion(),
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    openedAtMs: 1_795_000_000_000,
    expiresAtMs: 1_795_086_400_000,
    state: 'open',
    closedAtMs: undefined,
    decision: undefined,
    notice: undefined,
    ...changes,
  };
}

/** A yes with everything that a test does not care about filled in. */
export function sampleDecision(changes: Partial<ApprovalDecision> = {}): ApprovalDecision {
  return { verdict: 'approve', approver: 'approver-1', reason: undefined, via: 'page', ...changes };
}
