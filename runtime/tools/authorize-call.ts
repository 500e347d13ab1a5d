import type { Json, JsonObject } from '../contract/json.ts';
import { approvalScope } from '../contract/step-up.ts';
import type { JsonRpcId } from '../contract/tool-call.ts';
import { canonicalSha256 } from '../shared/canonical-json.ts';
import { Refusal } from '../shared/refusal.ts';
import type { ServedTool, ToolCaller } from './served-tool.ts';

/** One JSON-RPC message, its envelope checked. */
export interface RpcMessage {
  readonly id: JsonRpcId | undefined;
  readonly method: string;
  readonly params: JsonObject;
}

/** Throws Refusal `batch_refused` or `message_invalid`. The SDK would run a batch of legacy calls, past the checks of this file. */
export function readMessage(body: Json): RpcMessage {
  if (Array.isArray(body)) throw new Refusal('batch_refused');
  if (!isObject(body) || body.jsonrpc !== '2.0') throw new Refusal('message_invalid');
  const { id, method, params } = body;
  if (typeof method !== 'string' || 'result' in body || 'error' in body) throw new Refusal('message_invalid');
  if (id !== undefined && typeof id !== 'string' && !Number.isSafeInteger(id)) throw new Refusal('message_invalid');
  if (params !== undefined && !isObject(params)) throw new Refusal('message_invalid');
  return { id: id as JsonRpcId | undefined, method, params: (params as JsonObject | undefined) ?? {} };
}

/**
 * May this token send this message? One of the registry lists tools, whatever its scopes. For one of the gateway only calls need a scope: what other
 * methods tell is public knowledge behind it. Throws Refusal `tool_unknown`, `insufficient_scope` or `approval_required`.
 */
export function authorizeCall(
  { method, params }: RpcMessage,
  caller: ToolCaller,
  tools: ReadonlyMap<string, ServedTool>,
): void {
  if (caller.isRegistry && method !== 'tools/list') {
    throw new Refusal('insufficient_scope', { reason: 'A token of the registry lists tools and does nothing else.' });
  }
  if (method !== 'tools/call') return;
  const { name } = params;
  const tool = typeof name === 'string' ? tools.get(name) : undefined;
  if (tool === undefined) throw new Refusal('tool_unknown');
  const { scopes, destructive } = tool.definition;
  if (caller.tool !== undefined && caller.tool !== name) {
    throw new Refusal('insufficient_scope', { reason: 'The token is for another tool.', scopes });
  }
  if (!scopes.every((scope) => caller.scopes.includes(scope))) throw new Refusal('insufficient_scope', { scopes });
  if (destructive && !caller.scopes.includes(approvalScope)) throw new Refusal('approval_required', { scopes });
  // A person's yes is for these arguments: whoever gets hold of the token in its minute may not choose others.
  const isBound = destructive || caller.argumentsSha256 !== undefined;
  if (isBound && caller.argumentsSha256 !== canonicalSha256(params.arguments ?? {})) {
    throw new Refusal('insufficient_scope', { reason: 'The token is for other arguments.', scopes });
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
