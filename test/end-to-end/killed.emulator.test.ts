import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { type ApprovalProcesses, openApprovalProcesses, type ServiceProcess } from '../support/approval-processes.ts';
import type { SeenCommand } from '../support/command-proxy.ts';
import { waitFor } from '../support/workflow-world.ts';

// Each process is stopped at one command, before it is sent or before its answer comes back, killed with SIGKILL and started again. The
// executions have long enough for the sweep, which leaves a minute to whoever closed a question.
let world: ApprovalProcesses;
before(async () => {
  world = await openApprovalProcesses({ noticeS: 240, decisionS: 240 });
});
after(() => world?.close());

const item =
  (action: string, ...parts: readonly string[]) =>
  (command: SeenCommand) =>
    command.action === action && parts.every((part) => command.body.includes(part));
const started = item('StartExecution');
const told = item('SendTaskSuccess', '"output":"{}"');
const answered = item('SendTaskSuccess', 'verdict');
const commands = {
  'the call is claimed': item('PutItem', 'asked#'),
  'the request is written': item('PutItem', '"request#', '"unsettled_tenant"'),
  'the workflow is started': started,
  'the card is claimed': item('UpdateItem', 'noticeClaimedAtMs'),
  'the card is noted': item('UpdateItem', 'noticeMessage = '),
  'the workflow is told of the card': told,
  'the outcome is written': item('UpdateItem', ':verdict'),
  'the yes is written': item('PutItem', '"call#', '"approver"'),
  'the outcome is noted as recorded': item('UpdateItem', 'outcomeRecorded'),
  'the workflow is told of the outcome': answered,
  'the yes is used': item('UpdateItem', '"call#', 'used_at'),
} as const;
type Step = keyof typeof commands;

/** Stops `process` there while `work` is under way, kills it, and starts it again. */
async function killedAt(
  process: ServiceProcess,
  step: Step,
  isSent: boolean,
  work: () => Promise<unknown>,
  /** What the command is about, where the sweep sends the like about others. */
  about = '',
) {
  const at = (command: SeenCommand) => commands[step](command) && command.body.includes(about);
  const reached = process.aws.stop({ at, isSent });
  const working = work().catch(() => undefined);
  await waitFor(
    () => Promise.race([reached.then(() => true), new Promise<false>((next) => setTimeout(next, 50, false))]),
    60_000,
  );
  await process.kill();
  await working;
  await process.start();
}

/** From wherever it stands to the end: it runs at most once for each yes, and the record says why. */
async function finish(text: string): Promise<ApprovalRequest> {
  const before = world.runs(text);
  assert.equal(before, 0, 'nothing runs without a yes');
  const request = await world.ask(text);
  const { id } = request;
  await world.answer(await world.card(id), 'toolgate_approve');
  await runsOnce(text, id);
  return request;
}

async function runsOnce(text: string, id: string): Promise<void> {
  await world.callUntil(text, undefined);
  await world.callUntil(text, 'approval_required');
  assert.equal(world.runs(text), 1);
  const records = await world.records(id);
  const ran = records.filter(({ event }) => event === 'mcp_call_intent');
  assert.equal(ran.length, 1, 'the run is on record with its approval');
  assert.equal(acts(records, 'approval_requested').length, 1, 'and that people were asked, as one act');
  assert.ok(
    records.some(({ event, detail }) => event === 'approval_decided' && detail?.verdict === 'approve'),
    'and so is who approved it',
  );
}

/** Call ids of what stands for this event, each once. */
function acts(records: readonly AuditRecord[], event: AuditRecord['event']): readonly string[] {
  const own = records.filter((each) => each.event === event && each.outcome === 'ok');
  return [...new Set(own.map(({ call_id }) => call_id))];
}

const bothWays = [false, true].map((isSent) => ({
  isSent,
  when: isSent ? 'before the answer came' : 'before it was sent',
}));

suite('a gateway that is killed while it asks', () => {
  for (const step of ['the call is claimed', 'the request is written', 'the workflow is started'] as const) {
    for (const { isSent, when } of bothWays) {
      test(`as ${step}, ${when}: the same call asks, is approved and runs once`, async () => {
        const text = `ask: ${step}, ${when}`;
        await killedAt(world.gateway, step, isSent, () => world.call(text));
        const { id } = await finish(text);
        assert.deepEqual(await world.ended(id), ['SUCCEEDED', 'approved', 'ExecutionSucceeded']);
      });
    }
  }
});

suite('an approvals service that is killed while it tells people', () => {
  for (const step of ['the card is claimed', 'the card is noted', 'the workflow is told of the card'] as const) {
    for (const { isSent, when } of bothWays) {
      test(`as ${step}, ${when}: somebody is told, and the call is approved and runs once`, async () => {
        const text = `tell: ${step}, ${when}`;
        let id = '';
        await killedAt(world.approvals, step, isSent, async () => {
          ({ id } = await world.ask(text));
        });
        const request = await world.ask(text);
        assert.ok(id === '' || request.id === id, 'it is the same question');
        await world.answer(await world.card(request.id), 'toolgate_approve');
        await runsOnce(text, request.id);
        assert.deepEqual(await world.ended(request.id), ['SUCCEEDED', 'approved', 'ExecutionSucceeded']);
      });
    }
  }
});

/** Requests whose answer a dead process may not have recorded and told, and how often it is then on record. */
const approved: { readonly id: string; readonly records: number }[] = [];
const answering = [
  'the outcome is written',
  'the yes is written',
  'the outcome is noted as recorded',
  'the workflow is told of the outcome',
] as const;

suite('an approvals service that is killed while somebody says yes', () => {
  for (const step of answering) {
    for (const { isSent, when } of bothWays) {
      test(`as ${step}, ${when}: a yes that stands runs the call once, and one that does not is asked for`, async () => {
        const text = `yes: ${step}, ${when}`;
        const request = await world.ask(text);
        const card = await world.card(request.id);
        // Nothing but the token is in what a workflow is told.
        const about = step === 'the workflow is told of the outcome' ? '' : request.id;
        await killedAt(world.approvals, step, isSent, () => world.press(card, 'toolgate_approve'), about);
        const stands = (await world.store.find(request.id, Date.now()))?.state === 'approved';
        if (about !== '') assert.equal(stands, step !== 'the outcome is written' || isSent);
        if (!stands) {
          await world.callUntil(text, 'approval_required');
          assert.equal(world.runs(text), 0);
          await world.answer(card, 'toolgate_approve');
        }
        await world.callUntil(text, undefined);
        await world.callUntil(text, 'approval_required');
        assert.equal(world.runs(text), 1);
        const isRecordedAgain = step === 'the outcome is noted as recorded' && !isSent;
        approved.push({ id: request.id, records: isRecordedAgain ? 2 : 1 });
      });
    }
  }
});

suite('a gateway that is killed while it runs an approved call', () => {
  for (const { isSent, when } of bothWays) {
    test(`as the yes is used, ${when}: it runs once, or the yes is spent and the next call asks anew`, async () => {
      const text = `use: ${when}`;
      const request = await world.ask(text);
      await world.answer(await world.card(request.id), 'toolgate_approve');
      await killedAt(world.gateway, 'the yes is used', isSent, () => world.call(text));
      assert.equal(world.runs(text), 0);
      if (isSent) {
        await world.callUntil(text, 'approval_required');
        assert.notEqual((await world.ask(text)).id, request.id);
        assert.equal(world.runs(text), 0, 'a yes that was used up before the call ran is no yes');
      } else {
        await runsOnce(text, request.id);
      }
    });
  }

  test('while the tool server works: the intent is on record with the approval, the outcome is unknown, and nothing runs twice', async () => {
    const text = 'run: while the tool server works';
    const request = await world.ask(text);
    await world.answer(await world.card(request.id), 'toolgate_approve');
    const reached = Promise.withResolvers<void>();
    const { reply } = world.upstream;
    world.upstream.reply = () => reached.resolve();
    const calling = world.call(text).catch(() => undefined);
    await reached.promise;
    await world.gateway.kill();
    await calling;
    world.upstream.reply = reply;
    await world.gateway.start();
    await world.callUntil(text, 'approval_required');
    assert.notEqual((await world.ask(text)).id, request.id);
    assert.equal(world.runs(text), 1);
    const records = await world.records(request.id);
    const intent = records.find(({ event }) => event === 'mcp_call_intent');
    assert.deepEqual(
      records.filter(({ call_id }) => call_id === intent?.call_id).map(({ event }) => event),
      ['mcp_call_intent'],
    );
  });
});

test('what a dead process did not record and tell, the sweep does a minute later, as one act whatever is on record already', async () => {
  const ends = await Promise.all(approved.map(({ id }) => world.ended(id)));
  for (const end of ends) assert.deepEqual(end, ['SUCCEEDED', 'approved', 'ExecutionSucceeded']);
  for (const { id, records: times } of approved) {
    const records = await world.records(id);
    assert.equal(acts(records, 'approval_requested').length, 1);
    const { closedCallId } = (await world.store.find(id, Date.now())) ?? {};
    const outcome = records.filter(
      ({ event, outcome, call_id }) => event === 'approval_decided' && outcome === 'ok' && call_id === closedCallId,
    );
    assert.equal(outcome.length, times, JSON.stringify(outcome));
    assert.equal(records.filter(({ event }) => event === 'mcp_call_intent').length, 1);
  }
});

test('after all of it both records verify', async () => {
  assert.deepEqual(await world.findings(), []);
});
