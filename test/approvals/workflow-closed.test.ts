import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSettleRequests } from '../../runtime/approvals/settle-requests.ts';
import { approvalWorkflow } from '../../runtime/contract/approval-workflow.ts';
import { runWorkflows } from '../../runtime/local/run-workflow.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { createMemoryAudit } from '../support/memory-audit.ts';
import { ask, ending, untilTaken, workflowWorld } from '../support/workflow-world.ts';

test('what the workflow closed by itself is recorded and told by the sweep, once', async (t) => {
  const { client } = await openTestDynamo(t);
  const tableName = `${tablePrefix}grants`;
  const runner = runWorkflows(approvalWorkflow({ tableName, noticeTimeoutS: 60, noticeHeartbeatS: 30 }), client);
  t.after(() => runner.close());
  const world = workflowWorld({
    client,
    tablePrefix,
    starter: runner,
    answers: runner,
    outcomeOf: async (id) => ({ status: runner.outcomeOf(id)?.status ?? 'running' }),
    close: async () => {},
  });
  const expired = await ask({
    ...world,
    starter: { start: (input) => runner.start({ ...input, expiresAtMs: Date.now() }) },
  });
  const untold = await ask(world);
  await untilTaken(() => world.tasks.told(expired.id));
  await untilTaken(() => world.tasks.notTold(untold.id, 'Slack is down.'));
  for (const { id } of [expired, untold]) await ending(world, id);

  const audit = createMemoryAudit();
  const shown: string[] = [];
  const settle = createSettleRequests({
    approvals: world.store,
    audit,
    logger: silentLogger(),
    // The sweep leaves a minute to whoever closed a request.
    now: () => Date.now() + 120_000,
    showOutcome: async ({ id, state }) => {
      shown.push(`${id} ${state}`);
    },
  });
  await settle();
  await settle();
  assert.deepEqual(shown.sort(), [`${expired.id} expired`, `${untold.id} withdrawn`].sort());
  assert.deepEqual(
    audit.events.map(({ event }) => event),
    ['approval_expired', 'approval_expired'],
  );
});
