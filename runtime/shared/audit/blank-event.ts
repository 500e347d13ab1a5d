import type { AuditEvent } from '../../contract/audit-event.ts';

/** An event that says nothing yet. Whoever records spreads it and sets what is known, so that no column is forgotten. */
export const blankEvent: Omit<AuditEvent, 'event' | 'time' | 'tenant' | 'call_id'> = {
  caller: null,
  client: null,
  method: null,
  server: null,
  tool: null,
  version: null,
  definition_hash: null,
  arguments: null,
  arguments_sha256: null,
  response: null,
  response_sha256: null,
  response_bytes: null,
  outcome: 'ok',
  code: null,
  reason: null,
  http_status: null,
  policy: null,
  approval_id: null,
  redactions: null,
  latency_ms: {},
  trace_id: null,
};
