import type { Caller } from '../../contract/caller.ts';
import type { Allowed } from '../../contract/decision.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Elevation, QuotaReceipt, ValidArguments } from '../../contract/receipts.ts';
import { approvalMetaKey } from '../../contract/receipts.ts';
import type { ServerEntry, ServerVersion } from '../../contract/registry.ts';
import type { JsonRpcId, McpMessage, ToolCall } from '../../contract/tool-call.ts';
import { Refusal } from '../../shared/refusal.ts';
import { onlyApproved } from '../approval/only-approved.ts';
import { boundCall } from '../approval/questions.ts';
import type { DoorTool } from '../catalogue-index.ts';
import type { UpstreamAnswer } from '../clients/upstream.ts';
import type { GatewayDeps } from '../deps.ts';
import type { Outlet } from '../safe-reply.ts';
import { scrubMeta } from '../scrub-meta.ts';
import { encodeHeaderValue } from '../transport/header-value.ts';
import { nameHeaderSource } from '../transport/protocol-versions.ts';
import { formatTraceparent } from '../transport/trace-context.ts';
import { redactNotification } from './redact.ts';

/** Everything that must have been proved before a call goes upstream. */
export interface Proved {
  readonly caller: Caller;
  readonly tool: DoorTool;
  readonly allowed: Allowed;
  readonly quota: QuotaReceipt;
  readonly args: ValidArguments;
  readonly elevation: Elevation;
}

/**
 * Sends one call to the server version that it was resolved to, with a token minted for it, once. Throws Refusal `upstream_*`,
 * `capability_missing` or `client_cancelled`; an error that the tool server says is an answer, not a refusal.
 */
export async function forward(
  proved: Proved,
  call: ToolCall,
  outlet: Outlet,
  deps: GatewayDeps,
): Promise<UpstreamAnswer> {
  const { caller, tool, allowed, args, elevation } = proved;
  const token = deps.mint({
    audience: tool.version.audience,
    caller,
    scopes: tool.entry.scopes,
    tool: tool.entry.name,
    callId: call.callId,
    ...(elevation.kind === 'granted' && { approval: { grant: elevation.grant, argumentsSha256: args.sha256 } }),
  });
  // Only what was looked at: a param that nobody decided on is not sent.
  const params: JsonObject = {
    name: tool.entry.name,
    arguments: args.value,
    ...inputOf(proved, call, deps),
  };
  const receipt = elevation.kind === 'granted' ? elevation.receipt : undefined;
  const message = elevation.kind === 'granted' ? onlyApproved(call, tool) : call;
  const answer = await sendUpstream({ message, target: tool, params, token, allowed, outlet, receipt }, deps);
  if (answer.kind === 'result') checkToolResult(answer.body, proved, deps);
  return answer;
}

/** What the client says to a question of the tool server. What it says to one of ours stays here. */
function inputOf(proved: Proved, { params }: ToolCall, deps: GatewayDeps): JsonObject {
  const { inputResponses, requestState } = params;
  // A person allowed the arguments that they saw, and nothing else goes along.
  if (proved.elevation.kind === 'granted') return {};
  // Sealed while policy asked for a yes that it asks for no more.
  if (requestState !== undefined && deps.requestStates.isOwn(requestState, boundCall(proved))) return {};
  return {
    ...(inputResponses !== undefined && { inputResponses }),
    ...(requestState !== undefined && { requestState }),
  };
}

/** Proof for a message without a tool. */
export interface RelayProved {
  readonly caller: Caller;
  readonly server: ServerEntry;
  readonly version: ServerVersion;
  readonly allowed: Allowed;
  readonly quota: QuotaReceipt;
}

/** Sends a message that names no tool to a server. Throws as {@link forward} does. */
export async function forwardMessage(
  proved: RelayProved,
  message: McpMessage,
  outlet: Outlet,
  deps: GatewayDeps,
): Promise<UpstreamAnswer> {
  const { caller, allowed, version } = proved;
  const token = deps.mint({ audience: version.audience, caller, scopes: [], callId: message.callId });
  const { _meta, ...params } = message.params;
  return sendUpstream({ message, target: proved, params, token, allowed, outlet }, deps);
}

interface Sending {
  readonly message: McpMessage;
  readonly target: { readonly version: ServerVersion };
  readonly params: JsonObject;
  readonly token: string;
  readonly allowed: Allowed;
  readonly outlet: Outlet;
  readonly receipt?: string | undefined;
}

async function sendUpstream(sending: Sending, deps: GatewayDeps): Promise<UpstreamAnswer> {
  const { message, target, params, token, allowed, outlet, receipt } = sending;
  const kept = scrubMeta(message.params._meta, message.trace);
  const meta = receipt === undefined ? kept : { ...kept, [approvalMetaKey]: receipt };
  const answer = await deps.upstream.send({
    url: target.version.upstreamUrl,
    headers: upstreamHeaders(message, params, token),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: message.id,
      method: message.method,
      params: meta === undefined ? params : { ...params, _meta: meta },
    }),
    id: message.id as JsonRpcId,
    resultBytesMax: resultBytesMax(allowed),
    signal: message.signal,
    onNotification: (notification) => {
      const safe = isObject(notification.params) ? redactNotification(notification.params, allowed, deps) : {};
      outlet.notify(notification.method as string, safe);
    },
    onKeepAlive: outlet.keepAlive,
  });
  return answer.kind === 'error' ? translateError(answer) : answer;
}

/** Headers written anew from the body and the registry; nothing of the client's goes along but its `Mcp-Param-*`. */
function upstreamHeaders(message: McpMessage, params: JsonObject, token: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${token}`,
    traceparent: formatTraceparent(message.trace),
  };
  if (message.trace.tracestate !== undefined) headers.tracestate = message.trace.tracestate;
  if (message.protocolVersion !== undefined) headers['mcp-protocol-version'] = message.protocolVersion;
  if (message.era === 'modern') {
    headers['mcp-method'] = message.method;
    const source = nameHeaderSource[message.method];
    const name = source === undefined ? undefined : params[source];
    if (typeof name === 'string') headers['mcp-name'] = encodeHeaderValue(name);
  }
  // SEP-2243: an intermediary forwards parameter headers, the ones that it does not know too.
  for (const name in message.paramHeaders) headers[name] = message.paramHeaders[name] as string;
  return headers;
}

const asksForMore =
  'The tool server asked for more input about a call that a person approved as it was. It must take everything as arguments.';

const resultBytesCap = 8 * 1024 * 1024;

function resultBytesMax(allowed: Allowed): number {
  for (const obligation of allowed.obligations) {
    if (obligation.type === 'max_result_bytes') return Math.min(obligation.bytes, resultBytesCap);
  }
  return resultBytesCap;
}

function translateError(answer: UpstreamAnswer): UpstreamAnswer {
  const { code, data } = answer.body;
  // The envelope that the tool server read is the client's own, so what it lacks is for the client to declare.
  if (code === -32021) {
    const required = isObject(data) && isObject(data.requiredCapabilities) ? data.requiredCapabilities : {};
    throw new Refusal('capability_missing', { data: { requiredCapabilities: required } });
  }
  // About headers and versions of our own hop: the client cannot mend them.
  if (code === -32020 || code === -32022 || code === -32700 || code === -32600) {
    throw new Refusal('upstream_invalid', { privateDetail: `the tool server answered ${code} to our own envelope` });
  }
  return answer;
}

/** MCP server/tools § Structured Content: a result that breaks its published schema is not passed on. */
function checkToolResult(result: JsonObject, { tool, elevation }: Proved, deps: GatewayDeps): void {
  const { resultType, content, isError, structuredContent } = result;
  if (resultType !== undefined && resultType !== 'complete') {
    if (resultType === 'input_required') {
      // What the client would add no person has seen.
      if (elevation.kind === 'granted') throw new Refusal('upstream_invalid', { reason: asksForMore });
      return;
    }
    throw new Refusal('upstream_invalid', { privateDetail: 'a result type that this gateway does not know' });
  }
  if (!Array.isArray(content) || !content.every(isObject)) {
    throw new Refusal('upstream_invalid', { privateDetail: 'a tool result without content' });
  }
  if (isError !== undefined && typeof isError !== 'boolean') {
    throw new Refusal('upstream_invalid', { privateDetail: 'isError is neither true nor false' });
  }
  const { outputSchema, definitionHash } = tool.entry;
  if (outputSchema === undefined || isError === true) return;
  const violations = outputViolations();
  if (violations.length > 0) {
    throw new Refusal('upstream_invalid', { privateDetail: `structuredContent: ${violations.slice(0, 5).join(' ')}` });
  }

  function outputViolations(): readonly string[] {
    if (structuredContent === undefined) return ['it is missing'];
    try {
      return deps.schemas.check(`${definitionHash}:out`, outputSchema as JsonObject)(structuredContent);
    } catch (cause) {
      throw new Refusal('tool_disabled', { privateDetail: 'its output schema does not compile' }, { cause });
    }
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
