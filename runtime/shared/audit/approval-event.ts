import type { ApprovalRequest } from '../../contract/approval.ts';
import type { AuditEvent, AuditEventKind } from '../../contract/audit-event.ts';
import type { JsonObject } from '../../contract/json.ts';
import { blankEvent } from './blank-event.ts';

/** What an event about a question to people says beside the question. */
export interface ApprovalEventParts extends Pick<AuditEvent, 'call_id' | 'caller'> {
  readonly event: Extract<AuditEventKind, `approval_${string}`>;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly outcome?: AuditEvent['outcome'];
  readonly code?: AuditEvent['code'];
  readonly reason?: string;
  /** What the approver decided; `approver` and `via` with it. */
  readonly detail?: JsonObject;
}

/** The event in the words of the question: which call, with which arguments, and why policy wants a yes. */
export function approvalEvent(request: ApprovalRequest, parts: ApprovalEventParts): AuditEvent {
  const { event, nowMs, call_id, caller, outcome = 'ok', code = null, reason = null, detail } = parts;
  return {
    ...blankEvent,
    event,
    time: new Date(nowMs).toISOString(),
    tenant: request.tenant,
    call_id,
    caller,
    client: { id: request.clientId, name: request.clientName ?? null, user_agent: null },
    server: request.server,
    tool: request.tool,
    definition_hash: request.definitionHash,
    arguments: request.arguments,
    arguments_sha256: request.argumentsSha256,
    outcome,
    code,
    reason,
    policy: { revision: request.policyRevision, reasons: request.reasons, obligations: [] },
    approval_id: request.id,
    detail: {
      asked_by: request.subject,
      asked_call_id: request.callId,
      ...(request.closedCallId !== undefined && { closed_call_id: request.closedCallId }),
      state: request.state,
      expires_at: new Date(request.expiresAtMs).toISOString(),
      ...detail,
    },
  };
}
