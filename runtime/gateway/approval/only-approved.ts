import type { JsonObject } from '../../contract/json.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import type { DoorTool } from '../catalogue-index.ts';
import { declaredHeaders } from '../declared-headers.ts';

const client = ['protocolVersion', 'clientCapabilities', 'clientInfo'].map((key) => `io.modelcontextprotocol/${key}`);
const kept: ReadonlySet<string> = new Set([...client, 'progressToken', 'traceparent', 'tracestate']);

/**
 * A call that a person approved without what they could not see: headers that say no argument, which an intermediary forwards otherwise, and
 * members of `_meta` but for those that name the client, its protocol and the trace.
 */
export function onlyApproved(call: ToolCall, tool: DoorTool): ToolCall {
  const declared = new Set(declaredHeaders(tool).map(({ header }) => header));
  const paramHeaders = Object.entries(call.paramHeaders).filter(([name]) => declared.has(name));
  const { _meta } = call.params;
  const isMeta = typeof _meta === 'object' && _meta !== null && !Array.isArray(_meta);
  const meta = isMeta ? Object.entries(_meta as JsonObject).filter(([key]) => kept.has(key)) : [];
  return {
    ...call,
    paramHeaders: Object.fromEntries(paramHeaders),
    params: { ...call.params, _meta: Object.fromEntries(meta) },
  };
}
