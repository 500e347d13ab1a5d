import type { Json, JsonObject } from './json.ts';
import type { RefusalCode } from './refusal-codes.ts';

/** What an audit record is about. Snake case: auditors read these names in SQL. */
export type AuditEventKind =
  /** One MCP message, with its outcome. */
  | 'mcp_call'
  /** Durable before `forward` for a tool that changes something; its `mcp_call` follows with the same `call_id`. */
  | 'mcp_call_intent'
  /** A message refused before it was read as MCP. */
  | 'http_refusal'
  /** Refusals of unknown callers beyond those that were recorded one by one, counted by code in `detail`. */
  | 'refusals_summary'
  /** A server registered, refused, or quarantined. */
  | 'registration'
  /** Somebody's call opened a question to people. */
  | 'approval_requested'
  /** A person answered, or tried to: `pending` before the answer is stored, then `ok` when it stands and `refused` when not. */
  | 'approval_decided'
  /** A question that nobody answered in time, or that nobody could be told of. */
  | 'approval_expired'
  /** A person took a yes back that was not used up, or tried to: `pending` before, then `ok` when it holds no more and `refused` when not. */
  | 'approval_revoked'
  /** Whoever asked no longer needs an answer, or somebody else said so: outcomes as above. */
  | 'approval_withdrawn'
  | 'writer_started'
  | 'writer_recovered'
  | 'writer_closed';

/** `ok`; `tool_error`: the tool said isError; `refused`: a no of ours; `cancelled`: the client left; `pending`: an intent. */
export type AuditOutcome = 'ok' | 'tool_error' | 'refused' | 'failed' | 'cancelled' | 'pending';

/** One event as its writer is given it. `seq` and `prev` are added when it is chained. */
export interface AuditEvent {
  readonly event: AuditEventKind;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** `_unknown` before a caller is known. */
  readonly tenant: string;
  readonly call_id: string;
  readonly caller: {
    readonly subject: string;
    readonly kind: string;
    readonly roles: readonly string[];
    /** What the token allowed, whether this call needed it or not. */
    readonly scopes: readonly string[];
  } | null;
  readonly client: {
    readonly id: string | null;
    readonly name: string | null;
    readonly user_agent: string | null;
  } | null;
  readonly method: string | null;
  readonly server: string | null;
  readonly tool: string | null;
  readonly version: string | null;
  readonly definition_hash: string | null;
  /** Redacted; never what was sent. Null when there were none or they could not be redacted. */
  readonly arguments: Json;
  readonly arguments_sha256: string | null;
  /** Redacted and cut to a bound. */
  readonly response: Json;
  readonly response_sha256: string | null;
  readonly response_bytes: number | null;
  readonly outcome: AuditOutcome;
  readonly code: RefusalCode | null;
  /** One sentence. */
  readonly reason: string | null;
  readonly http_status: number | null;
  readonly policy: {
    readonly revision: string;
    readonly reasons: readonly string[];
    readonly obligations: readonly string[];
  } | null;
  /** Of the grant that was used, or of the question that it is about. */
  readonly approval_id: string | null;
  readonly redactions: { readonly masked_cells: number; readonly pii: Readonly<Record<string, number>> } | null;
  /** Milliseconds by step, and `total`. */
  readonly latency_ms: Readonly<Record<string, number>>;
  readonly trace_id: string | null;
  /** What the writer itself has to say: of a recovery, that a long event was cut, what was counted. Null for most. */
  readonly detail?: JsonObject | null;
}

/** One line of an audit file: an event in its chain. */
export interface AuditRecord extends AuditEvent {
  readonly v: 1;
  readonly writer: string;
  /** From 1, without gaps, per writer and tenant. */
  readonly seq: number;
  /** SHA-256 (hex) of the previous line's bytes without its newline; 64 zeros for the first. */
  readonly prev: string;
}
