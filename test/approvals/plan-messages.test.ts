import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedMax, type PlanSettings, planMessages } from '../../runtime/approvals/plan-messages.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { sampleQuestion } from '../support/approval.ts';

const minute = 60_000;
const opened = 1_795_000_000_000;
const settings: PlanSettings = {
  cardsPerAskerMax: 2,
  remindAfterMs: 30 * minute,
  escalateAfterMs: 120 * minute,
  channelOf: (tenant) => ({ acme: 'C1', globex: 'C2' })[tenant],
  escalationChannelOf: (tenant) => (tenant === 'acme' ? 'C9' : undefined),
};

function request(id: string, changes: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    ...sampleQuestion(),
    id,
    openedAtMs: opened,
    expiresAtMs: opened + 1440 * minute,
    state: 'open',
    closedAtMs: undefined,
    decision: undefined,
    notice: undefined,
    ...changes,
  };
}

/** What is planned for a channel, in short. */
function gist(open: readonly ApprovalRequest[], channel: string, nowMs = opened): readonly string[] {
  return (planMessages(open, nowMs, settings).get(channel) ?? []).map((message) => {
    switch (message.kind) {
      case 'more':
        return `${message.behind.length} more of ${message.asker.subject}`;
      case 'waiting':
        return `${message.overdue.length} wait`;
      default:
        return `${message.kind} ${message.request.id}`;
    }
  });
}

test('everybody’s first card comes before anybody’s second, the oldest first, and further ones are one line', () => {
  const open = [
    request('late', { subject: 'bob', openedAtMs: opened + 5 }),
    ...[4, 3, 2, 1].map((n) => request(`a${n}`, { subject: 'alice', openedAtMs: opened + n })),
    request('b2', { subject: 'bob', openedAtMs: opened + 9 }),
  ];
  assert.deepEqual(gist(open, 'C1'), ['card a1', 'card late', 'card a2', 'card b2', '2 more of alice']);
});

test('cards that are shown count: whoever has some waits behind those who have none', () => {
  const notice = { channel: 'C1', message: '1.1' };
  const open = [
    request('a1', { notice }),
    request('a2', { openedAtMs: opened + 1 }),
    request('b1', { subject: 'bob', openedAtMs: opened + 2 }),
  ];
  assert.deepEqual(gist(open, 'C1'), ['card b1', 'card a2']);
});

test('each channel has a plan of its own, and a tenant without a channel none', () => {
  const open = [request('a'), request('g', { tenant: 'globex' }), request('x', { tenant: 'initech' })];
  assert.deepEqual([...planMessages(open, opened, settings).keys()], ['C1', 'C2']);
  assert.deepEqual(gist(open, 'C2'), ['card g']);
});

test('what is overdue is said before new cards: a few by name in their threads and further up, many as one line', () => {
  const overdue = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      request(`o${n}`, { subject: `s${n}`, notice: { channel: 'C1', message: `1.${n}` } }),
    );
  const later = opened + 120 * minute;
  const fresh = request('new', { openedAtMs: later });
  assert.deepEqual(gist([...overdue(2), fresh], 'C1', later), ['reminder o0', 'reminder o1', 'card new']);
  assert.deepEqual(gist([...overdue(2), fresh], 'C9', later), ['escalation o0', 'escalation o1']);
  assert.deepEqual(gist([...overdue(namedMax + 1), fresh], 'C1', later), ['11 wait', 'card new']);
  assert.deepEqual(gist([...overdue(namedMax + 1), fresh], 'C9', later), ['11 wait']);
  assert.deepEqual(gist([...overdue(1), fresh], 'C1', opened + 30 * minute - 1), ['card new']);
});

test('a question that nobody could be told of is taken further all the same', () => {
  assert.deepEqual(gist([request('a')], 'C9', opened + 120 * minute), ['escalation a']);
});
