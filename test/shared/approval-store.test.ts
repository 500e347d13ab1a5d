import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DeleteItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { ApprovalDecision, ApprovalQuestion, ApprovalRequest } from '../../runtime/contract/approval.ts';
import { requestKey } from '../../runtime/shared/approval-items.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleDecision, sampleQuestion } from '../support/approval.ts';
import { openSilentDynamo, openTestDynamo, type TestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const minute = 60_000;
const day = 86_400_000;
const opened = 1_795_000_000_000;
const question = sampleQuestion();
const yes = sampleDecision();
const no = sampleDecision({ verdict: 'deny', reason: 'Not on a Friday.' });
const unavailable = (error: unknown) => error instanceof Refusal && error.code === 'approval_unavailable';
const storesOf = ({ client }: Pick<TestDynamo, 'client'>) => ({
  approvals: createApprovalStore({ client, tablePrefix }),
  grants: createGrantStore({ client, tablePrefix }),
});

suite('a request', () => {
  test('says what was asked, is found by its id and listed for its tenant alone', async (t) => {
    const { approvals } = storesOf(await openTestDynamo(t));
    const request = await approvals.open(question, opened);
    assert.match(request.id, /^[A-Za-z0-9_-]{22}$/);
    const { id, openedAtMs, expiresAtMs, state, closedAtMs, decision, notice, ...asked } = request;
    assert.deepEqual(asked, question);
    assert.deepEqual([openedAtMs, expiresAtMs, state], [opened, opened + day, 'open']);
    assert.deepEqual([closedAtMs, decision, notice], [undefined, undefined, undefined]);
    assert.deepEqual(await approvals.find(id, opened), request);
    assert.deepEqual(await approvals.listOpen('acme', opened), [request]);
    assert.deepEqual(await approvals.listOpen('globex', opened), []);
    assert.deepEqual(await approvals.listUnsettled(), [request]);
    assert.equal(await approvals.find('A'.repeat(22), opened), undefined);
  });

  test('that cannot be read hides no other one from the lists, and is told of by its key', async (t) => {
    const { client } = await openTestDynamo(t);
    const told: string[] = [];
    const approvals = createApprovalStore({ client, tablePrefix, onUnreadable: (key) => told.push(key) });
    const broken = await approvals.open({ ...question, argumentsSha256: 'c'.repeat(64) }, opened);
    const request = await approvals.open(question, opened);
    const change = {
      TableName: `${tablePrefix}grants`,
      Key: requestKey(broken.id),
      UpdateExpression: 'SET #arguments = :text',
      ExpressionAttributeNames: { '#arguments': 'arguments' },
      ExpressionAttributeValues: { ':text': { S: 'no JSON' } },
    };
    await client.send(new UpdateItemCommand(change));
    assert.deepEqual(await approvals.listUnsettled(), [request]);
    assert.deepEqual(await approvals.listOpen('acme', opened), [request]);
    assert.deepEqual(told, [`request#${broken.id}`, `request#${broken.id}`]);
  });

  test('is the same for the same call, however many ask at once', async (t) => {
    const dynamo = await openTestDynamo(t);
    const stores = [storesOf(dynamo), storesOf({ client: dynamo.createClient() })];
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, i) => stores[i % 2]?.approvals.open({ ...question, callId: `call-${i}` }, opened)),
    );
    assert.equal(new Set(asked.map((request) => request?.id)).size, 1);
    assert.equal((await stores[0]?.approvals.listOpen('acme', opened))?.length, 1);
  });

  const others: Partial<ApprovalQuestion>[] = [
    { tenant: 'globex' },
    { subject: 'user-2' },
    { clientId: 'another-agent-of-the-same-user' },
    { server: 'read' },
    { tool: 'postgres.writes' },
    { definitionHash: 'e'.repeat(64) },
    { argumentsSha256: `${'a'.repeat(63)}b` },
    { policyRevision: 'abcdefabcdee' },
  ];
  test('is another one when anything of the call differs', async (t) => {
    const { approvals } = storesOf(await openTestDynamo(t));
    const ids = new Set([(await approvals.open(question, opened)).id]);
    for (const changes of others) ids.add((await approvals.open({ ...question, ...changes }, opened)).id);
    assert.equal(ids.size, 1 + others.length);
  });

  test('is refused to who has opened as many as an hour allows, until the next, and to nobody else', async (t) => {
    const { client, createClient } = await openTestDynamo(t);
    const options = { tablePrefix, questionsPerHourMax: 2 };
    const approvals = createApprovalStore({ client, ...options });
    const another = createApprovalStore({ client: createClient(), ...options });
    const numbered = (n: number) => ({ ...question, argumentsSha256: String(n).repeat(64) });
    const hour = 60 * minute;
    const half = Math.floor(opened / hour) * hour + hour / 2;
    const { id } = await approvals.open(numbered(1), half);
    await another.open(numbered(2), half);
    const exceeded = (error: unknown) => {
      assert.ok(error instanceof Refusal && error.code === 'quota_exceeded');
      assert.match(error.message, /^The limit of 2 new questions .* Wait for the next hour, then send this call again/);
      assert.equal(error.details.retryAfterMs, hour / 2);
      return true;
    };
    for (const store of [approvals, another]) await assert.rejects(store.open(numbered(3), half), exceeded);
    assert.equal((await approvals.open(numbered(1), half)).id, id, 'what was asked is found');
    assert.equal((await approvals.listOpen('acme', half)).length, 2);
    await approvals.open({ ...numbered(3), subject: 'user-2' }, half);
    await approvals.open({ ...numbered(3), tenant: 'globex' }, half);
    await assert.rejects(approvals.open(numbered(3), half + hour / 2 - 1));
    await approvals.open(numbered(3), half + hour / 2);
  });

  test('costs its asker nothing when the identical call finds it, and its count is deleted a day after the hour', async (t) => {
    const { client } = await openTestDynamo(t);
    const approvals = createApprovalStore({ client, tablePrefix, questionsPerHourMax: 2 });
    for (let time = 0; time < 5; time += 1) await approvals.open(question, opened);
    await approvals.open({ ...question, tool: 'another' }, opened);
    const { Items = [] } = await client.send(new ScanCommand({ TableName: `${tablePrefix}grants` }));
    const [count, ...more] = Items.filter(({ pk }) => pk?.S?.startsWith('questions#'));
    assert.equal(more.length, 0);
    assert.doesNotMatch(JSON.stringify(count), /acme|user-1/);
    assert.deepEqual([count?.sk?.S, count?.n?.N], [new Date(opened).toISOString().slice(0, 13), '2']);
    const endSeconds = (Math.floor(opened / (60 * minute)) + 1) * 3600;
    assert.equal(count?.expires_at?.N, String(endSeconds + 86_400));
  });

  test('that was claimed and never written is written by the next who asks', async (t) => {
    const dynamo = await openTestDynamo(t);
    const { approvals } = storesOf(dynamo);
    const { id } = await approvals.open(question, opened);
    await dynamo.client.send(new DeleteItemCommand({ TableName: `${tablePrefix}grants`, Key: requestKey(id) }));
    const again = await approvals.open(question, opened + 1000);
    assert.deepEqual([again.id, again.openedAtMs], [id, opened]);
    // After its time it was there once and was deleted as too old: it is never opened anew.
    await dynamo.client.send(new DeleteItemCommand({ TableName: `${tablePrefix}grants`, Key: requestKey(id) }));
    assert.notEqual((await approvals.open(question, opened + day)).id, id);
  });

  test('expires when nobody answers, and the next question is a new one', async (t) => {
    const { approvals } = storesOf(await openTestDynamo(t));
    const { id } = await approvals.open(question, opened);
    assert.deepEqual((await approvals.expire(id, opened + day - 1))?.request.state, 'open');
    assert.equal((await approvals.find(id, opened + day - 1))?.state, 'open');
    assert.equal((await approvals.find(id, opened + day))?.state, 'expired');
    assert.deepEqual(await approvals.listOpen('acme', opened + day), []);
    const late = await approvals.decide(id, yes, opened + day);
    assert.deepEqual([late?.isYours, late?.grant], [false, undefined]);
    const expired = await approvals.expire(id, opened + day);
    assert.deepEqual([expired?.isYours, expired?.request.state], [true, 'expired']);
    assert.equal((await approvals.listUnsettled()).length, 1);
    await approvals.settle(id);
    assert.deepEqual(await approvals.listUnsettled(), []);
    assert.equal((await approvals.expire(id, opened + day + 1))?.isYours, false);
    assert.notEqual((await approvals.open(question, opened + day + 1)).id, id);
  });

  test('that its asker took back cannot be approved', async (t) => {
    const { approvals } = storesOf(await openTestDynamo(t));
    const { id } = await approvals.open(question, opened);
    assert.equal((await approvals.withdraw(id, opened + 1))?.isYours, true);
    const late = await approvals.decide(id, yes, opened + 2);
    assert.deepEqual([late?.isYours, late?.request.state, late?.grant], [false, 'withdrawn', undefined]);
  });

  test('is listed until its outcome was told, and not settled before it has one', async (t) => {
    const { approvals } = storesOf(await openTestDynamo(t));
    const { id } = await approvals.open(question, opened);
    await approvals.settle(id);
    assert.equal((await approvals.listOpen('acme', opened)).length, 1);
    await approvals.decide(id, no, opened + 1);
    assert.deepEqual(await approvals.listOpen('acme', opened + 1), []);
    assert.deepEqual(
      (await approvals.listUnsettled()).map(({ state }) => state),
      ['denied'],
    );
    await approvals.settle(id);
    await approvals.settle(id);
    assert.deepEqual(await approvals.listUnsettled(), []);
  });

  test('that is waited for with many others is found closed as soon as it is, or is not there any more', async (t) => {
    const dynamo = await openTestDynamo(t);
    const { approvals } = storesOf(dynamo);
    const first = await approvals.open(question, opened);
    const second = await approvals.open({ ...question, tool: 'another' }, opened);
    const both = [first, second];
    assert.deepEqual(await approvals.listClosed(both, opened), []);
    await approvals.decide(second.id, yes, opened + 1);
    const gone = Array.from({ length: 120 }, (_, n) => ({ ...first, id: `gone-${n}` }));
    const closed = await approvals.listClosed([...both, ...gone], opened + 1);
    assert.deepEqual(
      closed.map(({ id, state, decision }) => [id, state, decision?.verdict]),
      [[second.id, 'approved', 'approve'], ...gone.map(({ id }) => [id, 'expired', undefined])],
    );
    assert.equal(dynamo.sent.get('BatchGetItemCommand'), 3);
    assert.equal((await approvals.listClosed([first], opened + day))[0]?.state, 'expired');
    assert.deepEqual(await approvals.listClosed([], opened), []);
  });

  test('is told of by one process at a time, and keeps where people were told', async (t) => {
    const { approvals } = storesOf(await openTestDynamo(t));
    const { id } = await approvals.open(question, opened);
    const claims = await Promise.all([1, 2, 3].map(() => approvals.claimNotice(id, opened)));
    assert.equal(claims.filter(Boolean).length, 1);
    assert.equal(await approvals.claimNotice(id, opened + minute - 1), false);
    assert.equal(await approvals.claimNotice(id, opened + minute), true);
    await approvals.setNotice(id, { channel: 'C1', message: '1.2' });
    assert.deepEqual((await approvals.find(id, opened))?.notice, { channel: 'C1', message: '1.2' });
    assert.equal(await approvals.claimNotice(id, opened + 3 * minute), false);
  });
});

suite('an answer', () => {
  test('that is a yes is a grant for this call, once, for 15 minutes', async (t) => {
    const { approvals, grants } = storesOf(await openTestDynamo(t));
    const { id } = await approvals.open(question, opened);
    const closed = await approvals.decide(id, yes, opened + minute);
    assert.deepEqual([closed?.isYours, closed?.request.state], [true, 'approved']);
    assert.deepEqual(closed?.request.decision, yes);
    assert.equal(closed?.grant?.id, id);
    assert.equal(closed?.grant?.expiresAtMs, opened + 16 * minute);
    assert.deepEqual(await grants.find(question, opened + 2 * minute), closed?.grant);
    // The same call asks again and is told to look for its grant.
    assert.equal((await approvals.open(question, opened + 2 * minute)).id, id);
    const grant = closed?.grant ?? assert.fail('there is no grant');
    assert.equal(await grants.consume(grant, opened + 2 * minute), true);
    assert.notEqual((await approvals.open(question, opened + 2 * minute)).id, id);
  });

  test('that is a no stands for 15 minutes, then one may ask again', async (t) => {
    const { approvals, grants } = storesOf(await openTestDynamo(t));
    const { id } = await approvals.open(question, opened);
    const closed = await approvals.decide(id, no, opened);
    assert.deepEqual([closed?.isYours, closed?.request.state, closed?.grant], [true, 'denied', undefined]);
    assert.equal(await grants.find(question, opened), undefined);
    const again = await approvals.open(question, opened + 15 * minute - 1);
    assert.deepEqual([again.id, again.decision?.reason], [id, 'Not on a Friday.']);
    assert.notEqual((await approvals.open(question, opened + 15 * minute)).id, id);
  });

  test('of two people at once is one answer, and both are told which', async (t) => {
    const dynamo = await openTestDynamo(t);
    const stores = [storesOf(dynamo), storesOf({ client: dynamo.createClient() })] as const;
    const { id } = await stores[0].approvals.open(question, opened);
    const answers: ApprovalDecision[] = [yes, no, { ...yes, approver: 'approver-2' }, yes];
    const closed = await Promise.all(
      answers.map((answer, i) => stores[i % 2]?.approvals.decide(id, answer, opened + 1 + i)),
    );
    assert.equal(closed.filter((each) => each?.isYours).length, 1);
    assert.equal(new Set(closed.map((each) => JSON.stringify(each?.request.decision))).size, 1);
  });

  test('to a request that there never was is nobody\u2019s', async (t) => {
    const dynamo = await openTestDynamo(t);
    const { approvals } = storesOf(dynamo);
    assert.equal(await approvals.decide('A'.repeat(22), yes, opened), undefined);
    assert.equal(await approvals.withdraw('A'.repeat(22), opened), undefined);
    const { Items } = await dynamo.client.send(new ScanCommand({ TableName: `${tablePrefix}grants` }));
    assert.deepEqual(Items, []);
  });

  test('whose process died before the grant was written is completed by whoever comes next', async (t) => {
    for (const next of ['the asker', 'the approver', 'the sweep'] as const) {
      const dynamo = await openTestDynamo(t);
      const { approvals, grants } = storesOf(dynamo);
      const { id } = await approvals.open(question, opened);
      const dying = createApprovalStore({ client: dieAtPut(dynamo), tablePrefix });
      await assert.rejects(dying.decide(id, yes, opened + 1), unavailable);
      assert.equal(await grants.find(question, opened + 2), undefined);
      const [unsettled] = await approvals.listUnsettled();
      assert.equal(unsettled?.state, 'approved');
      if (next === 'the asker') assert.equal((await approvals.open(question, opened + 2)).state, 'approved');
      if (next === 'the approver') assert.equal((await approvals.decide(id, no, opened + 2))?.isYours, false);
      if (next === 'the sweep' && unsettled) await approvals.completeGrant(unsettled, opened + 2);
      assert.equal((await grants.find(question, opened + 2))?.id, id, next);
    }
  });

  test('that was taken back gives no grant any more, even when its process died before the grant was written', async (t) => {
    const dynamo = await openTestDynamo(t);
    const { approvals, grants } = storesOf(dynamo);
    const { id } = await approvals.open(question, opened);
    assert.equal(await approvals.revoke(id, opened), false);
    const dying = createApprovalStore({ client: dieAtPut(dynamo), tablePrefix });
    await assert.rejects(dying.decide(id, yes, opened + 1), unavailable);
    assert.equal(await approvals.revoke(id, opened + 2), true);
    const request = (await approvals.find(id, opened + 3)) ?? assert.fail('the request is there');
    await approvals.completeGrant(request, opened + 3);
    assert.equal(await grants.find(question, opened + 3), undefined);
    assert.notEqual((await approvals.open(question, opened + 3)).id, id);
  });

  test('is no grant any more when it is completed after its 15 minutes', async (t) => {
    const dynamo = await openTestDynamo(t);
    const { approvals, grants } = storesOf(dynamo);
    const { id } = await approvals.open(question, opened);
    const dying = createApprovalStore({ client: dieAtPut(dynamo), tablePrefix });
    await assert.rejects(dying.decide(id, yes, opened), unavailable);
    const late = await approvals.decide(id, yes, opened + 15 * minute);
    assert.deepEqual([late?.request.state, late?.grant], ['approved', undefined]);
    assert.equal(await grants.find(question, opened + 1), undefined);
  });
});

test('without DynamoDB, or with one that never answers, every method says so', async (t) => {
  const dynamo = await openTestDynamo(t);
  await dynamo.stop();
  const silent = createApprovalStore({ client: await openSilentDynamo(t), tablePrefix, deadlineMs: 50 });
  for (const store of [storesOf(dynamo).approvals, silent]) {
    await assert.rejects(store.open(question, opened), unavailable);
    await assert.rejects(store.find('id', opened), unavailable);
    await assert.rejects(store.listOpen('acme', opened), unavailable);
    await assert.rejects(store.listUnsettled(), unavailable);
    await assert.rejects(
      store.listClosed([{ id: 'id', expiresAtMs: opened + day } as ApprovalRequest], opened),
      unavailable,
    );
    await assert.rejects(store.decide('id', yes, opened), unavailable);
    await assert.rejects(store.expire('id', opened), unavailable);
    await assert.rejects(store.revoke('id', opened), unavailable);
    await assert.rejects(store.claimNotice('id', opened), unavailable);
    await assert.rejects(store.setNotice('id', { channel: 'C1', message: '1' }), unavailable);
  }
});

/** A client of a process that dies at its first put, before it is sent. */
function dieAtPut(dynamo: TestDynamo) {
  const client = dynamo.createClient();
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === 'PutItemCommand') throw new Error('killed');
        return next(args);
      },
    { step: 'initialize' },
  );
  return client;
}
