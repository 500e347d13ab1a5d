import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { settleGraceMs } from '../../runtime/approvals/settle-requests.ts';
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

  test('that was taken back by a process that died is recorded and shown by the sweep', async (t) => {
    const { world, ts, takeBack, granted } = await approved(t);
    let appended = 0;
    world.audit.onAppend = () => {
      appended += 1;
      if (appended === 2) throw new Error('killed');
    };
    await assert.rejects(takeBack('heidi'), { code: 'audit_unavailable' });
    assert.equal(await granted(), undefined);
    world.audit.onAppend = () => {};
    await world.deps.settle();
    assert.deepEqual(outcomes(world).at(-1), ['approval_revoked', 'pending', 'heidi']);
    world.clock.ms += settleGraceMs;
    await world.deps.settle();
    await world.deps.settle();
    const revoked = world.audit.events.filter(({ event }) => event === 'approval_revoked');
    assert.deepEqual(
      revoked.map(({ outcome, detail }) => [outcome, detail?.approver]),
      [
        ['pending', 'heidi'],
        ['ok', 'heidi'],
      ],
    );
    assert.match(card(world, ts), /Taken back by: /);
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
});
