import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type Answer, type DecideDeps, decideRequest } from '../../runtime/approvals/decide-request.ts';
import { createSettleRequests, settleGraceMs } from '../../runtime/approvals/settle-requests.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleQuestion } from '../support/approval.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { createMemoryAudit } from '../support/memory-audit.ts';
import { openPolicy } from '../support/open-policy.ts';

const opened = 1_795_000_000_000;
const day = 86_400_000;
const grace = { subject: 'grace', tenant: 'acme', kind: 'human', roles: ['approver'] } as const;

/** The flows on an embedded store and the repository's policies, with a clock of the test's own. */
async function openApprovals(t: TestContext) {
  const { policy, close: closePolicy } = await openPolicy();
  t.after(closePolicy);
  const { client } = await openTestDynamo(t);
  // Long: what is tested is not waiting.
  const patient = { client, tablePrefix, deadlineMs: 30_000 };
  const approvals = createApprovalStore(patient);
  const grants = createGrantStore(patient);
  const audit = createMemoryAudit();
  const clock = { ms: opened };
  const told: ApprovalRequest[] = [];
  const showing = { fails: false };
  const deps = {
    approvals,
    policy,
    audit,
    logger: silentLogger(),
    now: () => clock.ms,
    showOutcome: async (request: ApprovalRequest) => {
      if (showing.fails) throw new Error('slack is away');
      told.push(request);
    },
  };
  const question = sampleQuestion({ policyRevision: policy.revision() ?? '' });
  const request = await approvals.open(question, opened);
  const answer = (changes: Partial<Answer> = {}, more: Partial<DecideDeps> = {}) =>
    decideRequest(
      { requestId: request.id, approver: grace, verdict: 'approve', reason: undefined, via: 'page', ...changes },
      { ...deps, ...more },
    );
  const records = () => audit.events.map(({ event, outcome, code, detail }) => [event, outcome, code, detail?.state]);
  const restarted = () => createSettleRequests(deps);
  const sweep = restarted();
  return { approvals, grants, audit, clock, told, showing, question, request, answer, records, restarted, sweep };
}

suite('an answer', () => {
  test('that is a yes is on record before it is stored and after, its grant is there, and people are told', async (t) => {
    const { answer, grants, question, records, told, audit, request, approvals } = await openApprovals(t);
    const outcome = await answer();
    assert.equal(outcome.kind, 'decided');
    assert.equal((await grants.find(question, opened + 1))?.approver, 'grace');
    assert.deepEqual(records(), [
      ['approval_decided', 'pending', null, 'open'],
      ['approval_decided', 'ok', null, 'approved'],
    ]);
    const [intent, final] = audit.events;
    assert.equal(intent?.call_id, final?.call_id);
    assert.equal(final?.approval_id, request.id);
    assert.deepEqual(final?.caller, { subject: 'grace', kind: 'human', roles: ['approver'], scopes: [] });
    assert.equal(final?.detail?.asked_by, 'user-1');
    assert.deepEqual(
      told.map(({ state }) => state),
      ['approved'],
    );
    assert.deepEqual(await approvals.listUnsettled(), []);
  });

  test('to several calls at once stands where the question and the tenant offer it, and is on record so', async (t) => {
    const { answer, approvals, audit, grants, question } = await openApprovals(t);
    const bare = await answer({ scope: 'window' });
    assert.deepEqual(bare.kind === 'refused' && bare.reasons, ['window_not_offered']);
    assert.deepEqual([audit.events[0]?.outcome, audit.events[0]?.code], ['refused', 'policy_denied']);

    const same = { '/sql': 'delete from orders where id = $1', '/max_affected_rows': 1 };
    const ask = (callsMax: number) =>
      approvals.open(
        {
          ...question,
          argumentsSha256: String(callsMax).repeat(32),
          window: { callsMax, same, sha256: 'e'.repeat(64) },
        },
        opened,
      );
    const tooMany = await ask(99);
    const other = await answer({ requestId: tooMany.id, scope: 'window' });
    assert.deepEqual(other.kind === 'refused' && other.reasons, ['window_not_offered']);

    const offered = await ask(10);
    const outcome = await answer({ requestId: offered.id, scope: 'window' });
    assert.ok(outcome.kind === 'decided' && outcome.request.decision?.scope === 'window');
    const detail = audit.events.at(-1)?.detail;
    assert.deepEqual([detail?.scope, detail?.window], ['window', offered.window]);
    const another = { ...question, argumentsSha256: 'b'.repeat(64) };
    const found = await grants.findWindow(another, { sameSha256: 'e'.repeat(64), max: 10 }, opened + 1);
    assert.deepEqual(found?.calls, { max: 10, used: 0, sameSha256: 'e'.repeat(64) });
    assert.equal(await grants.find(offered, opened + 1), undefined, 'and no yes to one call beside it');
    const again = await answer({ requestId: offered.id });
    assert.ok(
      again.kind === 'closed' && !again.isOwn,
      'whoever then says yes to one call is told that another answer stands',
    );
  });

  test('that is a no needs a reason, and the reason loses what must not be shown', async (t) => {
    const { answer, grants, question } = await openApprovals(t);
    for (const reason of [undefined, '', '  ']) {
      const refused = await answer({ verdict: 'deny', reason });
      assert.deepEqual(refused.kind === 'refused' && refused.reasons, ['reason_missing']);
    }
    const outcome = await answer({ verdict: 'deny', reason: ' Ask jane.doe@example.com first. ' });
    assert.ok(outcome.kind === 'decided');
    assert.equal(outcome.request.state, 'denied');
    assert.match(outcome.request.decision?.reason ?? '', /^Ask (?!jane).* first\.$/);
    assert.equal(await grants.find(question, opened + 1), undefined);
  });

  test('that is too long is cut between characters, and stays text that every store takes', async (t) => {
    const { answer } = await openApprovals(t);
    const outcome = await answer({ verdict: 'deny', reason: `${'x'.repeat(499)}😀 and more` });
    assert.ok(outcome.kind === 'decided' && outcome.request.decision?.reason?.isWellFormed());
  });

  test('does not wait for long until everybody is told, which may take Slack a minute', async (t) => {
    const { answer, grants, question } = await openApprovals(t);
    const showing = Promise.withResolvers<void>();
    t.after(() => showing.resolve());
    const outcome = await answer({}, { showOutcome: () => showing.promise, tellingPatienceMs: 1 });
    assert.equal(outcome.kind, 'decided');
    assert.ok(await grants.find(question, opened + 1));
  });

  test('given twice stands once, and is completed when its process died', async (t) => {
    const { answer, grants, question, told } = await openApprovals(t);
    assert.equal((await answer()).kind, 'decided');
    const again = await answer();
    assert.deepEqual([again.kind, again.kind === 'closed' && again.isOwn], ['closed', true]);
    const other = await answer({ approver: { ...grace, subject: 'heidi' }, verdict: 'deny', reason: 'No.' });
    assert.ok(other.kind === 'closed' && !other.isOwn && other.request.decision?.approver === 'grace');
    assert.equal((await grants.find(question, opened + 1))?.approver, 'grace');
    assert.equal(told.length, 1);
  });

  const noes: readonly (readonly [string, Partial<Answer['approver']>, string])[] = [
    ['the one who asked', { subject: 'user-1' }, 'own_request'],
    ['somebody without the role', { roles: ['operator'] }, 'approver_role_missing'],
    ['an agent', { kind: 'agent' }, 'approver_not_a_person'],
  ];
  for (const [who, changes, reason] of noes) {
    test(`of ${who} is refused and recorded, for a yes and for a no`, async (t) => {
      const { answer, records, approvals, request } = await openApprovals(t);
      for (const verdict of ['approve', 'deny'] as const) {
        const outcome = await answer({ approver: { ...grace, ...changes }, verdict, reason: 'So.' });
        assert.deepEqual(outcome.kind === 'refused' && outcome.reasons, [reason]);
      }
      assert.deepEqual(records(), Array(2).fill(['approval_decided', 'refused', 'policy_denied', 'open']));
      assert.equal((await approvals.find(request.id, opened))?.state, 'open');
    });
  }

  test('from another tenant, or to what was never asked, learns nothing, and is on that tenant’s record', async (t) => {
    const { answer, audit } = await openApprovals(t);
    assert.deepEqual(await answer({ approver: { ...grace, tenant: 'globex' } }), { kind: 'unknown' });
    assert.deepEqual(await answer({ requestId: 'A'.repeat(22) }), { kind: 'unknown' });
    assert.deepEqual(
      audit.events.map(({ tenant, outcome, tool, arguments: args }) => [tenant, outcome, tool, args]),
      [
        ['globex', 'refused', null, null],
        ['acme', 'refused', null, null],
      ],
    );
  });

  test('after the question’s time, or under another policy, gives no grant', async (t) => {
    const { answer, clock, grants, question, approvals } = await openApprovals(t);
    const other = await approvals.open({ ...question, policyRevision: 'another' }, opened);
    const stale = await answer({ requestId: other.id });
    assert.deepEqual(stale.kind === 'refused' && stale.reasons, ['policy_changed']);
    clock.ms = opened + day;
    const late = await answer();
    assert.ok(late.kind === 'closed' && late.request.state === 'expired' && !late.isOwn);
    assert.equal(await grants.find(question, clock.ms), undefined);
  });

  test('that cannot be put on record is not stored', async (t) => {
    const { answer, audit, approvals, request } = await openApprovals(t);
    audit.onAppend = () => {
      throw new Error('ENOSPC');
    };
    await assert.rejects(answer(), (error) => error instanceof Refusal && error.code === 'audit_unavailable');
    assert.equal((await approvals.find(request.id, opened))?.state, 'open');
  });
});

suite('the sweep', () => {
  test('expires what nobody answered, once, on record and told', async (t) => {
    const { sweep, clock, records, told, approvals } = await openApprovals(t);
    clock.ms = opened + day - 1;
    await sweep();
    assert.deepEqual(records(), []);
    clock.ms = opened + day;
    await Promise.all([sweep(), sweep()]);
    await sweep();
    assert.deepEqual(records(), [['approval_expired', 'ok', null, 'expired']]);
    assert.equal(told.length, 1);
    assert.deepEqual(await approvals.listUnsettled(), []);
  });

  test('records and tells what its process did not get to, after a minute', async (t) => {
    const { sweep, clock, records, told, approvals, request } = await openApprovals(t);
    await approvals.decide(
      request.id,
      { verdict: 'approve', approver: 'grace', reason: undefined, via: 'page' },
      opened,
    );
    clock.ms = opened + settleGraceMs - 1;
    await sweep();
    assert.deepEqual(records(), []);
    clock.ms = opened + settleGraceMs;
    await sweep();
    await sweep();
    assert.deepEqual(records(), [['approval_decided', 'ok', null, 'approved']]);
    assert.equal(told.length, 1);
  });

  test('tells an outcome until it was told, and does not record again what whoever answered recorded', async (t) => {
    const { sweep, clock, records, told, showing, answer } = await openApprovals(t);
    showing.fails = true;
    assert.equal((await answer()).kind, 'decided');
    clock.ms = opened + settleGraceMs;
    await sweep();
    await sweep();
    showing.fails = false;
    await sweep();
    await sweep();
    assert.deepEqual(records(), [
      ['approval_decided', 'pending', null, 'open'],
      ['approval_decided', 'ok', null, 'approved'],
    ]);
    assert.equal(told.length, 1);
  });

  test('records an outcome once that it cannot tell, also after it was started anew', async (t) => {
    const { restarted, clock, records, told, showing } = await openApprovals(t);
    showing.fails = true;
    clock.ms = opened + day;
    await restarted()();
    clock.ms += settleGraceMs;
    await restarted()();
    showing.fails = false;
    await restarted()();
    assert.deepEqual(records(), [['approval_expired', 'ok', null, 'expired']]);
    assert.equal(told.length, 1);
  });

  test('records what a process stored and did not record as the act of that process', async (t) => {
    const { sweep, clock, audit, answer } = await openApprovals(t);
    let appended = 0;
    audit.onAppend = () => {
      appended += 1;
      if (appended === 2) throw new Error('killed');
    };
    await assert.rejects(answer(), { code: 'audit_unavailable' });
    clock.ms = opened + settleGraceMs;
    await sweep();
    const [intent, final] = audit.events;
    assert.deepEqual([intent?.outcome, final?.outcome, final?.detail?.approver], ['pending', 'ok', 'grace']);
    assert.equal(final?.call_id, intent?.call_id);
    assert.equal(final?.detail?.closed_call_id, intent?.call_id);
  });
});
