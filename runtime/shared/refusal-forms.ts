import type { RefusalCode } from '../contract/refusal-codes.ts';
import type { Refusal } from './refusal.ts';

/** How one refusal looks on the wire. */
export interface RefusalForm {
  readonly status: number;
  /** JSON-RPC error code; `result` when the model should read it and correct itself. */
  readonly rpc: number | 'result';
  /** MCP before 2026-07-28 answers protocol errors with 200; its clients take 404 for an ended connection. */
  readonly legacyStatus?: number;
  /** Adds `WWW-Authenticate` with this error; empty for a challenge without one (RFC 6750 § 3.1). */
  readonly challenge?: string;
}

/**
 * Every refusal's form, for every service; no other file knows a status of a refusal. Codes of our own lie outside -32768..-32000 (MCP
 * basic/index § Error Codes): the status, and one digit.
 */
export const refusalForms: Readonly<Record<RefusalCode, RefusalForm>> = {
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
  approval_denied: { status: 200, rpc: 'result' },
  arguments_unshowable: { status: 200, rpc: 'result' },
  request_state_invalid: { status: 200, rpc: -32602 },
  approval_unavailable: { status: 503, rpc: -32603 },

  signing_unavailable: { status: 503, rpc: -32603 },
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
  signature_invalid: { status: 401, rpc: 4014 },
  signature_stale: { status: 401, rpc: 4015 },
  message_replayed: { status: 409, rpc: 4092 },
  approver_unknown: { status: 403, rpc: 4035 },

  address_not_allowed: { status: 422, rpc: 4221 },
  shutting_down: { status: 503, rpc: -32603 },
  internal_error: { status: 500, rpc: -32603 },
};

/** `approval_required` where it is a scope that the token lacks, not a word to the model: at a tool server, and where clients step up. */
export const missingApprovalForm: RefusalForm = { status: 403, rpc: 4034, challenge: 'insufficient_scope' };

/** The form of one refusal. */
export function formOf({ code, details }: Refusal): RefusalForm {
  return details.isChallenge === true ? missingApprovalForm : refusalForms[code];
}
