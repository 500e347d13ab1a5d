import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { createDynamoClient, ifConditionHolds, isConditionFailure, orRefuse } from '../../runtime/shared/dynamo.ts';
import { keyHash } from '../../runtime/shared/key-hash.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { openSilentDynamo, openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const put = (more: object = {}) =>
  new PutItemCommand({ TableName: `${tablePrefix}quota`, Item: marshall({ pk: 'a' }), ...more });

test('a DynamoDB that never answers fails after the deadlines of its attempts', async (t) => {
  const client = await openSilentDynamo(t);
  const started = performance.now();
  await assert.rejects(client.send(new ListTablesCommand()), { name: 'TimeoutError' });
  // Two attempts of a second each; the SDK alone would wait for ever.
  assert.ok(performance.now() - started < 6000);
});

test('a caller\u2019s own deadline ends a command earlier', async (t) => {
  const client = await openSilentDynamo(t);
  await assert.rejects(client.send(new ListTablesCommand(), { abortSignal: AbortSignal.timeout(20) }));
});

test('a DynamoDB that is not there is a refusal with its cause, and no secret in its words', async () => {
  const client = createDynamoClient({
    endpoint: 'http://127.0.0.1:1',
    region: 'local',
    credentials: { accessKeyId: 'key-id', secretAccessKey: 'the-secret' },
  });
  await assert.rejects(
    orRefuse('quota_unavailable', () => client.send(new ListTablesCommand())),
    (error) => {
      assert.ok(error instanceof Refusal && error.code === 'quota_unavailable');
      assert.ok(error.cause instanceof Error);
      assert.ok(!JSON.stringify([error.message, error.details]).includes('the-secret'));
      return true;
    },
  );
  client.destroy();
});

test('a refusal of the work itself is not hidden behind another', async () => {
  const own = new Refusal('name_taken');
  await assert.rejects(
    orRefuse('catalogue_unavailable', () => Promise.reject(own)),
    (error) => error === own,
  );
  assert.equal(await orRefuse('catalogue_unavailable', async () => 7), 7);
});

test('a condition that does not hold is an answer, and nothing else is', async (t) => {
  const { client, stop } = await openTestDynamo(t);
  const once = { ConditionExpression: 'attribute_not_exists(pk)' };
  assert.equal(await ifConditionHolds(client.send(put(once))), true);
  assert.equal(await ifConditionHolds(client.send(put(once))), false);
  await assert.rejects(ifConditionHolds(client.send(put({ TableName: 'no-such-table' }))), {
    name: 'ResourceNotFoundException',
  });
  await stop();
  await assert.rejects(ifConditionHolds(client.send(put(once))), (error) => !isConditionFailure(error));
});

test('keys that are hashed from names are of one length, and of no two lists the same', () => {
  const lists = [
    ['a', 'b'],
    ['ab'],
    ['a', '', 'b'],
    ['a","b'],
    ['a\\', 'b'],
    ['a#b'],
    ['a\ud800', 'b'],
    ['a\ud801', 'b'],
    [],
  ];
  const keys = lists.map((parts) => keyHash(...parts));
  assert.equal(new Set(keys).size, lists.length);
  assert.ok(keys.every((key) => /^[\w-]{43}$/.test(key)));
  assert.equal(keyHash('a', 'b'), keyHash('a', 'b'));
});
