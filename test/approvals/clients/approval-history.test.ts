import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { createApprovalHistory } from '../../../runtime/approvals/clients/approval-history.ts';
import { precedentWords } from '../../../runtime/approvals/messages/precedents.ts';
import type { ApprovalQuestion, ApprovalRequest, ApprovalState } from '../../../runtime/contract/approval.ts';
import { argumentsKey } from '../../../runtime/shared/approval-items.ts';
import { createApprovalStore } from '../../../runtime/shared/approval-store.ts';
import { sampleDecision, sampleQuestion } from '../../support/approval.ts';
import { openTestDynamo, tablePrefix } from '../../support/local-dynamo.ts';

const dayMs = 86_400_000;
const noon = Date.UTC(2026, 10, 20, 12, 3);

async function open(t: TestContext) {
  const dynamo = await openTestDynamo(t);
  const history = createApprovalHistory({ client: dynamo.client, tablePrefix, deadlineMs: 3000 });
  let count = 0;
  /** A request that ended so, at that moment. */
  async function ended(state: ApprovalState, closedAtMs: number, changes: Partial<ApprovalQuestion> = {}) {
    count += 1;
    const request = closed(state, closedAtMs, `request-${count}`, changes);
    await history.note(request);
    return request;
  }
  return { dynamo, history, ended };
}

function closed(
  state: ApprovalState,
  closedAtMs: number,
  id: string,
  changes: Partial<ApprovalQuestion> = {},
): ApprovalRequest {
  const verdict = state === 'approved' ? 'approve' : 'deny';
  const isAnswered = state === 'approved' || state === 'denied';
  return {
    ...sampleQuestion(changes),
    id,
    openedAtMs: closedAtMs - 1000,
    expiresAtMs: closedAtMs + dayMs,
    state,
    closedAtMs: state === 'open' ? undefined : closedAtMs,
    decision: isAnswered ? sampleDecision({ verdict, approver: 'ada' }) : undefined,
    notice: undefined,
  };
}

suite('what was answered before', () => {
  test('counts the same asker, client and tool of 30 days, and says who answered last', async (t) => {
    const { history, ended } = await open(t);
    const asked = closed('open', noon + 1, 'asked');
    assert.equal(precedentWords(await history.before(asked, noon)), 'Nothing of this kind in 30 days');
    for (const days of [31, 29, 3, 2]) await ended('approved', noon - days * dayMs);
    await ended('denied', noon - dayMs);
    await ended('expired', noon - 1000);
    for (const other of [{ subject: 'eve' }, { clientId: 'x' }, { server: 'x' }, { tool: 'x' }, { tenant: 'globex' }])
      await ended('approved', noon - 1000, other);
    const before = await history.before(asked, noon);
    assert.equal(
      precedentWords(before),
      'Approved 3 times, denied once in 30 days; last denied on 19 Nov 2026, 12:03 UTC by ada',
    );
    assert.equal(before.lastApproved?.closedAtMs, noon - 2 * dayMs);
  });

  test('is counted once however often it is noted, and a question does not count itself', async (t) => {
    const { history, ended } = await open(t);
    const request = await ended('approved', noon);
    await history.note(request);
    await history.note({ ...request, state: 'open', closedAtMs: undefined });
    assert.equal((await history.before(request, noon + 1)).approved, 0);
    assert.equal((await history.before(closed('open', noon, 'next'), noon + 1)).approved, 1);
  });

  test('is no yes when the yes was taken back, whoever notes it once more', async (t) => {
    const { history, ended } = await open(t);
    await ended('approved', noon - 2);
    const wrong = await ended('approved', noon - 1);
    await history.noteTakenBack(wrong);
    await history.note(wrong);
    const before = await history.before(closed('open', noon, 'next'), noon);
    assert.match(precedentWords(before), /^Approved once, a yes taken back once in 30 days; .*, which was taken back$/);
    assert.equal(before.lastApproved?.closedAtMs, noon - 2);
  });

  test('has the redacted arguments of the last yes, and long ones for as long as their question is kept', async (t) => {
    const { dynamo, history, ended } = await open(t);
    const store = createApprovalStore({ client: dynamo.client, tablePrefix });
    const long = { sql: 'x'.repeat(40_000) };
    const { id } = await store.open(sampleQuestion({ arguments: long }), noon - 1000);
    const { request } = (await store.decide(id, sampleDecision({ approver: 'ada' }), noon - 2)) ?? {};
    assert.ok(request);
    await history.note(request);
    const next = closed('open', noon, 'next');
    assert.deepEqual((await history.before(next, noon)).lastApproved?.arguments, long);
    await dynamo.client.send(new DeleteItemCommand({ TableName: `${tablePrefix}grants`, Key: argumentsKey(id) }));
    assert.equal((await history.before(next, noon)).lastApproved?.arguments, undefined);
    await ended('approved', noon - 1, { arguments: { b: 1, a: { z: [2], y: null } } });
    assert.equal(
      JSON.stringify((await history.before(next, noon)).lastApproved?.arguments),
      '{"b":1,"a":{"z":[2],"y":null}}',
    );
  });

  test('that is more than is counted is said to be more', async (t) => {
    const { dynamo, ended } = await open(t);
    for (const ago of [1, 2, 3]) await ended('approved', noon - ago);
    const history = createApprovalHistory({ client: dynamo.client, tablePrefix, precedentsMax: 2 });
    assert.match(
      precedentWords(await history.before(closed('open', noon, 'next'), noon)),
      /^Approved twice or more often in 30 days/,
    );
  });

  test('is unknown, and said to be, when the store gives no answer', async (t) => {
    const { history, dynamo } = await open(t);
    await dynamo.stop();
    await assert.rejects(history.before(closed('open', noon, 'next'), noon), { code: 'approval_unavailable' });
    assert.equal(precedentWords(undefined), 'Not known right now');
  });
});

test('the last ones of a tenant, and of one asker in it, are listed, the latest first', async (t) => {
  const { dynamo, ended } = await open(t);
  const history = createApprovalHistory({ client: dynamo.client, tablePrefix, listedMax: 2 });
  for (const i of [1, 2]) await ended('approved', noon + i, { tool: `tool-${i}` });
  await ended('withdrawn', noon + 30, { subject: 'eve' });
  await ended('denied', noon + 40, { tenant: 'globex' });
  const all = await history.list({ tenant: 'acme' }, noon + 50);
  assert.deepEqual([all.length, all[0]?.subject, all[1]?.tool], [2, 'eve', 'tool-2']);
  const own = await history.list({ tenant: 'acme', subject: 'eve' }, noon + 50);
  assert.deepEqual(
    own.map(({ state, approver }) => [state, approver]),
    [['withdrawn', undefined]],
  );
});
