import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Grant } from '../../runtime/contract/receipts.ts';
import { createGrantStore, type GrantedCall } from '../../runtime/shared/grant-store.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleGrant } from '../support/grant.ts';
import { openSilentDynamo, openTestDynamo, type TestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const minute = 60_000;
const granted = 1_795_000_000_000;
const grant = sampleGrant({ grantedAtMs: granted, expiresAtMs: granted + 15 * minute });
const storeOf = ({ client }: Pick<TestDynamo, 'client'>) => createGrantStore({ client, tablePrefix });
/** For many commands at once on a busy machine. */
const patient = ({ client }: Pick<TestDynamo, 'client'>) =>
  createGrantStore({ client, tablePrefix, deadlineMs: 30_000 });
const unavailable = (error: unknown) => error instanceof Refusal && error.code === 'approval_unavailable';

suite('a grant', () => {
  test('is found by the very call that it is for, and used once', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(grant);
    assert.deepEqual(await store.find(grant, granted + 1), grant);
    assert.equal(await store.consume(grant, granted + 1), true);
    assert.equal(await store.find(grant, granted + 2), undefined);
    assert.equal(await store.consume(grant, granted + 2), false);
  });

  const others: Readonly<Record<keyof GrantedCall, readonly string[]>> = {
    tenant: ['globex', 'ACME', 'acme ', ''],
    subject: ['user-2', 'user-1#'],
    clientId: ['another-agent-of-the-same-user'],
    server: ['read'],
    tool: ['postgres.writes', 'postgres.writ\u0435'],
    definitionHash: ['0'.repeat(64)],
    argumentsSha256: [`${'a'.repeat(63)}b`],
    policyRevision: ['abcdefabcdee'],
  };
  for (const [field, values] of Object.entries(others)) {
    test(`is for no call with another ${field}`, async (t) => {
      const store = storeOf(await openTestDynamo(t));
      await store.put(grant);
      for (const value of values) {
        const call = { ...grant, [field]: value };
        assert.equal(await store.find(call, granted + 1), undefined, value);
        assert.equal(await store.consume(call, granted + 1), false, value);
      }
      assert.deepEqual(await store.find(grant, granted + 1), grant);
    });
  }

  test('is no one else\u2019s when names run into each other', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put({ ...grant, tenant: 'a', subject: 'b#c' });
    assert.equal(await store.find({ ...grant, tenant: 'a#b', subject: 'c' }, granted + 1), undefined);
    assert.equal(await store.find({ ...grant, tenant: 'a","b#c', subject: '' }, granted + 1), undefined);
  });

  const moments: readonly (readonly [string, Partial<Grant>, number, boolean])[] = [
    ['before it was given', {}, -1, false],
    ['at the moment it was given', {}, 0, true],
    ['one millisecond before its end', {}, 15 * minute - 1, true],
    ['at its end', {}, 15 * minute, false],
    ['one millisecond after its end', {}, 15 * minute + 1, false],
    ['at its own earlier end', { expiresAtMs: granted + minute }, minute, false],
    ['after 15:00.001 though its record claims a year', { expiresAtMs: granted + 1e10 }, 15 * minute + 1, false],
    ['after 15:00.000 though its record claims a year', { expiresAtMs: granted + 1e10 }, 15 * minute, false],
    ['after 14:59.999 when its record claims a year', { expiresAtMs: granted + 1e10 }, 15 * minute - 1, true],
  ];
  for (const [when, changes, afterMs, isOpen] of moments) {
    test(`is ${isOpen ? 'open' : 'not open'} ${when}`, async (t) => {
      const store = storeOf(await openTestDynamo(t));
      const stored = { ...grant, ...changes };
      await store.put(stored);
      const found = await store.find(grant, granted + afterMs);
      assert.equal(found !== undefined, isOpen);
      if (found !== undefined) assert.ok(found.expiresAtMs - found.grantedAtMs <= 15 * minute);
      assert.equal(await store.consume(stored, granted + afterMs), isOpen);
    });
  }

  test('is used by exactly one of many calls at once', async (t) => {
    const dynamo = await openTestDynamo(t);
    await storeOf(dynamo).put(grant);
    const stores = [patient(dynamo), patient({ client: dynamo.createClient() })];
    const used = await Promise.all(Array.from({ length: 40 }, (_, i) => stores[i % 2]?.consume(grant, granted + 1)));
    assert.equal(used.filter(Boolean).length, 1);
  });

  test('that was taken back between finding and using is not used', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(grant);
    const found = await store.find(grant, granted + 1);
    assert.ok(found);
    assert.equal(await store.revoke(grant, granted + 2), true);
    assert.equal(await store.consume(found, granted + 3), false);
    assert.equal(await store.find(grant, granted + 3), undefined);
  });

  test('that was used cannot be taken back, and one that is not there neither', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    assert.equal(await store.revoke(grant, granted), false);
    assert.equal(await store.consume(grant, granted), false);
    await store.put(grant);
    await store.consume(grant, granted + 1);
    assert.equal(await store.revoke(grant, granted + 2), false);
  });

  test('is not opened again by storing it again', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(grant);
    await store.consume(grant, granted + 1);
    await assert.rejects(store.put(grant), /grant-1 is already stored/);
    assert.equal(await store.find(grant, granted + 2), undefined);
  });

  test('gives way to the next one for the same call', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    const second = { ...grant, id: 'grant-2', expiresAtMs: granted + 10 * minute };
    await store.put(grant);
    await store.put(second);
    assert.equal((await store.find(grant, granted + 1))?.id, 'grant-2');
    await store.consume(second, granted + 1);
    assert.equal((await store.find(grant, granted + 2))?.id, grant.id);
  });

  test('is not used under the id or the approver of another', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(grant);
    assert.equal(await store.consume({ ...grant, id: 'grant-2' }, granted + 1), false);
    assert.equal(await store.consume({ ...grant, approver: 'somebody' }, granted + 1), false);
  });

  test('whose record was moved to another call is for neither', async (t) => {
    const dynamo = await openTestDynamo(t);
    const store = storeOf(dynamo);
    await store.put(grant);
    const { Items = [] } = await dynamo.client.send(new ScanCommand({ TableName: `${tablePrefix}grants` }));
    const moved = { ...Items[0], ...marshall({ argumentsSha256: 'f'.repeat(64) }) };
    await dynamo.client.send(new PutItemCommand({ TableName: `${tablePrefix}grants`, Item: moved }));
    assert.equal(await store.find(grant, granted + 1), undefined);
    assert.equal(await store.find({ ...grant, argumentsSha256: 'f'.repeat(64) }, granted + 1), undefined);
  });
});

test('a lost answer of the using write does not lose the grant', async (t) => {
  const dynamo = await openTestDynamo(t);
  const store = storeOf(dynamo);
  await store.put(grant);
  let lost = 0;
  dynamo.client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      if (lost > 0) return answer;
      lost += 1;
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', $retryable: {} });
    },
    // Inside the SDK's own retries.
    { step: 'finalizeRequest', priority: 'low' },
  );
  assert.equal(await store.consume(grant, granted + 1), true);
  assert.equal(lost, 1);
  assert.equal(await store.consume(grant, granted + 1), false);
});

test('without DynamoDB, or with one that never answers, every method says so', async (t) => {
  const dynamo = await openTestDynamo(t);
  await dynamo.stop();
  const silent = createGrantStore({ client: await openSilentDynamo(t), tablePrefix, deadlineMs: 50 });
  for (const store of [storeOf(dynamo), silent]) {
    await assert.rejects(store.put(grant), unavailable);
    await assert.rejects(store.find(grant, granted), unavailable);
    await assert.rejects(store.consume(grant, granted), unavailable);
    await assert.rejects(store.revoke(grant, granted), unavailable);
  }
});
