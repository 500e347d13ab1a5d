import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { auditQueries } from '../../lib/audit-queries.ts';
import { type Answer, type DecideDeps, decideRequest } from '../../runtime/approvals/decide-request.ts';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import { approvalOf, openApprovalWorld } from '../support/approval-world.ts';
import { localAuditBucket, openBucketTestWriter } from '../support/audit-bucket.ts';
import { auditEvent, testFolder } from '../support/audit-events.ts';
import { openRecords } from './duckdb-records.ts';

const legacy = { era: 'legacy' } as const;

/** What a gateway and the approvals service wrote on one day, and one change that nobody approved. */
test("the auditor's queries on people's yes and no, over what the services wrote", async (t) => {
  const world = await openApprovalWorld(t);
  const answer = (requestId: string, subject: string, more: Partial<Answer> = {}) => {
    const approver = { subject, tenant: 'acme', kind: 'human', roles: ['approver'] } as const;
    const given: Answer = { requestId, approver, verdict: 'approve', reason: undefined, via: 'page', ...more };
    return decideRequest(given, {
      approvals: world.store,
      policy: world.deps.policy as unknown as DecideDeps['policy'],
      audit: world.audit,
      now: world.now,
      showOutcome: async () => {},
    });
  };
  const ask = async (text: string) => approvalOf(await world.change({ ...legacy, arguments: { text } }));

  const ran = await ask('one');
  await answer(ran, 'ada');
  assert.equal((await answer(ran, 'grace')).kind, 'decided');
  assert.equal((await answer(ran, 'grace')).kind, 'closed');
  await world.change({ ...legacy, arguments: { text: 'one' } });
  const denied = await ask('two');
  await answer(denied, 'grace', { verdict: 'deny', reason: 'She said "verdict":"approve" to me.' });
  const unused = await ask('three');
  await answer(unused, 'grace', { via: 'slack' });

  const bucket = await localAuditBucket(t);
  const folder = testFolder(t);
  const writer = await openBucketTestWriter(folder, bucket.objects);
  for (const event of world.audit.events) await writer.append(event);
  // Processes that died before the marks of these: others recorded the acts again.
  const again = world.audit.events.filter(
    ({ event, outcome }) => /^approval_(requested|decided)$/.test(event) && outcome === 'ok',
  );
  const isQuestion = (event: AuditEvent) => event.event === 'approval_requested';
  for (const event of again)
    await writer.append({ ...event, reason: 'Again.', caller: isQuestion(event) ? event.caller : null });
  const [{ time = '' } = {}] = world.audit.events;
  const forged = { event: 'mcp_call_intent', outcome: 'pending', tenant: 'acme', time, call_id: 'forged' } as const;
  await writer.append(auditEvent({ ...forged, approval_id: 'nobody-said-so' }));
  await writer.close();
  const records = await openRecords(await bucket.copy(join(folder, 'copy')));
  t.after(() => records.close());
  const query = (name: string, ...more: readonly string[]) => {
    const sql = auditQueries.find((each) => each.name === name)?.sql.replaceAll('{table}', 'records') ?? '';
    return records.ask(sql, 'acme', time.slice(0, 10), ...more);
  };

  await t.test('who answered what for whom', async () => {
    const rows = await query('who-answered-what-for-whom');
    assert.deepEqual(
      rows.map(({ approver, verdict, via, asked_by, tool, approval_id }) => [
        approver,
        verdict,
        via,
        asked_by,
        tool,
        approval_id,
      ]),
      [
        ['grace', 'approve', 'page', 'ada', 'echo.change', ran],
        ['grace', 'deny', 'page', 'ada', 'echo.change', denied],
        ['grace', 'approve', 'slack', 'ada', 'echo.change', unused],
      ],
    );
    assert.deepEqual(rows[0]?.policy_reasons, ['destructive_tool']);
  });

  await t.test('a question that was recorded twice is one of what its asker did', async () => {
    const rows = await query('everything-one-person-touched', 'ada');
    const asked = rows.filter(({ event }) => event === 'approval_requested').map(({ approval_id }) => approval_id);
    assert.deepEqual(asked, [ran, denied, unused]);
  });

  await t.test('answers that did not count, the asker’s own among them', async () => {
    const rows = await query('answers-that-did-not-count');
    assert.deepEqual(
      rows.map(({ subject, is_own, code, approval_id }) => [subject, is_own, code, approval_id]),
      [['ada', true, 'policy_denied', ran]],
    );
    const refusals = await query('refused-calls-by-reason');
    assert.deepEqual(
      refusals.map(({ code, refusals }) => [code, refusals]),
      [
        ['approval_required', '3'],
        ['policy_denied', '1'],
      ],
    );
  });

  await t.test('yeses that were never used', async () => {
    const rows = await query('yeses-never-used');
    assert.deepEqual(
      rows.map(({ approver, asked_by, approval_id }) => [approver, asked_by, approval_id]),
      [['grace', 'ada', unused]],
    );
  });

  await t.test('calls that ran with a yes, with its receipt', async () => {
    const rows = await query('calls-with-approval');
    assert.deepEqual(
      rows.map(({ subject, outcome, approver, approval_id }) => [subject, outcome, approver, approval_id]),
      [['ada', 'ok', 'grace', ran]],
    );
    assert.match(String(rows[0]?.receipt), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  await t.test('changes without a yes: none but the one that no service wrote', async () => {
    const rows = await query('changes-without-approval');
    assert.deepEqual(
      rows.map(({ call_id, approval_id }) => [call_id, approval_id]),
      [['forged', 'nobody-said-so']],
    );
  });
});
