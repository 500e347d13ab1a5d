import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApprovalProcesses, codeOf, openApprovalProcesses } from '../support/approval-processes.ts';
import { waitFor } from '../support/workflow-world.ts';

// One emulator, two processes; how long people have is the machine's, so what expires is asked first and looked at last.
let world: ApprovalProcesses;
let unanswered: string;
before(async () => {
  world = await openApprovalProcesses({ noticeS: 60, decisionS: 45 });
  ({ id: unanswered } = await world.ask('that nobody answers'));
  await world.card(unanswered);
});
after(() => world?.close());

const events = async (id: string) => (await world.records(id)).map(({ event, outcome }) => `${event} ${outcome}`);

test('a yes in Slack runs the call once, and its execution ends as approved', async () => {
  const asked = await world.ask('to be approved');
  assert.equal(world.runs('to be approved'), 0);
  const { id } = asked;
  const card = await world.card(id);
  await world.answer(card, 'toolgate_approve');
  assert.deepEqual(await world.ended(id), ['SUCCEEDED', 'approved', 'ExecutionSucceeded']);
  await world.callUntil('to be approved', undefined);
  assert.equal(world.runs('to be approved'), 1);
  assert.notEqual((await world.ask('to be approved')).id, id);
  assert.equal(world.runs('to be approved'), 1);
});

test('of two answers the first stands, the execution has one, and the second person is told', async () => {
  const { id } = await world.ask('answered twice');
  const card = await world.card(id);
  await world.answer(card, 'toolgate_approve', ['UGRACE', 'UHEIDI']);
  assert.deepEqual(await world.ended(id), ['SUCCEEDED', 'approved', 'ExecutionSucceeded']);
  await waitFor(async () => world.slack.whispers.length > 0);
  const decided = (await world.records(id)).filter(({ event }) => event === 'approval_decided');
  const stands = decided.filter(({ outcome }) => outcome === 'ok');
  assert.equal(new Set(stands.map(({ caller }) => caller?.subject)).size, 1);
  await world.callUntil('answered twice', undefined);
  await world.ask('answered twice');
  assert.equal(world.runs('answered twice'), 1);
});

test('a question of a channel that is gone is taken back, on record, and the next call asks anew', async () => {
  const { id } = await world.ask('of nobody', 'globex');
  assert.deepEqual(await world.ended(id), ['FAILED', 'Toolgate.NoticeNotSent', 'ExecutionFailed']);
  assert.equal((await world.store.find(id, Date.now()))?.state, 'withdrawn');
  const records = await waitFor(async () => {
    const found = await world.records(id);
    return found.some(({ event }) => event === 'approval_expired') ? found : undefined;
  });
  const { detail, reason } = records.find(({ event }) => event === 'approval_expired') ?? {};
  assert.deepEqual(
    [detail?.state, reason],
    ['withdrawn', 'Nobody could be told of the question, so it was taken back.'],
  );
  assert.notEqual((await world.ask('of nobody', 'globex')).id, id);
});

test('a no with a reason is a no, and its execution ends as denied', async () => {
  const { id } = await world.ask('to be denied');
  const card = await world.card(id);
  assert.equal(await world.press(card, 'toolgate_deny'), 200);
  const view = await waitFor(async () => world.slack.dialogs.at(-1));
  assert.equal(await world.submit(view, 'Not today.'), 200);
  assert.deepEqual(await world.ended(id), ['SUCCEEDED', 'denied', 'ExecutionSucceeded']);
  assert.equal(codeOf(await world.callUntil('to be denied', 'approval_denied')), 'approval_denied');
  assert.equal(world.runs('to be denied'), 0);
});

test('nobody answers: the machine closes the question, the sweep records it, and nothing runs', async () => {
  assert.deepEqual(await world.ended(unanswered), ['SUCCEEDED', 'expired', 'ExecutionSucceeded']);
  await waitFor(async () => (await events(unanswered)).includes('approval_expired ok'));
  assert.equal(world.runs('that nobody answers'), 0);
});

test('both records verify, and no task token is in a log line', async () => {
  assert.deepEqual(await world.findings(), []);
  const lines = [...world.gateway.lines, ...world.approvals.lines].join('\n');
  for (const token of await world.tokens()) assert.ok(!lines.includes(token));
});
