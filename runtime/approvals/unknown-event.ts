import type { AuditEvent } from '../contract/audit-event.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import type { Answer } from './decide-request.ts';

/** Somebody's act on a question that is not there for their tenant: on that tenant's record, without a word about any question. */
export function unknownEvent(
  event: AuditEvent['event'],
  { approver, requestId, via, verdict }: Pick<Answer, 'approver' | 'requestId' | 'via'> & { readonly verdict: string },
  callId: string,
  nowMs: number,
): AuditEvent {
  const { subject, tenant, kind, roles } = approver;
  return {
    ...blankEvent,
    event,
    time: new Date(nowMs).toISOString(),
    tenant,
    call_id: callId,
    caller: { subject, kind, roles, scopes: [] },
    outcome: 'refused',
    reason: 'There is no such question in this tenant.',
    approval_id: requestId.slice(0, 64),
    detail: { verdict, approver: subject, via },
  };
}
