import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFollowWorkflows } from '../../runtime/approvals/follow-workflows.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import type { TaskOutcome } from '../../runtime/shared/workflow-tasks.ts';
import { sampleRequest } from '../support/approval.ts';

const opened = 1_795_000_000_000;
const notice = { channel: 'C0APPROVALS', message: '1.2' };

function openWorld(changes: Partial<ApprovalRequest> = {}) {
  const clock = { ms: opened };
  const requests = new Map<string, ApprovalRequest>();
  const add = (id: string, more: Partial<ApprovalRequest> = {}) =>
    requests.set(id, { ...sampleRequest({ id, openedAtMs: opened }), ...changes, ...more });
  add('r');
  const said: string[] = [];
  const world = { clock, requests, add, said, outcome: 'taken' as TaskOutcome, isAway: false, isOurs: true };
  const answer = (what: string) => async (id: string, cause?: string) => {
    said.push([what, id, ...(cause === undefined ? [] : [cause])].join(' '));
    if (world.isAway) throw new Error('Step Functions SendTaskSuccess: TimeoutError');
    return world.outcome;
  };
  const lines: unknown[] = [];
  const logger = Object.assign(silentLogger(), { warn: (line: unknown) => lines.push(line) });
  const workflows = createFollowWorkflows({
    now: () => clock.ms,
    logger,
    approvals: { listUnsettled: async () => [...requests.values()] },
    tasks: { told: answer('told'), notTold: answer('notTold'), stillTelling: answer('stillTelling') },
    channelOf: (tenant) => (tenant === 'acme' ? notice.channel : undefined),
    isOurs: async () => world.isOurs,
  });
  /** What was said in looks once a second. */
  const during = async (seconds: number) => {
    const from = said.length;
    for (let i = 0; i < seconds; i += 1) {
      await workflows.look();
      clock.ms += 1000;
    }
    return said.slice(from);
  };
  return Object.assign(world, { workflows, during, lines });
}

test('a workflow is told once that its people have been told', async () => {
  const world = openWorld({ notice });
  assert.deepEqual(await world.during(120), ['told r']);
});

test('where a tenant has no channel, people look at the page, and its workflow waits for no notice', async () => {
  assert.deepEqual(await openWorld({ tenant: 'globex' }).during(120), ['told r']);
});

test('while people are not told yet a workflow hears it well within a heartbeat, and of the notice at once', async () => {
  const world = openWorld();
  assert.deepEqual(await world.during(60), Array(4).fill('stillTelling r'));
  world.add('r', { notice });
  assert.deepEqual(await world.during(60), ['told r']);
});

test('a question behind one line of many is told of, and one that is refused for good is not, with the reason', async () => {
  const world = openWorld();
  world.add('behind');
  world.workflows.told(['behind']);
  await world.during(1);
  world.workflows.refused('r', 'Slack chat.postMessage: not_in_channel');
  // A line that is posted later changes nothing about what was refused.
  world.workflows.told(['r']);
  await world.during(120);
  assert.deepEqual(world.said, ['stillTelling r', 'told behind', 'notTold r Slack chat.postMessage: not_in_channel']);
});

test('a workflow that has not asked yet, or was never started, is asked about less and less, and told when it asks', async () => {
  const world = openWorld({ notice });
  world.outcome = 'not-asked';
  const hour = await world.during(3600);
  assert.ok(hour.length > 100 && hour.length < 130, `${hour.length} times in an hour`);
  world.outcome = 'taken';
  assert.deepEqual(await world.during(60), ['told r']);
});

test('nobody waits with the token: asked once more, since a workflow may be about to take a new one', async () => {
  const world = openWorld({ notice });
  world.outcome = 'over';
  assert.ok((await world.during(5)).length >= 2);
  world.outcome = 'taken';
  assert.deepEqual(await world.during(20), ['told r']);
  const ended = openWorld({ notice });
  ended.outcome = 'over';
  assert.ok((await ended.during(3600)).length < 8);
});

test('Step Functions that is away is one line for all questions, and they are told when it is back', async () => {
  const world = openWorld({ notice });
  for (let n = 0; n < 50; n += 1) world.add(`r${n}`);
  world.isAway = true;
  await world.during(1);
  assert.equal(world.said.length, 51);
  assert.equal(world.lines.length, 1);
  world.isAway = false;
  await world.during(60);
  assert.equal(new Set(world.said).size, 51);
  assert.equal((await world.during(600)).length, 0);
});

test('what is closed is forgotten, and a replica that is not the one says nothing', async () => {
  const world = openWorld();
  world.isOurs = false;
  assert.deepEqual(await world.during(60), []);
  world.isOurs = true;
  world.add('r', { state: 'denied', closedAtMs: opened });
  world.add('late', { expiresAtMs: opened });
  assert.deepEqual(await world.during(60), []);
});
