import type { Caller } from '../../contract/caller.ts';
import type { Allowed } from '../../contract/decision.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Era, McpMessage } from '../../contract/tool-call.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { UpstreamAnswer } from '../clients/upstream.ts';
import type { GatewayDeps } from '../deps.ts';
import type { SafeReply } from '../safe-reply.ts';
import { redact } from './redact.ts';

/** Makes an upstream answer safe and fit for this caller. Throws Refusal `redaction_failed`, whatever went wrong inside: then nothing leaves. */
export function redactAnswer(
  answer: UpstreamAnswer,
  message: McpMessage,
  caller: Caller,
  allowed: Allowed,
  deps: GatewayDeps,
): SafeReply {
  const { era, params } = message;
  const body = answer.kind === 'result' ? finish(answer.body, era) : rpcError(answer.body);
  const sent = message.method === 'tools/call' ? (params.arguments as JsonObject | undefined) : undefined;
  const about = { tenant: caller.tenant, ...(sent !== undefined && { arguments: sent }) };
  try {
    return { ...redact(body, allowed, deps, about), kind: answer.kind, status: statusFor(answer, era) };
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('redaction_failed', {}, { cause });
  }
}

function finish(result: JsonObject, era: Era): JsonObject {
  // Policy decided for this caller alone, so nothing between here and the caller may share it. MCP server/utilities/caching.
  const scoped = result.cacheScope === undefined ? result : { ...result, cacheScope: 'private' };
  // MCP basic/index § Results: every modern result says its type.
  return era === 'modern' && scoped.resultType === undefined ? { resultType: 'complete', ...scoped } : scoped;
}

/** JSON-RPC 2.0 § 5.1: nothing but its three members. */
function rpcError({ code, message, data }: JsonObject): JsonObject {
  return data === undefined ? { code, message } : { code, message, data };
}

function statusFor(answer: UpstreamAnswer, era: Era): number {
  // Only what MCP gives a meaning to; everything else of the upstream's HTTP stays there.
  return era === 'modern' && (answer.status === 400 || answer.status === 404) ? answer.status : 200;
}
