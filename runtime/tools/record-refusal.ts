import type { AuditEvent } from '../contract/audit-event.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { type Refusal, reasonOf } from '../shared/refusal.ts';
import { statusOf } from './refusal-answer.ts';
import type { ToolCaller } from './served-tool.ts';

/** What was known of a message when it was refused. */
export interface RefusedMessage {
  readonly callId: string;
  /** Undefined before the token was verified. */
  readonly caller: ToolCaller | undefined;
  readonly method: string | undefined;
  readonly tool: string | undefined;
  readonly userAgent: string | undefined;
  readonly traceId: string | undefined;
  readonly startedAtMs: number;
}

/** The audit event of a refusal. Nothing of the message's content goes in: it may be anybody's. */
export function refusalEvent(refusal: Refusal, message: RefusedMessage, server: string, nowMs: number): AuditEvent {
  const { caller } = message;
  return {
    ...blankEvent,
    event: 'http_refusal',
    time: new Date(nowMs).toISOString(),
    tenant: caller?.tenant ?? '_unknown',
    call_id: message.callId,
    caller:
      caller === undefined ? null : { subject: caller.subject, kind: 'upstream', roles: [], scopes: caller.scopes },
    client: { id: caller?.clientId ?? null, name: null, user_agent: message.userAgent?.slice(0, 256) ?? null },
    method: message.method?.slice(0, 128) ?? null,
    server,
    tool: message.tool ?? null,
    outcome: 'refused',
    code: refusal.code,
    reason: reasonOf(refusal),
    http_status: statusOf(refusal),
    latency_ms: { total: Math.max(0, nowMs - message.startedAtMs) },
    trace_id: message.traceId ?? null,
  };
}
