import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sampleQuestion } from '../support/approval.ts';
import type { ApprovalsWorld } from '../support/approvals-world.ts';
import { openApprovalsWorld } from '../support/approvals-world.ts';

suite('telling people of open requests', () => {
  test('two replicas that look at once post one card', async (t) => {
    const world = await openApprovalsWorld(t);
    const { deps } = await world.replica();
    await opened(world, 1);
    await Promise.all([world.deps.slack?.follow(), deps.slack?.follow()]);
    assert.equal(world.slack.messages.size, 1);
    await Promise.all([world.deps.slack?.follow(), deps.slack?.follow()]);
    assert.equal(world.slack.messages.size, 1);
  });

  test('a channel that cannot be written to is tried again after a minute, and others are told meanwhile', async (t) => {
    const world = await openApprovalsWorld(t);
    const [id = ''] = await opened(world, 1);
    world.slack.fault = (method) => (method === 'chat.postMessage' ? { error: 'not_in_channel' } : undefined);
    await world.deps.slack?.follow();
    world.slack.fault = () => undefined;
    await world.deps.slack?.follow();
    assert.equal(world.slack.messages.size, 0);
    world.clock.ms += 60_000;
    await world.deps.slack?.follow();
    assert.equal(world.slack.messages.size, 1);
    assert.equal((await world.deps.approvals.find(id, world.clock.ms))?.notice?.channel, world.slack.channel);
  });

  test('one asker has five cards at most; one line says how many wait behind them, and a decided card makes room', async (t) => {
    const world = await openApprovalsWorld(t);
    await opened(world, 12);
    await opened(world, 1, { subject: 'somebody-else' });
    await world.deps.slack?.follow();
    const lines = () =>
      [...world.slack.messages.values()].filter(({ text }) => /7 more questions of user-1 wait/.test(text));
    assert.equal(cards(world).length, 6);
    assert.equal(lines().length, 1);
    await world.deps.slack?.follow();
    assert.equal(world.slack.messages.size, 7);
    const open = await world.deps.approvals.listOpen('acme', world.clock.ms);
    const first = open.find(({ subject, notice }) => subject === 'user-1' && notice !== undefined);
    await world.deps.decide({
      requestId: first?.id ?? '',
      approver: { subject: 'grace', tenant: 'acme', kind: 'human', roles: ['approver'] },
      verdict: 'deny',
      reason: 'No.',
      via: 'page',
    });
    assert.equal(cards(world).length, 5);
    await world.deps.slack?.follow();
    assert.equal(cards(world).length, 6);
    assert.equal(world.slack.messages.size, 8);
  });

  test('a question is remembered once in its thread, then taken further once, by one replica', async (t) => {
    const world = await openApprovalsWorld(t, { SLACK_ESCALATION_CHANNELS: 'acme=C0APPROVALS' });
    const { deps } = await world.replica();
    const { ts } = await world.ask();
    const look = async () => {
      await Promise.all([world.deps.slack?.follow(), deps.slack?.follow()]);
      return [...world.slack.messages.values()].slice(1).map(({ threadTs }) => threadTs);
    };
    assert.deepEqual(await look(), []);
    world.clock.ms += 1_800_000;
    assert.deepEqual(await look(), [ts]);
    assert.deepEqual(await look(), [ts]);
    world.clock.ms += 5_400_000;
    assert.deepEqual(await look(), [ts, undefined]);
    assert.deepEqual(await look(), [ts, undefined]);
  });

  test('a tenant without a channel is told of in nobody else’s', async (t) => {
    const world = await openApprovalsWorld(t);
    await opened(world, 1, { tenant: 'globex' });
    await world.deps.slack?.follow();
    assert.equal(world.slack.messages.size, 0);
  });

  test('nobody answers in time: recorded, and the card says so', async (t) => {
    const world = await openApprovalsWorld(t);
    const { request, ts } = await world.ask();
    world.clock.ms = request.expiresAtMs;
    await world.deps.settle();
    assert.deepEqual(world.records(), [['approval_expired', 'ok', null]]);
    assert.match(String(world.slack.messages.get(ts)?.text), /^Nobody answered in time/);
    await world.deps.settle();
    assert.equal(world.records().length, 1);
  });

  test('a question that was answered on the page before its card was posted gets a card that says so', async (t) => {
    const world = await openApprovalsWorld(t);
    const [id = ''] = await opened(world, 1);
    world.slack.fault = (method) => {
      if (method === 'chat.postMessage') deciding ??= decide();
      return undefined;
    };
    const decide = () =>
      world.deps.decide({
        requestId: id,
        approver: { subject: 'grace', tenant: 'acme', kind: 'human', roles: ['approver'] },
        verdict: 'approve',
        reason: undefined,
        via: 'page',
      });
    let deciding: ReturnType<typeof decide> | undefined;
    await world.deps.slack?.follow();
    await deciding;
    world.clock.ms += 60_000;
    await world.deps.settle();
    assert.match(String([...world.slack.messages.values()][0]?.text), /^Approved/);
  });
});

async function opened(world: ApprovalsWorld, count: number, changes: Parameters<typeof sampleQuestion>[0] = {}) {
  const policyRevision = world.deps.policy.revision() ?? '';
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const argumentsSha256 = index.toString(16).padStart(64, '0');
    const question = sampleQuestion({ policyRevision, argumentsSha256, ...changes });
    ids.push((await world.deps.approvals.open(question, world.clock.ms)).id);
  }
  return ids;
}

function cards(world: ApprovalsWorld) {
  return [...world.slack.messages.values()].filter(({ text }) => text.startsWith('Approval wanted'));
}
