import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { pino } from 'pino';
import type { ApprovalQuestion } from '../../runtime/contract/approval.ts';
import { approvalWorkflow } from '../../runtime/contract/approval-workflow.ts';
import { taskTokenAttribute } from '../../runtime/contract/workflow-input.ts';
import { runWorkflows, type WorkflowRunner } from '../../runtime/local/run-workflow.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { workflowInput } from '../../runtime/shared/workflow-input.ts';
import { sampleQuestion } from '../support/approval.ts';
import { openApprovalsWorld } from '../support/approvals-world.ts';
import { tablePrefix } from '../support/local-dynamo.ts';

const approver = { subject: 'grace', tenant: 'acme', kind: 'human', roles: ['approver'] } as const;

/** The approvals service, with the workflow of each question on the laptop's runner. */
async function openWorld(t: TestContext) {
  const lines: string[] = [];
  let runner: WorkflowRunner | undefined;
  const world = await openApprovalsWorld(
    t,
    {},
    {
      logger: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }),
      workflow(client) {
        const tableName = `${tablePrefix}grants`;
        runner = runWorkflows(approvalWorkflow({ tableName, noticeTimeoutS: 60, noticeHeartbeatS: 30 }), client);
        return runner;
      },
    },
  );
  t.after(() => runner?.close());
  // Executions go by the real time.
  world.clock.ms = Date.now();
  const grants = createGrantStore({ client: world.dynamo.client, tablePrefix });
  return Object.assign(world, {
    lines,
    async open(changes: Partial<ApprovalQuestion> = {}) {
      const question = sampleQuestion({ policyRevision: world.deps.policy.revision() ?? '', ...changes });
      const request = await world.deps.approvals.open(question, world.clock.ms);
      await runner?.start(workflowInput(request));
      await world.until(async () => (await tokens(world.dynamo.client)).length > 0, 'the workflow asks');
      return request;
    },
    isUsable: async (call: Parameters<typeof grants.find>[0]) =>
      (await grants.find(call, world.clock.ms)) !== undefined,
    ended: async (id: string) => {
      await world.until(() => runner?.outcomeOf(id)?.status !== 'running', 'the workflow ends');
      return runner?.outcomeOf(id);
    },
    /** The service looks until the workflow goes on to asking for the decision. */
    goesOn: (id: string) =>
      world.until(async () => {
        await world.deps.followWorkflows?.();
        world.clock.ms += 1000;
        const found = await tokens(world.dynamo.client);
        return found.some((item) => item.pk === `workflow#${id}` && item.sk === 'task#decision');
      }, 'the workflow asks for the decision'),
  });
}

async function tokens(client: Parameters<typeof createGrantStore>[0]['client']) {
  const { Items = [] } = await client.send(
    new ScanCommand({ TableName: `${tablePrefix}grants`, ConsistentRead: true }),
  );
  return Items.map((item) => unmarshall(item)).filter((item) => item[taskTokenAttribute] !== undefined);
}

suite('the workflow of a question, as the approvals service tells it', () => {
  test('a card, a click, and it ends as approved; no task token is in Slack, in the log or in the record', async (t) => {
    const world = await openWorld(t);
    const request = await world.open();
    await world.deps.slack?.follow();
    await world.goesOn(request.id);
    const found = await tokens(world.dynamo.client);
    assert.equal(found.length, 2);
    const ts = [...world.slack.messages.keys()][0] ?? '';
    await world.person('UGRACE', { subject: 'grace' });
    assert.equal(await world.press({ message: ts, action: 'toolgate_approve', userId: 'UGRACE' }), 200);
    assert.deepEqual(await world.ended(request.id), { status: 'succeeded', output: { outcome: 'approved' } });
    assert.equal(await world.isUsable(request), true);
    const { messages, whispers, dialogs } = world.slack;
    const said = JSON.stringify([world.lines, world.audit.events, [...messages.values()], whispers, dialogs]);
    for (const item of found) assert.ok(!said.includes(String(item[taskTokenAttribute])));
  });

  test('a no on the page before anybody was told ends it as denied', async (t) => {
    const world = await openWorld(t);
    const { id } = await world.open();
    const answer = { requestId: id, approver, verdict: 'deny', reason: 'No.', via: 'page' } as const;
    assert.equal((await world.deps.decide(answer)).kind, 'decided');
    assert.deepEqual(await world.ended(id), { status: 'succeeded', output: { outcome: 'denied' } });
    assert.deepEqual(await world.deps.approvals.listUnsettled(), []);
  });

  test('a tenant without a channel is told by the page: its workflow asks for the decision at once', async (t) => {
    const world = await openWorld(t);
    const { id } = await world.open({ tenant: 'globex' });
    await world.goesOn(id);
  });

  test('a question that Slack will not take is taken back and recorded, and the next call asks anew', async (t) => {
    const world = await openWorld(t);
    const request = await world.open();
    world.slack.fault = (method) => (method === 'chat.postMessage' ? { error: 'is_archived' } : undefined);
    await world.deps.slack?.follow();
    await world.deps.followWorkflows?.();
    const ended = await world.ended(request.id);
    assert.equal(ended?.status === 'failed' ? ended.error : ended?.status, 'Toolgate.NoticeNotSent');
    assert.equal(await world.state(request.id), 'withdrawn');
    await world.deps.settle();
    assert.deepEqual(world.records(), [['approval_expired', 'ok', null]]);
    const { reason, detail } = world.audit.events[0] ?? {};
    assert.deepEqual(
      [reason, detail?.state],
      ['Nobody could be told of the question, so it was taken back.', 'withdrawn'],
    );
    assert.notEqual((await world.open()).id, request.id);
    const late = { requestId: request.id, approver, verdict: 'approve', reason: undefined, via: 'page' } as const;
    assert.equal((await world.deps.decide(late)).kind, 'closed');
    assert.equal(await world.isUsable(request), false);
  });

  test('while Slack is away nothing is taken back, and the card is posted when it is there again', async (t) => {
    const world = await openWorld(t);
    const request = await world.open();
    world.slack.fault = (method) => (method === 'chat.postMessage' ? { status: 500, error: 'fatal_error' } : undefined);
    await world.deps.slack?.follow();
    await world.deps.followWorkflows?.();
    assert.equal(await world.state(request.id), 'open');
    world.slack.fault = () => undefined;
    world.clock.ms += 60_000;
    await world.deps.slack?.follow();
    await world.goesOn(request.id);
  });

  test('a workflow that could not be told of an answer is told by the sweep, and the card is not changed again', async (t) => {
    const world = await openWorld(t);
    const request = await world.deps.approvals.open(
      sampleQuestion({ policyRevision: world.deps.policy.revision() ?? '' }),
      world.clock.ms,
    );
    await world.deps.slack?.follow();
    const answer = { requestId: request.id, approver, verdict: 'approve', reason: undefined, via: 'page' } as const;
    assert.equal((await world.deps.decide(answer)).kind, 'decided');
    // The workflow was not started yet, so nothing is settled.
    assert.equal((await world.deps.approvals.listUnsettled()).length, 1);
    await world.open();
    world.clock.ms += 60_000;
    await world.deps.settle();
    assert.deepEqual(await world.ended(request.id), { status: 'succeeded', output: { outcome: 'approved' } });
    assert.deepEqual(await world.deps.approvals.listUnsettled(), []);
    assert.deepEqual(
      [...world.slack.messages.values()].map(({ updates }) => updates),
      [1],
    );
  });
});
