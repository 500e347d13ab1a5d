import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { authorizationTable, catalogueTable, quotaTable, tables } from '../../runtime/contract/tables.ts';
import { createTables } from '../../runtime/local/dynamo.ts';
import { type DynamoDBClient, ifConditionHolds, isConditionFailure } from '../../runtime/shared/dynamo.ts';
import { createAcceptedPolicy } from '../../runtime/shared/policy-source/accepted-policy.ts';
import { createStatementStore } from '../../runtime/shared/signing-keys/statement-store.ts';

/** What the suite runs against. */
export interface DynamoUnderTest {
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

/** The behaviours of DynamoDB that the stores rely on. Whatever stands in for it must pass all of them. */
export function dynamoContract(name: string, start: () => Promise<DynamoUnderTest>): void {
  suite(`${name} does what the stores rely on`, () => {
    const prefix = 'contract-';
    const quota = `${prefix}${quotaTable.name}`;
    const catalogue = `${prefix}${catalogueTable.name}`;
    const authorization = `${prefix}${authorizationTable.name}`;
    let dynamo: DynamoUnderTest;
    before(async () => {
      dynamo = await start();
      await createTables(dynamo.client, prefix, tables);
    });
    after(() => dynamo?.close());

    const put = (table: string, item: object, more: Partial<PutItemCommandInput> = {}) =>
      dynamo.client.send(new PutItemCommand({ TableName: table, Item: marshall(item), ...more }));
    const get = async (table: string, key: object) => {
      const { Item } = await dynamo.client.send(
        new GetItemCommand({ TableName: table, Key: marshall(key), ConsistentRead: true }),
      );
      return Item === undefined ? undefined : unmarshall(Item);
    };
    const addWithin = (pk: string, units: number, limit: number) =>
      dynamo.client.send(
        new UpdateItemCommand({
          TableName: quota,
          Key: marshall({ pk }),
          UpdateExpression: 'ADD used :units',
          ConditionExpression: 'used <= :most',
          ExpressionAttributeValues: marshall({ ':units': units, ':most': limit - units }),
          ReturnValues: 'ALL_NEW',
        }),
      );

    test('creating tables that exist changes nothing', async () => {
      await put(quota, { pk: 'kept' });
      await createTables(dynamo.client, prefix, tables);
      assert.deepEqual(await get(quota, { pk: 'kept' }), { pk: 'kept' });
    });

    test('a conditional put is refused by what is there, and says so in its own way', async () => {
      const once = { ConditionExpression: 'attribute_not_exists(pk)' };
      await put(quota, { pk: 'first', by: 'a' }, once);
      await assert.rejects(put(quota, { pk: 'first', by: 'b' }, once), isConditionFailure);
      assert.equal(await ifConditionHolds(put(quota, { pk: 'first', by: 'c' }, once)), false);
      assert.equal(await ifConditionHolds(put(quota, { pk: 'second' }, once)), true);
      assert.deepEqual(await get(quota, { pk: 'first' }), { pk: 'first', by: 'a' });
    });

    test('an ADD within a condition never passes it, however many come at once', async () => {
      await put(quota, { pk: 'race', used: 0 });
      const answers = await Promise.all(
        Array.from({ length: 40 }, () =>
          addWithin('race', 1, 7).then((answer) => answer.Attributes, isConditionFailure),
        ),
      );
      const ordinals = answers.filter((answer) => typeof answer === 'object').map((answer) => Number(answer.used?.N));
      assert.deepEqual(
        ordinals.sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7],
      );
      assert.equal(answers.filter((answer) => answer === true).length, 33);
      assert.equal((await get(quota, { pk: 'race' }))?.used, 7);
    });

    test('a condition on a missing item or attribute does not hold', async () => {
      await assert.rejects(addWithin('missing', 1, 7), isConditionFailure);
      assert.equal(await get(quota, { pk: 'missing' }), undefined);
    });

    test('numbers above 2^50 are compared and kept exactly', async () => {
      const micros = 1_795_000_000_000_123;
      await put(quota, { pk: 'tat', used: micros });
      const { Attributes } = await addWithin('tat', 1, micros + 1);
      assert.equal(Attributes?.used?.N, String(micros + 1));
      await assert.rejects(addWithin('tat', 1, micros + 1), isConditionFailure);
    });

    test('SET and ADD, if_not_exists and REMOVE work in one update', async () => {
      const { Attributes } = await dynamo.client.send(
        new UpdateItemCommand({
          TableName: quota,
          Key: marshall({ pk: 'mixed' }),
          UpdateExpression: 'SET a = if_not_exists(a, :a), b = :b REMOVE c ADD n :n',
          ExpressionAttributeValues: marshall({ ':a': 'x', ':b': 'y', ':n': 2 }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      assert.deepEqual(unmarshall(Attributes ?? {}), { pk: 'mixed', a: 'x', b: 'y', n: 2 });
    });

    test('a consistent query gives one partition in the order of its sort keys, page by page', async () => {
      for (const sk of ['b', 'a', 'c']) await put(catalogue, { pk: 'one', sk, body: 'x'.repeat(200_000) });
      await put(catalogue, { pk: 'other', sk: 'a' });
      const found: string[] = [];
      let start: Record<string, never> | undefined;
      let pages = 0;
      do {
        const page = await dynamo.client.send(
          new QueryCommand({
            TableName: catalogue,
            ConsistentRead: true,
            Limit: 2,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: marshall({ ':pk': 'one' }),
            ...(start !== undefined && { ExclusiveStartKey: start }),
          }),
        );
        found.push(...(page.Items ?? []).map((item) => item.sk?.S ?? ''));
        start = page.LastEvaluatedKey as typeof start;
        pages += 1;
      } while (start !== undefined);
      assert.deepEqual(found, ['a', 'b', 'c']);
      assert.ok(pages >= 2);
    });

    test('statements about signing keys are stored once, and found all together, page by page', async () => {
      const store = createStatementStore(dynamo.client, prefix);
      // More than the megabyte of one page.
      const long = 'x'.repeat(150_000);
      const kids = Array.from({ length: 9 }, (_, i) => `kid-${i}`);
      for (const kid of kids) await store.put(kid, `${kid}.${long}`, 1_795_000_000_000);
      await store.put('kid-0', `kid-0.${long}`, 1_795_000_000_000);
      await assert.rejects(store.put('kid-0', 'another', 1_795_000_000_000), isConditionFailure);
      const found = new Map((await store.list()).map(({ kid, statement }) => [kid, statement]));
      assert.deepEqual([...found.keys()].sort(), kids);
      assert.equal(found.get('kid-0'), `kid-0.${long}`);
    });

    test('the version of the accepted policy does not fall, however many offer one at once', async () => {
      const accepted = createAcceptedPolicy(dynamo.client, prefix);
      assert.equal(await accepted.read(), undefined);
      const pointer = (version: number, letter = 'a') =>
        ({ v: 1, version, bucket: 'assets', key: 'k.json', sha256: letter.repeat(64) }) as const;
      const offers = [3, 9, 1, 7, 9, 2].map((version) => accepted.accept(pointer(version)));
      const answers = await Promise.all(offers);
      assert.equal(answers[1], true);
      assert.equal(answers[4], true, 'the same one again is the same one');
      assert.deepEqual(await accepted.read(), pointer(9));
      assert.equal(await accepted.accept(pointer(9, 'b')), false, 'a version is one bundle for ever');
      assert.equal(await accepted.accept(pointer(8)), false);
      assert.deepEqual(await accepted.read(), pointer(9));
      assert.equal(await accepted.accept(pointer(10, 'b')), true);
    });

    test('bytes come back as they were, and an item above 400 KB is refused', async () => {
      const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await put(catalogue, { pk: 'bytes', sk: '0', body });
      assert.deepEqual(Buffer.from((await get(catalogue, { pk: 'bytes', sk: '0' }))?.body), body);
      await assert.rejects(put(catalogue, { pk: 'bytes', sk: '1', body: Buffer.alloc(410_000) }), {
        name: 'ValidationException',
      });
    });

    test('an index finds by another key, and follows updates and deletes', async () => {
      await put(authorization, { pk: 'token#1', grant_id: 'g', uid: 'u' });
      await put(authorization, { pk: 'token#2', grant_id: 'g' });
      await put(authorization, { pk: 'token#3' });
      const byGrant = async () => {
        const { Items } = await dynamo.client.send(
          new QueryCommand({
            TableName: authorization,
            IndexName: 'by-grant',
            KeyConditionExpression: 'grant_id = :g',
            ExpressionAttributeValues: marshall({ ':g': 'g' }),
          }),
        );
        return (Items ?? []).map((item) => item.pk?.S).sort();
      };
      assert.deepEqual(await byGrant(), ['token#1', 'token#2']);
      await dynamo.client.send(new DeleteItemCommand({ TableName: authorization, Key: marshall({ pk: 'token#1' }) }));
      assert.deepEqual(await byGrant(), ['token#2']);
    });

    test('a conditional delete leaves what its condition does not name', async () => {
      await put(quota, { pk: 'deleted', by: 'a' });
      const remove = (by: string) =>
        ifConditionHolds(
          dynamo.client.send(
            new DeleteItemCommand({
              TableName: quota,
              Key: marshall({ pk: 'deleted' }),
              ConditionExpression: '#by = :by',
              ExpressionAttributeNames: { '#by': 'by' },
              ExpressionAttributeValues: marshall({ ':by': by }),
            }),
          ),
        );
      assert.equal(await remove('b'), false);
      assert.equal(await remove('a'), true);
      assert.equal(await remove('a'), false);
    });

    test('what has expired may still be there, so readers compare the time themselves', async () => {
      await put(quota, { pk: 'expired', expires_at: 1 });
      assert.deepEqual(await get(quota, { pk: 'expired' }), { pk: 'expired', expires_at: 1 });
    });

    test('keys are bytes: case, blanks and Unicode forms are not folded', async () => {
      for (const pk of ['Key', 'key', 'key ', 'k\u00e9y', 'ke\u0301y']) await put(quota, { pk, is: pk });
      for (const pk of ['Key', 'key', 'key ', 'k\u00e9y', 'ke\u0301y'])
        assert.equal((await get(quota, { pk }))?.is, pk);
    });
  });
}
