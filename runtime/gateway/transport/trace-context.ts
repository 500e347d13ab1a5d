import { randomFillSync } from 'node:crypto';
import type { TraceContext } from '../../contract/tool-call.ts';

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Continues the client's trace (W3C Trace Context § 3.2) with a span of our own, or starts one when there is none or it is not valid. */
export function traceContextOf(traceparent: unknown, tracestate: unknown): TraceContext {
  const match = typeof traceparent === 'string' ? traceparentPattern.exec(traceparent) : null;
  if (match === null || /^0+$/.test(match[1] as string) || /^0+$/.test(match[2] as string)) {
    return {
      traceId: randomHex(16),
      parentSpanId: undefined,
      spanId: randomHex(8),
      flags: '00',
      tracestate: undefined,
    };
  }
  return {
    traceId: match[1] as string,
    parentSpanId: match[2],
    spanId: randomHex(8),
    flags: match[3] as string,
    tracestate: isTracestate(tracestate) ? tracestate : undefined,
  };
}

export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.flags}`;
}

function isTracestate(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 512 && /^[\x20-\x7e]+$/.test(value);
}

// One read of the system's randomness serves many ids.
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const hex = pool.toString('hex', used, used + bytes);
  used += bytes;
  return hex;
}
