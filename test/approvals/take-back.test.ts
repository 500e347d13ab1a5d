import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { createGrantUses } from '../../runtime/approvals/clients/grant-uses.ts';
import { settleGraceMs } from '../../runtime/approvals/settle-requests.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { type ApprovalsWorld, openApprovalsWorld } from '../support/approvals-world.ts';
import { tablePrefix } from '../support/local-dynamo.ts';

const person = (subject: string, roles: readonly string[] = ['approver'], tenant = 'acme') =>
  ({ subject, tenant, kind: 'human', roles }) as const;

/** A question that grace approved, with its card. */
async function approved(t: TestContext) {
  const world = await openApprovalsWorld(t);
  for (const [id, subject] of Object.entries({ UGRACE: 'grace', UHEIDI: 'heidi', UASKER: 'user-1' }))
    await world.person(id, { subject });
  const { request, ts } = await world.ask();
  await world.deps.decide({
    requestId: request.id,
    approver: person('grace'),
    verdict: 'approve',
    reason: undefined,
    via: 'page',
  });
  world.audit.events.splice(0);
  const grants = createGrantStore({ client: world.dynamo.client, tablePrefix });
  const takeBack = (subject: string, changes: object = {}) =>
    world.deps.takeBack({
      requestId: request.id,
      approver: person(subject),
      reason: 'The wrong order.',
      via: 'page',
      ...changes,
    });
  return { world, request, ts, grants, takeBack, granted: () => grants.find(request, world.clock.ms) };
}

const card = (world: ApprovalsWorld, ts: string) => JSON.stringify(world.slack.messages.get(ts)?.blocks);
const outcomes = (world: ApprovalsWorld) =>
  world.audit.events.map(({ event, outcome, caller }) => [event, outcome, caller?.subject]);

suite('a yes that nobody used', () => {
  test('is taken back by another approver: no call runs on it, it is on record before and after, and everybody is shown', async (t) => {
    const { world, ts, takeBack, granted, request } = await approved(t);
    assert.equal((await granted())?.approver, 'grace');
    assert.match(card(world, ts), /toolgate_take_back/);
    world.clock.ms += 1000;
    assert.equal((await takeBack('heidi')).kind, 'decided');
    assert.equal(await granted(), undefined);
    assert.deepEqual(outcomes(world), [
      ['approval_revoked', 'pending', 'heidi'],
      ['approval_revoked', 'ok', 'heidi'],
    ]);
    assert.equal(world.audit.events[1]?.detail?.words, 'The wrong order.');
    assert.match(String(world.slack.messages.get(ts)?.text), /^Taken back/);
    assert.match(card(world, ts), /Taken back by: .*heidi.*The wrong order\./);
    assert.doesNotMatch(card(world, ts), /toolgate_take_back/);
    assert.deepEqual(await world.deps.approvals.listUnsettled(), []);
    // The same call asks anew.
    assert.notEqual((await world.deps.approvals.open(request, world.clock.ms)).id, request.id);
    assert.equal((await world.deps.history.list(request, world.clock.ms))[0]?.isTakenBack, true);
  });

  test('is taken back in Slack, by a button and a reason', async (t) => {
    const { world, ts, granted } = await approved(t);
    await world.press({ message: ts, action: 'toolgate_take_back', userId: 'UHEIDI' });
    await world.until(() => world.slack.dialogs.length === 1, 'the dialog');
    await world.submit('UHEIDI', 'Not on a Friday.');
    await world.until(() => outcomes(world).length === 2, 'the record');
    await world.until(() => /Not on a Friday/.test(card(world, ts)), 'the card');
    assert.equal(await granted(), undefined);
    assert.equal(world.audit.events[1]?.detail?.via, 'slack');
  });

  test('is taken back by nobody who could not have answered, nor without a reason', async (t) => {
    const { world, takeBack, granted } = await approved(t);
    const noes = [
      await takeBack('user-1'),
      await takeBack('eve', { approver: person('eve', ['operator']) }),
      await takeBack('heidi', { reason: ' ' }),
    ];
    assert.deepEqual(
      noes.map((no) => no.kind === 'refused' && no.reasons),
      [['own_request'], ['approver_role_missing'], ['reason_missing']],
    );
    assert.equal((await takeBack('far', { approver: person('far', ['approver'], 'globex') })).kind, 'unknown');
    assert.ok(world.audit.events.every(({ outcome }) => outcome === 'refused'));
    assert.equal(world.audit.events[3]?.tenant, 'globex');
    assert.notEqual(await granted(), undefined);
  });

  test('that a call used first is not taken back, and the card says when it ran', async (t) => {
    const { world, ts, takeBack, grants, granted } = await approved(t);
    const grant = await granted();
    assert.ok(grant && (await grants.consume(grant, world.clock.ms)));
    assert.equal((await takeBack('heidi')).kind, 'closed');
    assert.deepEqual(outcomes(world), [['approval_revoked', 'refused', 'heidi']]);
    await world.deps.settle();
    assert.match(card(world, ts), /Ran at: /);
    assert.doesNotMatch(card(world, ts), /toolgate_take_back/);
  });

  test('that is over is not taken back, and the card says that nobody used it', async (t) => {
    const { world, ts, takeBack } = await approved(t);
    world.clock.ms += 15 * 60_000;
    assert.equal((await takeBack('heidi')).kind, 'closed');
    await world.deps.settle();
    assert.match(card(world, ts), /Was not used until: /);
  });

  test('is one person’s to take back, whoever is quicker, and the same person may say it twice', async (t) => {
    const { takeBack, world } = await approved(t);
    const both = await Promise.all([takeBack('heidi'), takeBack('grace')]);
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ['closed', 'decided']);
    const first = both[0]?.kind === 'decided' ? 'heidi' : 'grace';
    const again = await takeBack(first);
    assert.ok(again.kind === 'closed' && again.isOwn);
    assert.equal(world.audit.events.filter(({ outcome }) => outcome === 'refused').length, 1);
  });

  test('stays when that cannot be put on record', async (t) => {
    const { world, takeBack, granted } = await approved(t);
    world.audit.onAppend = () => {
      throw new Error('the disk is full');
    };
    await assert.rejects(takeBack('heidi'), { code: 'audit_unavailable' });
    assert.notEqual(await granted(), undefined);
  });

  test('that was taken back by a process that died is recorded as its act and shown by the sweep, also when its yes is told meanwhile', async (t) => {
    const { world, ts, takeBack, granted, request } = await approved(t);
    diesAtRecord(world, 2);
    await assert.rejects(takeBack('heidi'), { code: 'audit_unavailable' });
    assert.equal(await granted(), undefined);
    world.audit.onAppend = () => {};
    await world.deps.approvals.settle(request.id);
    await world.deps.settle();
    assert.deepEqual(outcomes(world).at(-1), ['approval_revoked', 'pending', 'heidi']);
    world.clock.ms += settleGraceMs;
    await world.deps.settle();
    await world.deps.settle();
    assert.deepEqual(
      world.audit.events.map(({ event, outcome, detail }) => [event, outcome, detail?.approver]),
      [
        ['approval_revoked', 'pending', 'heidi'],
        ['approval_revoked', 'ok', 'heidi'],
      ],
      'and the yes itself is not recorded again',
    );
    assert.equal(world.audit.events[1]?.call_id, world.audit.events[0]?.call_id);
    assert.match(card(world, ts), /Taken back by: /);
    assert.deepEqual(await world.deps.approvals.listUnsettled(), []);
  });

  test('that somebody else took back is recorded once, and whoever was too late leaves nothing to do', async (t) => {
    const { world, takeBack, request } = await approved(t);
    await takeBack('heidi');
    const late = { atMs: world.clock.ms, by: 'grace', reason: 'So.', callId: 'looked-before' };
    const yes = (await world.deps.approvals.find(request.id, world.clock.ms)) as ApprovalRequest;
    const result = await createGrantUses({ client: world.dynamo.client, tablePrefix }).takeBack(yes, late);
    assert.equal(result?.use.takenBack?.by, 'heidi');
    world.clock.ms += settleGraceMs;
    await world.deps.settle();
    assert.deepEqual(outcomes(world), [
      ['approval_revoked', 'pending', 'heidi'],
      ['approval_revoked', 'ok', 'heidi'],
    ]);
    assert.deepEqual(await world.deps.approvals.listUnsettled(), []);
  });
});

suite('an open question', () => {
  test('is withdrawn by whoever asked and by nobody else, on record, and its card says so', async (t) => {
    const world = await openApprovalsWorld(t);
    const { request, ts } = await world.ask();
    const withdraw = (subject: string) =>
      world.deps.withdraw({ requestId: request.id, approver: person(subject), reason: undefined, via: 'page' });
    const other = await withdraw('grace');
    assert.deepEqual(other.kind === 'refused' && other.reasons, ['request_of_another']);
    assert.equal(await world.state(request.id), 'open');
    assert.equal((await withdraw('user-1')).kind, 'decided');
    assert.equal(await world.state(request.id), 'withdrawn');
    assert.match(String(world.slack.messages.get(ts)?.text), /^No longer asked/);
    const again = await withdraw('user-1');
    assert.ok(again.kind === 'closed' && again.isOwn);
    assert.deepEqual(outcomes(world), [
      ['approval_withdrawn', 'refused', 'grace'],
      ['approval_withdrawn', 'pending', 'user-1'],
      ['approval_withdrawn', 'ok', 'user-1'],
      ['approval_withdrawn', 'ok', 'user-1'],
    ]);
  });

  test('that its workflow took back is nothing that its asker can still withdraw, on record', async (t) => {
    const world = await openApprovalsWorld(t);
    const { request } = await world.ask();
    await world.deps.approvals.withdraw(request.id, world.clock.ms, 'workflow');
    const act = { requestId: request.id, approver: person('user-1'), reason: undefined, via: 'page' } as const;
    const answer = await world.deps.withdraw(act);
    assert.ok(answer.kind === 'closed' && !answer.isOwn);
    assert.deepEqual(outcomes(world), [['approval_withdrawn', 'refused', 'user-1']]);
  });

  test('that was withdrawn by a process that died is recorded once, as its act, by the sweep', async (t) => {
    const world = await openApprovalsWorld(t);
    const { request } = await world.ask();
    diesAtRecord(world, 2);
    const act = { requestId: request.id, approver: person('user-1'), reason: undefined, via: 'page' } as const;
    await assert.rejects(world.deps.withdraw(act), { code: 'audit_unavailable' });
    world.audit.onAppend = () => {};
    world.clock.ms += settleGraceMs;
    await world.deps.settle();
    await world.deps.settle();
    assert.deepEqual(outcomes(world), [
      ['approval_withdrawn', 'pending', 'user-1'],
      ['approval_withdrawn', 'ok', undefined],
    ]);
    assert.equal(world.audit.events[1]?.call_id, world.audit.events[0]?.call_id);
  });
});

function diesAtRecord(world: ApprovalsWorld, nth: number): void {
  let appended = 0;
  world.audit.onAppend = () => {
    appended += 1;
    if (appended === nth) throw new Error('killed');
  };
}
