import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RefusalCode } from '../contract/refusal-codes.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { unknownTenant } from '../shared/audit/limit-strangers.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import { Refusal } from '../shared/refusal.ts';
import type { Approver } from './decide-request.ts';

/** A form that was sent to the page and is nobody's answer. */
export interface RefusedForm {
  readonly request: IncomingMessage;
  /** Path without the query. */
  readonly path: string;
  /** Who is signed in, if anybody. */
  readonly person: Approver | undefined;
  readonly status: number;
  readonly code: RefusalCode;
  /** One sentence for the record. */
  readonly reason: string;
}

/** Notes it before it is answered. Throws Refusal `audit_unavailable`. */
export async function recordRefusedForm(
  { request, path, person, status, code, reason }: RefusedForm,
  deps: { readonly now: () => number; readonly audit: Pick<AuditWriter, 'append'> },
): Promise<void> {
  const id = /^\/approvals\/([\w-]{22})(\/|$)/.exec(path)?.[1];
  try {
    await deps.audit.append({
      ...blankEvent,
      event: 'http_refusal',
      time: new Date(deps.now()).toISOString(),
      tenant: person?.tenant ?? unknownTenant,
      call_id: randomUUID(),
      caller: person === undefined ? null : { ...callerOf(person), scopes: [] },
      client: { id: null, name: null, user_agent: request.headers['user-agent']?.slice(0, 256) ?? null },
      method: id === undefined ? 'POST /approvals' : 'POST /approvals/{id}',
      outcome: 'refused',
      code,
      reason,
      http_status: status,
      approval_id: id ?? null,
    });
  } catch (cause) {
    throw new Refusal('audit_unavailable', {}, { cause });
  }
}

function callerOf({ subject, kind, roles }: Approver) {
  return { subject, kind, roles };
}
