import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WorkflowInput } from '../../../runtime/contract/workflow-input.ts';
import { createStartWorkflow } from '../../../runtime/gateway/approval/start-workflow.ts';
import { type ApprovalWorld, approvalOf, openApprovalWorld } from '../../support/approval-world.ts';

const tenant = () => ({ same_person: [['ada-admin', 'ada']] });

async function openWorld(t: TestContext, startedMax?: number) {
  const world = await openApprovalWorld(t);
  const inputs: WorkflowInput[] = [];
  const state = { isAway: false };
  const starter = {
    async start(input: WorkflowInput) {
      if (state.isAway) throw new Error('socket hang up');
      inputs.push(input);
    },
  };
  const replica = () => {
    const startWorkflow = createStartWorkflow({ starter, tenant, ...(startedMax !== undefined && { startedMax }) });
    world.override({ startWorkflow });
  };
  replica();
  return { world, inputs, state, replica };
}

test('the workflow of a question is started with who asks, as the person behind the account', async (t) => {
  const { world, inputs } = await openWorld(t);
  const id = approvalOf(await world.change());
  const { expiresAtMs } = (await world.store.find(id, world.now())) ?? {};
  assert.deepEqual(
    inputs.map(({ request, grant, ...rest }) => rest),
    [{ v: 1, requestId: id, tenant: 'acme', subject: 'ada', person: 'ada-admin', expiresAtMs }],
  );
  assert.equal(JSON.stringify(inputs).includes('delete order'), false, 'nothing of the call');
});

test('an identical call starts nothing again, and one that reaches another replica does so once', async (t) => {
  const { world, inputs, replica } = await openWorld(t);
  const id = approvalOf(await world.change());
  await world.change();
  assert.equal(inputs.length, 1);
  replica();
  await world.change();
  await world.change();
  assert.deepEqual(
    inputs.map(({ requestId }) => requestId),
    [id, id],
  );
});

test('a workflow that cannot be started is no approval, and the identical call starts it', async (t) => {
  const { world, inputs, state } = await openWorld(t);
  state.isAway = true;
  const answer = await world.change();
  assert.deepEqual([answer.status, answer.json.error.data.code], [503, 'approval_unavailable']);
  assert.doesNotMatch(answer.text, /socket|workflow/);
  assert.deepEqual(events(world), ['approval_requested ok -', 'mcp_call failed approval_unavailable']);
  assert.match(String(world.lastEvent().reason), /workflow of the request could not be started/);
  state.isAway = false;
  const id = approvalOf(await world.change());
  assert.deepEqual(
    inputs.map(({ requestId }) => requestId),
    [id],
  );
  assert.equal(world.upstream.seen.length, 0);
});

test('a question that is answered starts nothing', async (t) => {
  const { world, inputs, replica } = await openWorld(t);
  const id = approvalOf(await world.change());
  await world.deny(id, 'No.');
  replica();
  const answer = await world.change();
  assert.equal(answer.json.result._meta['dev.toolgate/error'].code, 'approval_denied');
  assert.equal(inputs.length, 1);
});

test('what is remembered is bounded: the oldest is forgotten first', async (t) => {
  const { world, inputs } = await openWorld(t, 2);
  const asked = ['a', 'b', 'c'].map((text) => ({ arguments: { text } }));
  for (const each of asked) await world.change(each);
  for (const each of asked.slice(1)) await world.change(each);
  assert.equal(inputs.length, 3);
  await world.change(asked[0]);
  assert.equal(inputs.length, 4);
});

function events({ audit }: ApprovalWorld): readonly string[] {
  return audit.events.map(({ event, outcome, code }) => `${event} ${outcome} ${code ?? '-'}`);
}
