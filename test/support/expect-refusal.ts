import assert from 'node:assert/strict';
import type { AuditEventKind, AuditOutcome } from '../../runtime/contract/audit-event.ts';
import type { RefusalCode } from '../../runtime/contract/refusal-codes.ts';
import { errorMetaKey } from '../../runtime/contract/refusal-codes.ts';
import type { Answer, GatewayWorld, SendOptions } from './gateway-world.ts';

/** What a refusal must look like to the caller and to the auditor. */
export interface ExpectedRefusal {
  readonly status: number;
  /** JSON-RPC error code, or a tool result with `isError`. */
  readonly rpc: number | 'result';
  readonly code: RefusalCode;
  /** @default http_refusal */
  readonly event?: AuditEventKind;
  /** @default refused */
  readonly outcome?: AuditOutcome;
  readonly headers?: Readonly<Record<string, RegExp>>;
}

/** Records beside the one of the call. */
const besides: readonly AuditEventKind[] = ['mcp_call_intent', 'approval_requested'];

/** Sends, and holds the answer and the one record that it left against what is expected. Nothing may have gone upstream. */
export async function expectRefusal(
  world: GatewayWorld,
  sending: SendOptions,
  expected: ExpectedRefusal,
  options: { readonly mayReachUpstream?: boolean } = {},
): Promise<Answer> {
  const events = world.audit.events.length;
  const seen = world.upstream.seen.length;
  const answer = await world.send(sending);
  assert.equal(answer.status, expected.status, answer.text);
  assert.equal(answer.json?.jsonrpc, '2.0', answer.text);
  if (expected.rpc === 'result') {
    assert.equal(answer.json.result.isError, true, answer.text);
    assert.equal(answer.json.result._meta[errorMetaKey].code, expected.code);
  } else {
    assert.equal(answer.json.error.code, expected.rpc, answer.text);
    assert.equal(answer.json.error.data.code, expected.code);
  }
  for (const [name, pattern] of Object.entries(expected.headers ?? {})) {
    assert.match(String(answer.headers[name]), pattern, name);
  }
  const left = world.audit.events.slice(events).filter(({ event }) => !besides.includes(event));
  assert.equal(left.length, 1, 'one record');
  const [event] = left;
  assert.equal(event?.code, expected.code);
  assert.equal(event?.event, expected.event ?? 'http_refusal');
  assert.equal(event?.outcome, expected.outcome ?? 'refused');
  assert.equal(event?.http_status, expected.status);
  assert.equal(event?.call_id, answer.headers['x-call-id']);
  if (options.mayReachUpstream !== true) assert.equal(world.upstream.seen.length, seen, 'nothing went upstream');
  return answer;
}
