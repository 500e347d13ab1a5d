import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { approvalWorkflow, type WorkflowDefinition } from '../../runtime/contract/approval-workflow.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables, type LocalDynamo, startDynamo } from '../../runtime/local/dynamo.ts';
import { runWorkflows } from '../../runtime/local/run-workflow.ts';
import { workflowInput } from '../../runtime/shared/workflow-input.ts';
import { paced } from '../support/paced-workflow.ts';
import { workflowSuite } from '../support/workflow-suite.ts';
import {
  ask,
  decide,
  ending,
  isUsable,
  tokenOf,
  untilTaken,
  type WorkflowUnderTest,
  waitFor,
  workflowWorld,
} from '../support/workflow-world.ts';

const tableName = 'workflow-grants';

/** @param tables of a runner before this one, which a process that starts again finds */
async function open(definition: WorkflowDefinition, kept?: LocalDynamo): Promise<WorkflowUnderTest> {
  const dynamo = kept ?? (await startDynamo());
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
        if (kept === undefined) await dynamo.close();
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
  await untilTaken(() => world.tasks.told(request.id));
  assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'expired' } });
});

test('whoever tells people and goes silent is taken for gone, and the next one gets a new token', async (t) => {
  const world = await openWorld(t, 1);
  const { id } = await ask(world);
  const first = String(await waitFor(() => tokenOf(world, id, 'notice')));
  const started = performance.now();
  // While it says that it is still trying, nothing changes, for longer than one heartbeat.
  await waitFor(async () => {
    assert.equal(await world.tasks.stillTelling(id), 'taken');
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

test('a process that died is followed by one that starts the same request again, wherever it was', async (t) => {
  const dynamo = await startDynamo();
  t.after(() => dynamo.close());
  const definition = approvalWorkflow({ tableName, noticeTimeoutS: 60, noticeHeartbeatS: 30 });
  const next = async () => {
    const world = workflowWorld(await open(definition, dynamo));
    t.after(world.close);
    return world;
  };
  const first = await next();
  const [untold, told, answered] = [await ask(first), await ask(first), await ask(first)];
  const tell = (world: typeof first, { id }: typeof told) => untilTaken(() => world.tasks.told(id));
  await waitFor(() => tokenOf(first, untold.id, 'notice'));
  for (const request of [told, answered]) await tell(first, request);
  await waitFor(() => tokenOf(first, answered.id, 'decision'));
  await decide(first, answered, 'approve');
  await first.close();

  const second = await next();
  const requests = [untold, told, answered];
  for (const request of requests) await second.starter.start(workflowInput(request));
  for (const request of [untold, told]) {
    await tell(second, request);
    await decide(second, request, 'approve');
  }
  const yes = {
    verdict: 'approve',
    approver: { tenant: 'acme', subject: 'approver-1', person: 'approver-1' },
  } as const;
  for (const request of requests) {
    await untilTaken(() => second.tasks.answered(request.id, yes));
    assert.deepEqual(await ending(second, request.id), { status: 'succeeded', outcome: { outcome: 'approved' } });
    assert.equal(await isUsable(second, request), true);
  }
});
