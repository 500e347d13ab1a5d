import type { AuditEvent } from '../contract/audit-event.ts';
import type { Caller } from '../contract/caller.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { type Refusal, reasonOf } from '../shared/refusal.ts';
import type { GatewayDeps } from './deps.ts';
import { appendDurably, outcomeOf, recordedCaller, since } from './record-parts.ts';

/** For messages that were refused before they were read: one `http_refusal` event, durable before the answer. */
export async function recordHttpRefusal(
  about: {
    readonly callId: string;
    readonly userAgent: string | undefined;
    readonly traceId: string | null;
    readonly caller: Caller | undefined;
    readonly method: string | null;
    readonly server: string | null;
    readonly startedMs: number;
    readonly status: number;
  },
  refusal: Refusal,
  deps: GatewayDeps,
): Promise<void> {
  const event: AuditEvent = {
    ...blankEvent,
    event: 'http_refusal',
    time: new Date(deps.now()).toISOString(),
    tenant: about.caller?.tenant ?? '_unknown',
    call_id: about.callId,
    caller: about.caller === undefined ? null : recordedCaller(about.caller),
    client: {
      id: about.caller?.clientId ?? null,
      name: null,
      user_agent: about.userAgent?.slice(0, 256) ?? null,
    },
    method: about.method,
    server: about.server,
    outcome: outcomeOf(refusal),
    code: refusal.code,
    reason: reasonOf(refusal),
    http_status: about.status,
    latency_ms: { total: since(about.startedMs) },
    trace_id: about.traceId,
  };
  deps.metrics.observe({ ...event, method: null });
  await appendDurably(event, deps);
}
