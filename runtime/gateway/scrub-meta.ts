import type { JsonObject } from '../contract/json.ts';
import type { TraceContext } from '../contract/tool-call.ts';
import { formatTraceparent } from './transport/trace-context.ts';

const protocolPrefix = 'io.modelcontextprotocol/';

/**
 * What of a client's `_meta` goes upstream: the protocol's own keys, the progress token and the trace. Everything else stays here:
 * hosts put workspace paths into it, and forgers tenants and approvals.
 */
export function scrubMeta(meta: unknown, trace: TraceContext): JsonObject | undefined {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return undefined;
  const kept: Record<string, JsonObject[string]> = {};
  for (const [key, value] of Object.entries(meta as JsonObject)) {
    if (key.startsWith(protocolPrefix)) kept[key] = value;
    else if (key === 'progressToken' && (typeof value === 'string' || typeof value === 'number')) kept[key] = value;
    else if (key === 'traceparent') kept[key] = formatTraceparent(trace);
    else if (key === 'tracestate' && trace.tracestate !== undefined) kept[key] = trace.tracestate;
  }
  return kept;
}
