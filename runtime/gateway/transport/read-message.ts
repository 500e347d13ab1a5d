import type { Json, JsonObject } from '../../contract/json.ts';
import type { Inbound, JsonRpcId, McpMessage, ToolCall } from '../../contract/tool-call.ts';
import { JsonError, type JsonFault, parseJson } from '../../shared/parse-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import { checkEnvelope } from './check-envelope.ts';
import type { RequestHeaders } from './read-headers.ts';

/** Bounds of what a client may send. A call with more is refused before anything walks it twice. */
const limits = { depthMax: 64, valuesMax: 20_000 };

const codeOf = {
  malformed: 'json_malformed',
  'too-complex': 'json_too_complex',
  unsafe: 'json_unsafe',
} as const satisfies Record<JsonFault, string>;

/** What can be said of a message even when it is refused: a refusal is answered with its id and in its era. */
export interface Glimpse {
  id: JsonRpcId | undefined;
  method: string | undefined;
  isModern: boolean;
}

/** Turns a body into a message, or throws the Refusal that says what is wrong with it. Fills `glimpse` as it learns. */
export function readMessage(body: Buffer, headers: RequestHeaders, inbound: Inbound, glimpse: Glimpse): McpMessage {
  const value = parse(body);
  if (Array.isArray(value)) throw new Refusal('batch_refused');
  if (!isObject(value) || value.jsonrpc !== '2.0') throw new Refusal('message_invalid');
  const { id, method, params } = value;
  if (isId(id)) glimpse.id = id;
  if (typeof method !== 'string' || method.length === 0 || method.length > 128) {
    // A response: this gateway asks clients nothing, so there is nothing that it could answer.
    throw new Refusal('message_invalid');
  }
  glimpse.method = method;
  if (id !== undefined && !isId(id)) {
    throw new Refusal('message_invalid', { reason: 'The id is neither a string nor a whole number.' });
  }
  if (params !== undefined && !isObject(params)) {
    throw new Refusal('message_invalid', { reason: 'The params are not an object.' });
  }
  if ('result' in value || 'error' in value) throw new Refusal('message_invalid');
  const isRequest = id !== undefined;
  if (isRequest === method.startsWith('notifications/')) {
    throw new Refusal('message_invalid', { reason: 'A notification has no id, and a request has one.' });
  }
  const envelope = checkEnvelope({ method, params: params ?? {}, isRequest }, headers);
  return {
    ...inbound,
    era: envelope.era,
    protocolVersion: envelope.protocolVersion,
    id,
    method,
    params: params ?? {},
    bodyBytes: body.length,
    paramHeaders: paramHeadersOf(headers),
  };
}

/** The `tools/call` in a message. Throws Refusal `params_invalid` when it names no tool or its arguments are no object. */
export function toToolCall(message: McpMessage): ToolCall {
  const { name, arguments: args } = message.params;
  if (typeof name !== 'string' || name.length > 128) {
    throw new Refusal('params_invalid', { reason: 'params.name must name a tool.' });
  }
  if (args !== undefined && !isObject(args)) {
    throw new Refusal('params_invalid', { reason: 'params.arguments must be an object.' });
  }
  return { ...message, id: message.id as JsonRpcId, method: 'tools/call', name, arguments: args ?? {} };
}

function parse(body: Buffer): Json {
  try {
    return parseJson(body, limits);
  } catch (error) {
    if (error instanceof JsonError) throw new Refusal(codeOf[error.fault], { reason: error.message }, { cause: error });
    throw error;
  }
}

/** MCP basic/index § Requests: a string or an integer, never null. */
function isId(id: unknown): id is JsonRpcId {
  return (typeof id === 'string' && id.length <= 1024) || Number.isSafeInteger(id);
}

const noHeaders: Readonly<Record<string, string>> = {};

function paramHeadersOf(headers: RequestHeaders): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined;
  for (const name in headers.values) {
    if (!name.startsWith('mcp-param-')) continue;
    found ??= Object.create(null) as Record<string, string>;
    found[name] = headers.values[name] as string;
  }
  return found ?? noHeaders;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
