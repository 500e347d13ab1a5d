import type { JsonObject } from '../../contract/json.ts';
import { errorMetaKey, type RefusalCode } from '../../contract/refusal-codes.ts';
import type { JsonRpcId } from '../../contract/tool-call.ts';
import type { Refusal } from '../../shared/refusal.ts';

/** How one refusal looks on the wire. This file alone knows it. */
interface WireForm {
  readonly status: number;
  /** JSON-RPC error code; `result` when the model should read it and correct itself. */
  readonly rpc: number | 'result';
  /** MCP before 2026-07-28 answers protocol errors with 200; its clients take 404 for an ended connection. */
  readonly legacyStatus?: number;
  /** Adds `WWW-Authenticate` with this error; empty for a challenge without one (RFC 6750 § 3.1). */
  readonly challenge?: string;
}

// Codes of our own lie outside -32768..-32000 (MCP basic/index § Error Codes): the status, and one digit.
const forms = {
  host_not_allowed: { status: 403, rpc: 4038 },
  origin_not_allowed: { status: 403, rpc: 4039 },
  endpoint_not_found: { status: 404, rpc: 4040 },
  method_not_allowed: { status: 405, rpc: 4050 },
  media_type_unsupported: { status: 415, rpc: 4150 },
  not_acceptable: { status: 406, rpc: 4060 },
  body_too_large: { status: 413, rpc: 4130 },
  encoding_unsupported: { status: 415, rpc: 4151 },
  json_malformed: { status: 400, rpc: -32700 },
  json_too_complex: { status: 400, rpc: -32600 },
  json_unsafe: { status: 400, rpc: -32600 },
  message_invalid: { status: 400, rpc: -32600 },
  batch_refused: { status: 400, rpc: -32600 },
  header_mismatch: { status: 400, rpc: -32020 },
  version_unsupported: { status: 400, rpc: -32022 },
  envelope_missing: { status: 400, rpc: -32602 },
  capability_missing: { status: 400, rpc: -32021 },
  method_not_found: { status: 404, rpc: -32601, legacyStatus: 200 },
  params_invalid: { status: 200, rpc: -32602 },

  credentials_missing: { status: 401, rpc: 4010, challenge: '' },
  credentials_ambiguous: { status: 400, rpc: 4000, challenge: 'invalid_request' },
  token_invalid: { status: 401, rpc: 4011, challenge: 'invalid_token' },
  token_expired: { status: 401, rpc: 4012, challenge: 'invalid_token' },
  audience_mismatch: { status: 401, rpc: 4013, challenge: 'invalid_token' },
  identity_unavailable: { status: 503, rpc: -32603 },

  server_unknown: { status: 404, rpc: 4041 },
  tool_unknown: { status: 200, rpc: -32602 },
  version_sunset: { status: 410, rpc: 4100 },
  tool_disabled: { status: 403, rpc: 4032 },
  tool_quarantined: { status: 403, rpc: 4033 },
  catalogue_unavailable: { status: 503, rpc: -32603 },

  insufficient_scope: { status: 403, rpc: 4031, challenge: 'insufficient_scope' },
  policy_denied: { status: 403, rpc: 4030 },
  policy_unavailable: { status: 503, rpc: -32603 },
  obligation_unknown: { status: 500, rpc: -32603 },

  quota_exceeded: { status: 429, rpc: 4290 },
  quota_unavailable: { status: 503, rpc: -32603 },

  arguments_invalid: { status: 200, rpc: 'result' },
  approval_required: { status: 200, rpc: 'result' },
  approval_unavailable: { status: 503, rpc: -32603 },

  upstream_unavailable: { status: 502, rpc: -32603 },
  upstream_timeout: { status: 504, rpc: -32603 },
  upstream_invalid: { status: 502, rpc: -32603 },
  upstream_too_large: { status: 502, rpc: -32603 },
  upstream_refused: { status: 502, rpc: -32603 },
  client_cancelled: { status: 499, rpc: -32603 },
  redaction_failed: { status: 502, rpc: -32603 },
  audit_unavailable: { status: 503, rpc: -32603 },

  manifest_invalid: { status: 422, rpc: 4220 },
  declaration_invalid: { status: 422, rpc: 4222 },
  definition_changed: { status: 409, rpc: 4091 },
  name_taken: { status: 409, rpc: 4090 },
  address_not_allowed: { status: 422, rpc: 4221 },
  shutting_down: { status: 503, rpc: -32603 },
  internal_error: { status: 500, rpc: -32603 },
} as const satisfies Record<RefusalCode, WireForm>;

/** What of a message its refusal depends on. */
export interface RefusedMessage {
  readonly id: JsonRpcId | undefined;
  readonly method: string | undefined;
  readonly isModern: boolean;
  /** Where RFC 9728 metadata of this door is; undefined off MCP doors. */
  readonly metadataUrl: string | undefined;
  /** Scopes that the door's 401 suggests. */
  readonly doorScopes: readonly string[];
}

/** A whole HTTP answer. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Undefined: no body. */
  readonly body: string | undefined;
}

export function refusalAnswer(refusal: Refusal, message: RefusedMessage): WireAnswer {
  const form: WireForm = forms[refusal.code];
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  const { retryAfterMs, guideUrl } = refusal.details;
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  if (form.challenge !== undefined) headers['www-authenticate'] = challengeOf(refusal, form.challenge, message);
  if (refusal.code === 'method_not_allowed') headers.allow = 'POST';
  if (guideUrl !== undefined) headers.link = `<${encodeURI(guideUrl)}>; rel="deprecation"; type="text/html"`;
  return {
    status: message.isModern ? form.status : (form.legacyStatus ?? form.status),
    headers,
    body: JSON.stringify(refusalMessage(refusal, message)),
  };
}

/** The JSON-RPC answer of a refusal, for an event stream that has begun. Its id is null when none could be read (JSON-RPC 2.0 § 5). */
export function refusalMessage(refusal: Refusal, message: RefusedMessage): JsonObject {
  const form: WireForm = forms[refusal.code];
  const id = message.id ?? null;
  if (form.rpc === 'result') return { jsonrpc: '2.0', id, result: refusalResult(refusal, message.isModern) };
  return {
    jsonrpc: '2.0',
    id,
    error: { code: form.rpc, message: refusal.message, data: dataOf(refusal) },
  };
}

/** The HTTP status of a refusal, for the record. */
export function statusOf(refusal: Refusal, isModern: boolean): number {
  const form: WireForm = forms[refusal.code];
  return isModern ? form.status : (form.legacyStatus ?? form.status);
}

/** True when it is our side or the upstream's that broke, not the caller's message. */
export function isFailure(code: RefusalCode): boolean {
  return forms[code].status >= 500;
}

/** MCP server/tools § Error Handling: what the model can mend is a result, in words; the details are for programs. */
function refusalResult(refusal: Refusal, isModern: boolean): JsonObject {
  const { violations } = refusal.details;
  const lines = violations === undefined ? refusal.message : `${refusal.message}\n- ${violations.join('\n- ')}`;
  return {
    ...(isModern && { resultType: 'complete' }),
    content: [{ type: 'text', text: lines }],
    isError: true,
    _meta: { [errorMetaKey]: { message: refusal.message, ...dataOf(refusal) } },
  };
}

function dataOf(refusal: Refusal): JsonObject {
  const { retryAfterMs, scopes, policyReasons, violations, data, guideUrl } = refusal.details;
  return {
    code: refusal.code,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(scopes !== undefined && { scopes }),
    ...(policyReasons !== undefined && { reasons: policyReasons }),
    ...(violations !== undefined && { violations }),
    ...(guideUrl !== undefined && { guideUrl }),
    ...(data as JsonObject | undefined),
  };
}

function challengeOf(refusal: Refusal, error: string, message: RefusedMessage): string {
  const scopes = refusal.details.scopes ?? message.doorScopes;
  const parts = [
    ...(error === '' ? [] : [`error="${error}"`, `error_description="${quoted(refusal.message)}"`]),
    ...(scopes.length === 0 ? [] : [`scope="${quoted(scopes.join(' '))}"`]),
    ...(message.metadataUrl === undefined ? [] : [`resource_metadata="${quoted(message.metadataUrl)}"`]),
  ];
  return `Bearer ${parts.join(', ')}`;
}

/** RFC 6750 § 3: printable ASCII without quote and backslash. */
function quoted(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '');
}
