import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createPacing } from '../../runtime/approvals/clients/pacing.ts';
import { createFollowRequests, type FollowSettings } from '../../runtime/approvals/follow-requests.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { createLease } from '../../runtime/shared/lease.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleQuestion } from '../support/approval.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const second = 1000;
const opened = 1_795_000_000_000;
const greedy = 'greedy-agent';

/** 1,000 questions of 300 askers: one agent has 402 of them, everybody else two. */
function thousand(): Map<string, ApprovalRequest> {
  const subjects = [
    ...Array.from({ length: 402 }, () => greedy),
    ...Array.from({ length: 598 }, (_, n) => `s${n % 299}`),
  ];
  return new Map(
    subjects.map((subject, n) => {
      const id = `request-${String(n).padStart(4, '0')}`;
      const times = { openedAtMs: opened + n, expiresAtMs: opened + 86_400 * second };
      const open = { state: 'open', closedAtMs: undefined, decision: undefined, notice: undefined } as const;
      return [id, { ...sampleQuestion({ subject }), id, ...times, ...open }];
    }),
  );
}

const settings: FollowSettings = {
  cardsPerAskerMax: 5,
  remindAfterMs: 1800 * second,
  escalateAfterMs: 7200 * second,
  escalationChannelOf: () => undefined,
};

interface Sent {
  readonly atMs: number;
  readonly text: string;
}

/** Two replicas with one store, one clock and a Slack that takes one message a second. */
async function openWorld(t: TestContext) {
  const dynamo = await openTestDynamo(t);
  const clock = { ms: opened + 1000 };
  const requests = thousand();
  const claims = new Set<string>();
  const sent: Sent[] = [];
  let lists = 0;
  const claimed = async (name: string) => {
    const isNew = !claims.has(name);
    claims.add(name);
    return isNew;
  };
  const take = (channel: string, text: string) => {
    sent.push({ atMs: clock.ms, text });
    return { channel, message: String(sent.length) };
  };
  const approvals = {
    listUnsettled: async () => {
      lists += 1;
      return [...requests.values()];
    },
    find: async (id: string) => requests.get(id),
    wholeArguments: async (request: ApprovalRequest) => request.arguments,
    claimNotice: async (id: string) => requests.get(id)?.state === 'open' && claimed(`notice ${id}`),
    setNotice: async (id: string, notice: ApprovalRequest['notice']) => {
      requests.set(id, { ...(requests.get(id) as ApprovalRequest), notice });
    },
  };
  /** Each replica paces itself. */
  const pacedSlack = () => {
    const wait = async (ms: number) => {
      clock.ms += ms;
    };
    const pacing = createPacing({ gapMs: second, monotonic: () => clock.ms, wait });
    return {
      post: (channel: string, { text }: { readonly text: string }) =>
        pacing.run(channel, async () => take(channel, text)),
      update: async () => {},
    };
  };
  const replica = () => {
    const { hold: isOurs } = createLease({
      client: dynamo.client,
      now: () => clock.ms,
      table: `${tablePrefix}grants`,
      key: { pk: 'claim#lease#x', sk: 'claim' },
      code: 'approval_unavailable',
      heldMs: 15_000,
      handOverMs: second,
    });
    const deps = {
      now: () => clock.ms,
      logger: silentLogger(),
      approvals,
      slack: pacedSlack(),
      claim: (kind: string, name: string) => claimed(`${kind} ${name}`),
      before: async () => undefined,
      useOf: async () => undefined,
      pageUrl: (id: string) => `https://mcp.example.com/approvals/${id}`,
      channelOf: () => 'C1',
      isOurs,
      isSlackAway: () => false,
      refusalOf: () => undefined,
      reports: { told() {}, refused() {} },
    };
    return createFollowRequests(deps, settings);
  };
  return { clock, requests, sent, replicas: [replica(), replica()], lists: () => lists };
}

test('1,000 open questions of 300 askers: one message a second whichever replica lives, the oldest first, nobody before everybody', async (t) => {
  const { clock, requests, sent, replicas, lists } = await openWorld(t);
  const texts = () => sent.map(({ text }) => text);
  const look = async (ms: number) => {
    await Promise.all(replicas.map((follow) => follow().catch(unlessStoreIsAway)));
    clock.ms += ms;
  };
  const expected = 299 * 2 + 5 + 1;
  while (texts().length < expected) {
    assert.ok(clock.ms < opened + 900 * second, `${texts().length} messages in 15 minutes`);
    await look(2 * second);
    // Whichever replica sends dies in the middle of it.
    if (texts().length > 300 && replicas.length === 2) replicas.shift();
  }
  const lastS = Math.ceil((clock.ms - opened) / second);
  const gaps = sent.slice(1).map(({ atMs }, n) => atMs - (sent[n]?.atMs ?? 0));
  assert.ok(Math.min(...gaps) >= second, 'never two messages in a second, by two replicas either');
  assert.ok(lastS < expected * 1.1 + 15, `all were told after ${lastS} s`);
  assert.ok(lists() < lastS / 10, `the list was read ${lists()} times in ${lastS} s`);

  const cards = texts().filter((text) => text.startsWith('Approval wanted'));
  assert.equal(cards.length, 299 * 2 + 5);
  const told = [...requests.values()].filter(({ notice }) => notice !== undefined);
  assert.equal(new Set(told.map(({ notice }) => notice?.message)).size, cards.length, 'each its own card');
  assert.deepEqual(texts().filter((text) => text.includes('more questions')).length, 1);
  const byTime = told.toSorted((a, b) => Number(a.notice?.message) - Number(b.notice?.message));
  const first = byTime.slice(0, 300);
  assert.equal(new Set(first.map(({ subject }) => subject)).size, 300, 'everybody has one before anybody has two');
  assert.deepEqual(
    first,
    first.toSorted((a, b) => a.openedAtMs - b.openedAtMs),
    'the oldest first',
  );

  // Half an hour later all of them are overdue: one line says so, however often somebody looks.
  clock.ms += 1800 * second;
  const before = texts().length;
  for (let n = 0; n < 5; n += 1) await look(2 * second);
  const lines = texts().slice(before);
  assert.equal(lines.filter((text) => text.startsWith('1000 questions still wait')).length, 1);
  assert.equal(lines.length, 2, 'and one line for the agent with the many');
});

/** The loop of a replica looks again. */
function unlessStoreIsAway(error: unknown): void {
  if (!(error instanceof Refusal) || error.code !== 'approval_unavailable') throw error;
}
