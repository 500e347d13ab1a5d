import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { tables } from '../../runtime/contract/tables.ts';
import { createDynamoClient, type DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { dynamoContract } from '../support/dynamo-contract.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local.ts';

dynamoContract('DynamoDB Local', async () => {
  const dynamo = await startDynamoDbLocal();
  const client = createDynamoClient(dynamo);
  return {
    client,
    async close() {
      client.destroy();
      await dynamo.close();
    },
  };
});

suite('time to live and streams, which the embedded DynamoDB lacks', () => {
  let dynamo: DynamoDbLocal;
  let client: DynamoDBClient;
  before(async () => {
    dynamo = await startDynamoDbLocal();
    client = createDynamoClient(dynamo);
  });
  after(async () => {
    client?.destroy();
    await dynamo?.close();
  });

  for (const { name, partitionKey, sortKey, ttlAttribute } of tables) {
    if (ttlAttribute === undefined) continue;
    test(`DynamoDB deletes expired items of ${name} by itself, keeps the others, and its stream says who deleted`, async () => {
      const keys = [partitionKey, ...(sortKey === undefined ? [] : [sortKey])];
      await client.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
          KeySchema: keys.map((key, index) => ({ AttributeName: key, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
          StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
        }),
      );
      await client.send(
        new UpdateTimeToLiveCommand({
          TableName: name,
          TimeToLiveSpecification: { Enabled: true, AttributeName: ttlAttribute },
        }),
      );
      const nowSeconds = Math.floor(Date.now() / 1000);
      const keyOf = (key: string) => Object.fromEntries(keys.map((attribute) => [attribute, key]));
      // Seconds: an item whose expiry was written in milliseconds would never go.
      for (const [key, expiry] of [
        ['old', nowSeconds - 60],
        ['new', nowSeconds + 3600],
        ['milliseconds', Date.now() - 60_000],
      ] as const)
        await client.send(
          new PutItemCommand({ TableName: name, Item: marshall({ ...keyOf(key), [ttlAttribute]: expiry }) }),
        );
      const isThere = async (key: string) => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: name, Key: marshall(keyOf(key)), ConsistentRead: true }),
        );
        return Item !== undefined;
      };
      const deadline = performance.now() + 30_000;
      while ((await isThere('old')) && performance.now() < deadline) await delay(100);
      assert.deepEqual(
        [await isThere('old'), await isThere('new'), await isThere('milliseconds')],
        [false, true, true],
      );

      const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
      const records = await streamOf(dynamo.endpoint, Table?.LatestStreamArn ?? '');
      const changes = records.map(({ eventName, dynamodb, userIdentity }) => [
        eventName,
        dynamodb.Keys[partitionKey]?.S,
        userIdentity?.PrincipalId ?? null,
      ]);
      assert.deepEqual(changes, [
        ['INSERT', 'old', null],
        ['INSERT', 'new', null],
        ['INSERT', 'milliseconds', null],
        ['REMOVE', 'old', 'dynamodb.amazonaws.com'],
      ]);
    });
  }
});

interface StreamRecord {
  readonly eventName: string;
  readonly dynamodb: { readonly Keys: Readonly<Record<string, { readonly S?: string }>> };
  readonly userIdentity?: { readonly PrincipalId?: string };
}

async function streamOf(endpoint: string, StreamArn: string): Promise<StreamRecord[]> {
  const ask = async (operation: string, input: object) => {
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDBStreams_20120810.${operation}`,
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify(input),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
    return (await answer.json()) as any;
  };
  const { StreamDescription } = await ask('DescribeStream', { StreamArn });
  const found: StreamRecord[] = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const { ShardIterator } = await ask('GetShardIterator', { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
    found.push(...(await ask('GetRecords', { ShardIterator })).Records);
  }
  return found;
}
