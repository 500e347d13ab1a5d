import type { AuditEvent, AuditEventKind } from '../../contract/audit-event.ts';
import type { JsonObject } from '../../contract/json.ts';
import { segmentTenant } from './audit-layout.ts';
import { blankEvent } from './blank-event.ts';

export type WriterEventKind = Extract<AuditEventKind, 'writer_started' | 'writer_recovered' | 'writer_closed'>;

/** What a writer itself has to say, in the chain of a tenant segment. `run` is one per opening. */
export function writerEvent(
  event: WriterEventKind,
  segment: string,
  about: { readonly run: string; readonly nowMs: number; readonly detail: JsonObject | null },
): AuditEvent {
  return {
    ...blankEvent,
    event,
    time: new Date(about.nowMs).toISOString(),
    tenant: segmentTenant(segment) as string,
    call_id: about.run,
    detail: about.detail,
  };
}
