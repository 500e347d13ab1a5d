import type { RefusalCode } from '../contract/refusal-codes.ts';
import type { JsonRpcId } from '../contract/tool-call.ts';
import type { Refusal } from '../shared/refusal.ts';
import { approvedByHuman } from './served-tool.ts';

interface WireForm {
  readonly status: number;
  /** JSON-RPC error code; ours lie outside -32768..-32000 (MCP basic/index § Error Codes). */
  readonly rpc: number;
  /** `error` of `WWW-Authenticate` (RFC 6750 § 3.1); empty for a challenge without one. */
  readonly challenge?: '' | 'invalid_request' | 'invalid_token' | 'insufficient_scope';
}

/** How a tool server says no. Codes that are not here do not happen in one; they would be answered as a bug. */
const forms: Partial<Record<RefusalCode, WireForm>> = {
  host_not_allowed: { status: 403, rpc: 4038 },
  origin_not_allowed: { status: 403, rpc: 4039 },
  endpoint_not_found: { status: 404, rpc: 4040 },
  method_not_allowed: { status: 405, rpc: 4050 },
  media_type_unsupported: { status: 415, rpc: 4150 },
  encoding_unsupported: { status: 415, rpc: 4151 },
  body_too_large: { status: 413, rpc: 4130 },
  json_malformed: { status: 400, rpc: -32700 },
  json_too_complex: { status: 400, rpc: -32600 },
  json_unsafe: { status: 400, rpc: -32600 },
  message_invalid: { status: 400, rpc: -32600 },
  batch_refused: { status: 400, rpc: -32600 },
  params_invalid: { status: 200, rpc: -32602 },
  credentials_missing: { status: 401, rpc: 4010, challenge: '' },
  credentials_ambiguous: { status: 400, rpc: 4000, challenge: 'invalid_request' },
  token_invalid: { status: 401, rpc: 4011, challenge: 'invalid_token' },
  token_expired: { status: 401, rpc: 4012, challenge: 'invalid_token' },
  audience_mismatch: { status: 401, rpc: 4013, challenge: 'invalid_token' },
  identity_unavailable: { status: 503, rpc: -32603 },
  tool_unknown: { status: 200, rpc: -32602 },
  insufficient_scope: { status: 403, rpc: 4031, challenge: 'insufficient_scope' },
  approval_required: { status: 403, rpc: 4034, challenge: 'insufficient_scope' },
  client_cancelled: { status: 499, rpc: -32603 },
  audit_unavailable: { status: 503, rpc: -32603 },
  shutting_down: { status: 503, rpc: -32603 },
};

const broken: WireForm = { status: 500, rpc: -32603 };

/** A whole HTTP answer. */
export interface RefusalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function statusOf(refusal: Refusal): number {
  return (forms[refusal.code] ?? broken).status;
}

/** `id`: of the refused message, null when none could be read (JSON-RPC 2.0 § 5). */
export function refusalAnswer(refusal: Refusal, id: JsonRpcId | null): RefusalAnswer {
  const form = forms[refusal.code] ?? broken;
  const { scopes } = refusal.details;
  const data = { code: refusal.code, ...(scopes !== undefined && { scopes }) };
  return {
    status: form.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(form.challenge !== undefined && { 'www-authenticate': challengeOf(refusal, form.challenge) }),
      ...(refusal.code === 'method_not_allowed' && { allow: 'POST' }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, error: { code: form.rpc, message: refusal.message, data } }),
  };
}

/** RFC 6750 § 3. `scope` names everything that the operation needs (MCP authorization § Scope Challenge Handling). */
function challengeOf({ code, message, details }: Refusal, error: string): string {
  const needed = code === 'approval_required' ? [...(details.scopes ?? []), approvedByHuman] : details.scopes;
  const parameters = [
    error === '' ? undefined : `error="${error}"`,
    needed === undefined ? undefined : `scope="${[...new Set(needed)].join(' ')}"`,
    error === '' ? undefined : `error_description="${message.replace(/[^\x20-\x7e]|["\\]/g, '')}"`,
  ].filter((parameter) => parameter !== undefined);
  return ['Bearer', parameters.join(', ')].join(' ').trimEnd();
}
