import type { JsonObject } from '../../contract/json.ts';
import { errorMetaKey, type RefusalCode } from '../../contract/refusal-codes.ts';
import type { JsonRpcId } from '../../contract/tool-call.ts';
import type { Refusal } from '../../shared/refusal.ts';
import { formOf, refusalForms } from '../../shared/refusal-forms.ts';

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
  const form = formOf(refusal);
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
  const form = formOf(refusal);
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
  const form = formOf(refusal);
  return isModern ? form.status : (form.legacyStatus ?? form.status);
}

/** True when it is our side or the upstream's that broke, not the caller's message. */
export function isFailure(code: RefusalCode): boolean {
  return refusalForms[code].status >= 500;
}

/** MCP server/tools § Error Handling: what the model can mend is a result, in words; the details are for programs. */
function refusalResult(refusal: Refusal, isModern: boolean): JsonObject {
  const { violations, input, isStructured = false } = refusal.details;
  const lines = violations === undefined ? refusal.message : `${refusal.message}\n- ${violations.join('\n- ')}`;
  const told = { message: refusal.message, ...dataOf(refusal) };
  const _meta = { [errorMetaKey]: told };
  if (isModern && input !== undefined)
    return { resultType: 'input_required', ...input, _meta } as unknown as JsonObject;
  return {
    ...(isModern && { resultType: 'complete' }),
    content: [{ type: 'text', text: lines }],
    ...(isStructured && { structuredContent: told }),
    isError: true,
    _meta,
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
