import { hash } from 'node:crypto';
import type { AuditEvent, AuditOutcome } from '../contract/audit-event.ts';
import type { Caller } from '../contract/caller.ts';
import type { Allowed } from '../contract/decision.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Elevation, Redactions } from '../contract/receipts.ts';
import type { McpMessage } from '../contract/tool-call.ts';
import { canonicalSha256 } from '../shared/canonical-json.ts';
import { Refusal } from '../shared/refusal.ts';
import type { GatewayDeps } from './deps.ts';
import { recordable } from './recordable.ts';
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
  return typeof info?.name === 'string' ? info.name.slice(0, 128).toWellFormed() : null;
}

/** Policy's yes, and what it demands. */
export function recordedPolicy({ revision, reasons, obligations }: Allowed): AuditEvent['policy'] {
  return { revision, reasons, obligations: obligations.map(({ type }) => type) };
}

/** What was sent, redacted; `sha256` is that of the arguments where they were checked. */
export function argumentFields(
  { method, params }: Pick<McpMessage, 'method' | 'params'>,
  sha256: string | undefined,
  redactJson: GatewayDeps['redactJson'],
): Pick<AuditEvent, 'arguments' | 'arguments_sha256'> {
  const { _meta, ...rest } = params;
  const value = method === 'tools/call' ? params.arguments : rest;
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)) {
    return { arguments: null, arguments_sha256: sha256 ?? null };
  }
  return { arguments: recordable(value, redactJson), arguments_sha256: sha256 ?? canonicalSha256(value) };
}

/** What was answered, redacted; `text` is what is sent. */
export function responseFields(
  result: JsonObject,
  text: string,
  redactJson: GatewayDeps['redactJson'],
): Pick<AuditEvent, 'response' | 'response_sha256' | 'response_bytes'> {
  return {
    response: recordable(result, redactJson),
    response_sha256: hash('sha256', text, 'hex'),
    response_bytes: Buffer.byteLength(text),
  };
}

/** The receipt of a yes, and of one to several calls, which of them this is. */
export function approvalFields(elevation: Elevation | undefined): Partial<Pick<AuditEvent, 'approval_id' | 'detail'>> {
  if (elevation?.kind !== 'granted') return {};
  const { receipt, grant, use } = elevation;
  const of = use === undefined ? {} : { approval_use: use, approval_calls_max: grant.calls?.max ?? null };
  return { approval_id: grant.id, detail: { approval_receipt: receipt, ...of } };
}
