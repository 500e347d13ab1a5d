import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { approvalWorkflow, type WorkflowDefinition } from '../../runtime/contract/approval-workflow.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { runWorkflows } from '../../runtime/local/run-workflow.ts';
import { paced } from '../support/paced-workflow.ts';
import { workflowSuite } from '../support/workflow-suite.ts';
import { ask, ending, tokenOf, type WorkflowUnderTest, waitFor, workflowWorld } from '../support/workflow-world.ts';

const tableName = 'workflow-grants';

async function open(definition: WorkflowDefinition): Promise<WorkflowUnderTest> {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  const tablePrefix = 'workflow-';
  await createTables(client, tablePrefix, tables);
  const runner = runWorkflows(definition, client);
  let closing: Promise<void> | undefined;
  return {
    client,
    tablePrefix,
    starter: runner,
    answers: runner,
    async outcomeOf(requestId) {
      const end = runner.outcomeOf(requestId);
      if (end === undefined || end.status === 'running') return { status: 'running' };
      if (end.status === 'failed') return { status: 'failed', error: end.error };
      return { status: 'succeeded', outcome: end.output };
    },
    close() {
      closing ??= (async () => {
        runner.close();
        client.destroy();
        await dynamo.close();
      })();
      return closing;
    },
  };
}

workflowSuite('the runner of the laptop', (pace) =>
  open(paced(approvalWorkflow({ tableName, noticeTimeoutS: 60, noticeHeartbeatS: 30 }), pace)),
);

async function openWorld(t: TestContext, noticeHeartbeatS: number) {
  const made = await open(approvalWorkflow({ tableName, noticeTimeoutS: 60, noticeHeartbeatS }));
  t.after(made.close);
  return workflowWorld(made);
}

test('people have until the request expires, by its own time and not by one that somebody set', async (t) => {
  const world = await openWorld(t, 30);
  const request = await ask({
    ...world,
    starter: { start: (input) => world.starter.start({ ...input, expiresAtMs: 1 }) },
  });
  await waitFor(() => world.tasks.told(request.id));
  assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'expired' } });
});

test('whoever tells people and goes silent is taken for gone, and the next one gets a new token', async (t) => {
  const world = await openWorld(t, 1);
  const { id } = await ask(world);
  const first = String(await waitFor(() => tokenOf(world, id, 'notice')));
  const started = performance.now();
  // While it says that it is still trying, nothing changes, for longer than one heartbeat.
  await waitFor(async () => {
    assert.equal(await world.tasks.stillTelling(id), true);
    return performance.now() - started > 1500;
  });
  assert.equal(await tokenOf(world, id, 'notice'), first);
  const second = await waitFor(async () => {
    const token = await tokenOf(world, id, 'notice');
    return token === first ? undefined : token;
  });
  assert.equal(await world.answers.succeed(first, {}), false);
  assert.equal(await world.answers.succeed(second, {}), true);
  await waitFor(() => tokenOf(world, id, 'decision'));
});

test('a runner that is closed starts nothing and answers nothing', async (t) => {
  const world = await openWorld(t, 30);
  const { id } = await ask(world);
  const token = String(await waitFor(() => tokenOf(world, id, 'notice')));
  await world.close();
  assert.equal(await world.answers.succeed(token, {}), false);
});
