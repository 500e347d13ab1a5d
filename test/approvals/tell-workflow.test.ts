import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellWorkflow } from '../../runtime/approvals/tell-workflow.ts';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import type { TaskOutcome } from '../../runtime/shared/workflow-tasks.ts';
import { sampleDecision, sampleRequest } from '../support/approval.ts';

const closedAtMs = 1_795_000_001_000;

/** What the workflow heard of a closed request. */
async function heard(changes: Partial<ApprovalRequest>, outcome: TaskOutcome = 'taken', nowMs = closedAtMs) {
  const said: unknown[] = [];
  await tellWorkflow(sampleRequest({ closedAtMs, ...changes }), {
    now: () => nowMs,
    wait: async () => {},
    tenant: (name) => (name === 'acme' ? { same_person: [['grace', 'grace-admin']] } : undefined),
    tasks: {
      answered: async (_id, answer) => {
        said.push(answer);
        return outcome;
      },
      takenBack: async () => {
        said.push('taken back');
        return outcome;
      },
    },
  });
  return said;
}

test('a workflow hears who answered, as the person behind the account, and nothing of what was said', async () => {
  const decision = sampleDecision({ verdict: 'deny', approver: 'grace-admin', reason: 'Not today.' });
  assert.deepEqual(await heard({ state: 'denied', decision }), [
    { verdict: 'deny', approver: { tenant: 'acme', subject: 'grace-admin', person: 'grace' } },
  ]);
});

test('a workflow hears that a question was taken back, and knows by itself that one expired', async () => {
  assert.deepEqual(await heard({ state: 'withdrawn' }), ['taken back']);
  assert.deepEqual(await heard({ state: 'withdrawn' }, 'not-asked'), ['taken back']);
  assert.deepEqual(await heard({ state: 'expired' }), []);
});

test('an answer that a workflow has not asked for yet is told again, for five minutes', async () => {
  const yes = { state: 'approved', decision: sampleDecision() } as const;
  await assert.rejects(heard(yes, 'not-asked', closedAtMs + 299_999), /has not asked yet/);
  assert.equal((await heard(yes, 'not-asked', closedAtMs + 300_000)).length, 3);
  assert.equal((await heard(yes, 'over')).length, 1);
});
