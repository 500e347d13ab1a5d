import assert from 'node:assert/strict';
import { after, before, suite, type TestContext, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { WorkflowAnswer, WorkflowInput } from '../../runtime/contract/workflow-input.ts';
import { workflowInput } from '../../runtime/shared/workflow-input.ts';
import {
  ask,
  decide,
  decision,
  ending,
  isUsable,
  requestOf,
  tokenOf,
  untilTaken,
  type WorkflowPace,
  type WorkflowUnderTest,
  type WorkflowWorld,
  waitFor,
  workflowWorld,
} from './workflow-world.ts';

const patient: WorkflowPace = { noticeS: 60, decisionS: 60 };
const stranger: WorkflowAnswer = {
  verdict: 'approve',
  approver: { tenant: 'acme', subject: 'approver-1', person: 'approver-1' },
};
const tablePrefix = 'workflow-';

/** What the approval workflow does, whatever runs it. `deploy` makes one, on tables with `tablePrefix`. */
export function workflowSuite(
  name: string,
  deploy: (pace: WorkflowPace, tablePrefix: string) => Promise<WorkflowUnderTest>,
): void {
  suite(`${name} runs the approval workflow`, () => {
    let world: WorkflowWorld;
    before(async () => {
      world = await open(patient);
    });
    after(() => world?.close());

    async function open(pace: WorkflowPace): Promise<WorkflowWorld> {
      return workflowWorld(await deploy(pace, tablePrefix));
    }
    async function openHasty(t: TestContext, pace: Partial<WorkflowPace>): Promise<WorkflowWorld> {
      const hasty = await open({ ...patient, ...pace });
      t.after(() => hasty.close());
      return hasty;
    }

    test('a yes of another person ends it as approved, and its yes can be used', async () => {
      const request = await ask(world);
      await untilTaken(() => world.tasks.told(request.id));
      await decide(world, request, 'approve');
      await untilTaken(() => world.tasks.answered(request.id, stranger));
      assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'approved' } });
      assert.equal(await isUsable(world, request), true);
    });

    test('a no ends it as denied', async () => {
      const request = await ask(world);
      await untilTaken(() => world.tasks.told(request.id));
      await decide(world, request, 'deny');
      await untilTaken(() => world.tasks.answered(request.id, { ...stranger, verdict: 'deny' }));
      assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'denied' } });
    });

    test('somebody may answer before everybody was told', async () => {
      const request = await ask(world);
      await decide(world, request, 'approve');
      await untilTaken(() => world.tasks.answered(request.id, stranger));
      assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'approved' } });
    });

    test('the second answer, and a notice after the end, find nobody waiting', async () => {
      const request = await ask(world);
      await untilTaken(() => world.tasks.told(request.id));
      await untilTaken(() => world.tasks.answered(request.id, stranger));
      await ending(world, request.id);
      assert.equal(await world.tasks.answered(request.id, { ...stranger, verdict: 'deny' }), 'over');
      assert.equal(await world.tasks.told(request.id), 'over');
      assert.equal(await world.tasks.takenBack(request.id), 'over');
      assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'approved' } });
    });

    test('a token that nobody gave answers nothing', async () => {
      assert.equal(await world.answers.succeed('bogus', { verdict: 'approve' }), false);
      assert.equal(await world.answers.fail('bogus', 'Error', 'cause'), false);
      assert.equal(await world.answers.heartbeat('bogus'), false);
      assert.equal(await world.tasks.answered('never-asked', stranger), 'not-asked');
    });

    test('the same request starts one execution', async () => {
      const request = await ask(world);
      const first = await waitFor(() => tokenOf(world, request.id, 'notice'));
      await world.starter.start(workflowInput(request));
      await world.starter.start(workflowInput(request));
      assert.equal(await tokenOf(world, request.id, 'notice'), first);
      await untilTaken(() => world.tasks.told(request.id));
      await untilTaken(() => world.tasks.answered(request.id, stranger));
      await ending(world, request.id);
      await world.starter.start(workflowInput(request));
      assert.equal((await world.outcomeOf(request.id)).status, 'succeeded');
    });

    test("the asker's own yes is revoked, by whichever account, and with whatever is left out", async () => {
      const { approver } = stranger;
      for (const wrong of [
        { ...approver, subject: 'user-1' },
        { ...approver, person: 'person-1' },
        { ...approver, subject: 'person-1' },
        { ...approver, person: 'user-1' },
        { ...approver, tenant: 'globex' },
        { tenant: 'acme', person: 'approver-1' },
        { tenant: 'acme', subject: 'approver-1' },
        { subject: 'approver-1', person: 'approver-1' },
        { ...approver, subject: ['user-1'] },
        { ...approver, subject: null },
        {},
      ]) {
        const request = await ask(world, 'person-1');
        await untilTaken(() => world.tasks.told(request.id));
        await decide(world, request, 'approve');
        assert.equal(await isUsable(world, request), true);
        const answer = { verdict: 'approve', approver: wrong } as WorkflowAnswer;
        await untilTaken(() => world.tasks.answered(request.id, answer));
        const { status, error } = await ending(world, request.id);
        assert.deepEqual([status, error], ['failed', 'Toolgate.NotAnotherPerson'], JSON.stringify(wrong));
        assert.equal(await isUsable(world, request), false);
      }
    });

    test('a yes that is revoked before it is stored is never one', async () => {
      const request = await ask(world);
      await untilTaken(() => world.tasks.told(request.id));
      const own = { ...stranger, approver: { ...stranger.approver, subject: request.subject } };
      await untilTaken(() => world.tasks.answered(request.id, own));
      assert.equal((await ending(world, request.id)).error, 'Toolgate.NotAnotherPerson');
      await decide(world, request, 'approve');
      assert.equal(await isUsable(world, request), false);
    });

    test('a question that nobody can be told of is taken back', async () => {
      const request = await ask(world);
      await untilTaken(() => world.tasks.notTold(request.id, 'Slack says channel_not_found.'));
      assert.equal((await ending(world, request.id)).error, 'Toolgate.NoticeNotSent');
      assert.equal((await world.store.find(request.id, Date.now()))?.state, 'withdrawn');
      const late = await world.store.decide(request.id, { ...decision, verdict: 'approve' }, Date.now());
      assert.deepEqual([late?.isYours, late?.grant], [false, undefined]);
    });

    test('a question that nobody tells anybody of in time is taken back', async (t) => {
      const hasty = await openHasty(t, { noticeS: 2 });
      const request = await ask(hasty);
      assert.equal((await ending(hasty, request.id)).error, 'Toolgate.NoticeNotSent');
      assert.equal((await hasty.store.find(request.id, Date.now()))?.state, 'withdrawn');
    });

    test('an answer counts although the notice fails after it', async () => {
      const request = await ask(world);
      await decide(world, request, 'deny');
      await untilTaken(() => world.tasks.notTold(request.id, 'Slack is down.'));
      assert.deepEqual(await ending(world, request.id), { status: 'succeeded', outcome: { outcome: 'denied' } });
    });

    test('a question that nobody answers expires, and is left for the record', async (t) => {
      const hasty = await openHasty(t, { decisionS: 1 });
      const request = await ask(hasty);
      await untilTaken(() => hasty.tasks.told(request.id));
      assert.deepEqual(await ending(hasty, request.id), { status: 'succeeded', outcome: { outcome: 'expired' } });
      assert.equal((await hasty.store.find(request.id, Date.now()))?.state, 'expired');
      assert.equal(await hasty.tasks.answered(request.id, stranger), 'over');
      const unsettled = await hasty.store.listUnsettled();
      assert.ok(unsettled.some(({ id }) => id === request.id));
    });

    test('an answer that is stored but never told is found when the time is over, and so is whose it is', async (t) => {
      const hasty = await openHasty(t, { decisionS: 1 });
      const [right, wrong] = [await ask(hasty), await ask(hasty)];
      for (const { id } of [right, wrong]) await untilTaken(() => hasty.tasks.told(id));
      await decide(hasty, right, 'approve');
      await decide(hasty, wrong, 'approve', wrong.subject);
      assert.deepEqual(await ending(hasty, right.id), { status: 'succeeded', outcome: { outcome: 'approved' } });
      assert.equal(await isUsable(hasty, right), true);
      assert.equal((await ending(hasty, wrong.id)).error, 'Toolgate.NotAnotherPerson');
      assert.equal(await isUsable(hasty, wrong), false);
    });

    test('a request that its asker took back ends as withdrawn, and one that is still open with a failure', async () => {
      const [gone, open] = [await ask(world), await ask(world)];
      for (const { id } of [gone, open]) await untilTaken(() => world.tasks.told(id));
      await world.store.withdraw(gone.id, Date.now());
      for (const { id } of [gone, open]) await untilTaken(() => world.tasks.takenBack(id));
      assert.deepEqual(await ending(world, gone.id), { status: 'succeeded', outcome: { outcome: 'withdrawn' } });
      assert.equal((await ending(world, open.id)).error, 'Toolgate.OutcomeUnknown');
    });

    test('an input that lacks something is asked of nobody', async () => {
      const { tenant: _, ...rest } = workflowInput(await requestOf(world));
      await world.starter.start(rest as WorkflowInput);
      assert.equal((await ending(world, rest.requestId)).error, 'Toolgate.BadQuestion');
      assert.equal(await tokenOf(world, rest.requestId, 'notice'), undefined);
    });

    test('a task token is in its own item and nowhere else in the tables', async () => {
      const request = await ask(world);
      const token = String(await waitFor(() => tokenOf(world, request.id, 'notice')));
      await untilTaken(() => world.tasks.told(request.id));
      const { Items = [] } = await world.client.send(new ScanCommand({ TableName: `${world.tablePrefix}grants` }));
      const holders = Items.filter((item) => JSON.stringify(item).includes(token)).map((item) => item.pk?.S);
      assert.deepEqual(holders, [`workflow#${request.id}`]);
    });
  });
}
