import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalDecision, ApprovalRequest } from '../../runtime/contract/approval.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { createQuotaCounter } from '../../runtime/gateway/clients/quota-counter.ts';
import { createTables } from '../../runtime/local/dynamo.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { sampleDecision, sampleQuestion } from '../support/approval.ts';
import { sampleCaller } from '../support/caller.ts';
import { dynamoContract } from '../support/dynamo-contract.ts';
import { sampleGrant } from '../support/grant.ts';
import { startMinistack } from '../support/ministack.ts';

async function start() {
  const { endpoint, region, credentials, close } = await startMinistack();
  const client = createDynamoClient({ endpoint, region, credentials, requestTimeoutMs: 10_000 });
  return {
    client,
    async close() {
      client.destroy();
      await close();
    },
  };
}

dynamoContract('ministack', start);

test('what the stores promise holds on a second implementation of DynamoDB', async (t) => {
  const { client, close } = await start();
  t.after(close);
  const tablePrefix = 'emulator-';
  await createTables(client, tablePrefix, tables);
  const nowMs = 1_795_000_020_000;

  const replicas = [0, 1, 2].map(() =>
    createQuotaCounter({ client, tablePrefix, now: () => nowMs, deadlineMs: 30_000 }),
  );
  // It returns the old item with a failed condition, where dynalite has to be asked for it.
  const people = await Promise.allSettled(
    Array.from({ length: 300 }, (_, i) => replicas[i % 3]?.take(sampleCaller(), undefined, undefined)),
  );
  assert.equal(people.filter(({ status }) => status === 'fulfilled').length, 200);
  const window = { limit: 60, windowMs: 60_000 };
  const calls = await Promise.allSettled(
    Array.from({ length: 200 }, (_, i) =>
      replicas[i % 3]?.take(sampleCaller({ subject: 'agent-1', kind: 'agent' }), 'echo', window),
    ),
  );
  assert.equal(calls.filter(({ status }) => status === 'fulfilled').length, 60);

  const grants = createGrantStore({ client, tablePrefix, deadlineMs: 30_000 });
  const grant = sampleGrant();
  await grants.put(grant);
  const used = await Promise.all(Array.from({ length: 20 }, () => grants.consume(grant, grant.grantedAtMs + 1)));
  assert.equal(used.filter(Boolean).length, 1);

  const approvals = createApprovalStore({ client, tablePrefix, deadlineMs: 30_000 });
  const question = sampleQuestion();
  const asked = await Promise.all(Array.from({ length: 10 }, () => approvals.open(question, nowMs)));
  const [{ id }] = asked as [ApprovalRequest];
  assert.ok(asked.every((request) => request.id === id));
  assert.equal((await approvals.listOpen(question.tenant, nowMs)).length, 1);
  assert.deepEqual(await approvals.listClosed(asked.slice(0, 1), nowMs), []);
  const answers = [sampleDecision(), sampleDecision({ verdict: 'deny', approver: 'approver-2', reason: 'No.' })];
  const closed = await Promise.all(
    Array.from({ length: 10 }, (_, i) => approvals.decide(id, answers[i % 2] as ApprovalDecision, nowMs + 1)),
  );
  assert.equal(closed.filter((each) => each?.isYours).length, 1);
  assert.equal(new Set(closed.map((each) => each?.request.state)).size, 1);
  assert.deepEqual(
    (await approvals.listUnsettled()).map((request) => request.id),
    [id],
  );
  assert.equal((await approvals.listClosed(asked.slice(0, 1), nowMs + 2)).length, 1);
  await approvals.settle(id);
  assert.deepEqual(await approvals.listUnsettled(), []);
  const isStored = (await grants.find(question, nowMs + 2)) !== undefined;
  assert.equal(isStored, closed[0]?.request.state === 'approved');
});
