/** A column of the record's SQL table. `tenant` is none: a record has it, but so has its partition. */
export interface AuditColumn {
  readonly name: string;
  /** In Hive's words. What may be any JSON is its text. */
  readonly type: string;
  readonly comment: string;
}

/** In the order of `runtime/shared/audit/audit-record.schema.json`; `docs/audit.md` explains each. */
export const auditColumns: readonly AuditColumn[] = [
  { name: 'v', type: 'int', comment: 'version of the record, 1' },
  { name: 'writer', type: 'string', comment: 'the process that wrote it' },
  { name: 'seq', type: 'bigint', comment: 'from 1, without gaps, per writer and tenant' },
  { name: 'prev', type: 'string', comment: 'SHA-256 of the line before' },
  { name: 'event', type: 'string', comment: 'mcp_call, mcp_call_intent, http_refusal, registration, ...' },
  { name: 'time', type: 'string', comment: 'RFC 3339, UTC: from_iso8601_timestamp(time)' },
  { name: 'call_id', type: 'string', comment: 'one a call; an intent and its outcome share it' },
  {
    name: 'caller',
    type: 'struct<subject:string,kind:string,roles:array<string>,scopes:array<string>>',
    comment: 'from the verified token; null before',
  },
  { name: 'client', type: 'struct<id:string,name:string,user_agent:string>', comment: 'id verified, the rest claimed' },
  { name: 'method', type: 'string', comment: 'MCP method' },
  { name: 'server', type: 'string', comment: 'resolved tool server' },
  { name: 'tool', type: 'string', comment: 'resolved tool' },
  { name: 'version', type: 'string', comment: 'resolved version' },
  { name: 'definition_hash', type: 'string', comment: 'pinned definition of the tool' },
  { name: 'arguments', type: 'string', comment: 'JSON, redacted' },
  { name: 'arguments_sha256', type: 'string', comment: 'of the RFC 8785 form of what was sent' },
  { name: 'response', type: 'string', comment: 'JSON, redacted' },
  { name: 'response_sha256', type: 'string', comment: 'of what the tool answered' },
  { name: 'response_bytes', type: 'bigint', comment: 'length of what the tool answered' },
  { name: 'outcome', type: 'string', comment: 'ok, tool_error, refused, failed, cancelled, pending' },
  { name: 'code', type: 'string', comment: 'code of the refusal' },
  { name: 'reason', type: 'string', comment: 'one sentence' },
  { name: 'http_status', type: 'int', comment: 'of the answer' },
  {
    name: 'policy',
    type: 'struct<revision:string,reasons:array<string>,obligations:array<string>>',
    comment: 'what policy said; null before it was asked',
  },
  { name: 'approval_id', type: 'string', comment: 'the grant that was used up' },
  { name: 'redactions', type: 'struct<masked_cells:bigint,pii:map<string,bigint>>', comment: 'what was taken out' },
  { name: 'latency_ms', type: 'map<string,double>', comment: 'by step, and total' },
  { name: 'trace_id', type: 'string', comment: 'W3C trace' },
  { name: 'detail', type: 'string', comment: "JSON, the writer's own words" },
];
