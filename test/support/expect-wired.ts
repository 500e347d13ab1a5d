import assert from 'node:assert/strict';
import type { RefusalCode } from '../../runtime/contract/refusal-codes.ts';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import type { Answer } from './gateway-world.ts';
import type { WiredGateway, WiredSend } from './wired-gateway.ts';

/** Holds the answer and the one record of it, and that nothing went upstream unless it may. */
export async function expectNo(
  world: WiredGateway,
  code: RefusalCode,
  expected: { readonly status: number; readonly isRecorded?: boolean; readonly reachesUpstream?: boolean },
  sending: WiredSend = {},
): Promise<Answer> {
  const { records, upstream } = world;
  const [before, seen] = [records.length, upstream.seen.length];
  const answer = await world.send(sending);
  assert.equal(answer.json?.error?.data?.code, code, answer.text);
  assert.equal(answer.status, expected.status, answer.text);
  assert.equal(answer.headers['x-call-id'] !== undefined, true, 'the answer names its call');
  const left = records.slice(before).filter(({ event }) => event !== 'mcp_call_intent');
  if (expected.isRecorded === false) assert.equal(left.length, 0, 'nothing could be recorded');
  else {
    assert.equal(left.length, 1, 'one record');
    assert.equal(left[0]?.code, code, 'the code in the record');
    assert.equal(left[0]?.outcome, 'failed', 'the outcome in the record');
    assert.equal(left[0]?.http_status, expected.status, 'the status in the record');
    assert.equal(left[0]?.call_id, answer.headers['x-call-id'], 'the call in the record');
  }
  if (expected.reachesUpstream !== true) assert.equal(upstream.seen.length, seen, 'nothing went upstream');
  return answer;
}

/** The call goes through, and its record is durable. */
export async function expectYes(world: WiredGateway, sending: WiredSend = {}): Promise<Answer> {
  const answer = await world.send(sending);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.result !== undefined, true, answer.text);
  assert.equal(world.records.at(-1)?.call_id, answer.headers['x-call-id'], 'the record of this call');
  assert.equal(world.records.at(-1)?.outcome, 'ok', 'its outcome');
  return answer;
}

/** What an outsider finds wrong in the record, after the gateway is gone. */
export async function closeAndVerify(world: WiredGateway): Promise<readonly unknown[]> {
  await world.gateway.close();
  await world.deps.close();
  return (await verifyAuditDirectory(world.auditDir)).findings;
}
