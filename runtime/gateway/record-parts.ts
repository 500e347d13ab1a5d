import type { AuditEvent, AuditOutcome } from '../contract/audit-event.ts';
import type { Caller } from '../contract/caller.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Redactions } from '../contract/receipts.ts';
import { Refusal } from '../shared/refusal.ts';
import type { GatewayDeps } from './deps.ts';
import { metaKeys } from './transport/protocol-versions.ts';
import { isFailure } from './transport/wire-errors.ts';

/** Resolves once the event is durable. Throws Refusal `audit_unavailable`: what cannot be recorded is not answered. */
export async function appendDurably(event: AuditEvent, deps: Pick<GatewayDeps, 'audit'>): Promise<void> {
  try {
    await deps.audit.append(event);
  } catch (cause) {
    throw new Refusal('audit_unavailable', {}, { cause });
  }
}

export function outcomeOf(refusal: Refusal): AuditOutcome {
  if (refusal.code === 'client_cancelled') return 'cancelled';
  return isFailure(refusal.code) ? 'failed' : 'refused';
}

/** What the auditor reads: the caller's sentence, and what the caller is not told. */
export function reasonOf({ message, details }: Refusal): string {
  return details.privateDetail === undefined ? message : `${message} (${details.privateDetail})`;
}

/** Milliseconds since `started` of `performance.now()`. */
export function since(started: number): number {
  return round(performance.now() - started);
}

/** To microseconds. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** The caller as the record names it. */
export function recordedCaller({ subject, kind, roles, scopes }: Caller): NonNullable<AuditEvent['caller']> {
  return { subject, kind, roles, scopes };
}

/** What redaction did, as the record has it. */
export function redactionFields(redactions: Redactions): AuditEvent['redactions'] {
  return { masked_cells: redactions.maskedCells, pii: redactions.pii };
}

/** What the client calls itself; nothing is decided on it. */
export function clientName(params: JsonObject): string | null {
  const meta = params._meta as JsonObject | undefined;
  const info = (meta?.[metaKeys.clientInfo] ?? params.clientInfo) as JsonObject | undefined;
  return typeof info?.name === 'string' ? info.name.slice(0, 128) : null;
}
