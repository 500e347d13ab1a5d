import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { authorizationTable } from '../../contract/tables.ts';
import { ifConditionHolds, queryAll } from '../../shared/dynamo.ts';
import type { Logger } from '../../shared/logger.ts';
import { StoreUnavailable } from '../store-unavailable.ts';

/** One item of the authorization table. `body` is JSON text, so that nothing is lost or renamed on the way. */
export interface Item {
  readonly pk: string;
  readonly body: string;
  readonly grant_id?: string;
  /** Seconds since the epoch; an item without it stays. */
  readonly expires_at?: number;
  /** Seconds since the epoch, when it was used up. */
  readonly used_at?: number;
  /** For optimistic writes. */
  readonly revision?: number;
}

/** The authorization table. Every method throws {@link StoreUnavailable} when DynamoDB gives no answer. Reads are consistent. */
export interface ItemStore {
  get(pk: string): Promise<Item | undefined>;
  put(item: Item): Promise<void>;
  /** False when an unexpired item is there already. */
  putNew(item: Item): Promise<boolean>;
  /** False when the stored revision is not `expected`; undefined expects no item. */
  replace(item: Item, expected: number | undefined): Promise<boolean>;
  /** Uses an item up in one conditional write; false when it was used or is gone. */
  consume(pk: string, atSeconds: number): Promise<boolean>;
  delete(pk: string): Promise<void>;
  /** Deletes an item only while its body is this. */
  deleteIf(pk: string, body: string): Promise<void>;
  /** Keys of the unexpired items of a grant. From an index: an item written a moment ago may be missing. */
  keysOfGrant(grantId: string): Promise<readonly string[]>;
  /** Counts one more; the count after it. */
  increment(pk: string, expiresAtSeconds: number): Promise<number>;
  /** Adds to a set of strings; the set keeps what it had while it has not expired. */
  addToSet(pk: string, values: readonly string[], expiresAtSeconds: number): Promise<void>;
  readSet(pk: string): Promise<ReadonlySet<string>>;
}

export interface ItemStoreOptions {
  readonly dynamodb: DynamoDBClient;
  readonly tablePrefix: string;
  readonly now: () => number;
  readonly logger: Logger;
}

export function createItemStore({ dynamodb, tablePrefix, now, logger }: ItemStoreOptions): ItemStore {
  const table = { TableName: tablePrefix + authorizationTable.name };
  const nowSeconds = () => Math.floor(now() / 1000);
  const keyOf = (pk: string) => ({ ...table, Key: { pk: { S: pk } } });
  const marshalled = (item: object) => marshall(item, { removeUndefinedValues: true });

  async function answered<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      logger.warn({ err: error }, 'the store gave no answer');
      throw new StoreUnavailable(error);
    }
  }

  /** False when the condition did not hold. */
  const isWritten = (write: Promise<unknown>) => answered(ifConditionHolds(write));

  async function read(pk: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { Item: found } = await answered(dynamodb.send(new GetItemCommand({ ...keyOf(pk), ConsistentRead: true })));
    const item = found && unmarshall(found);
    // TTL deletes late (days, not seconds), so expiry is checked here. DynamoDB guide, "Working with expired items".
    return item !== undefined && (item.expires_at === undefined || item.expires_at > nowSeconds()) ? item : undefined;
  }

  return {
    get: async (pk) => (await read(pk)) as Item | undefined,
    async put(item) {
      await answered(dynamodb.send(new PutItemCommand({ ...table, Item: marshalled(item) })));
    },
    putNew(item) {
      return isWritten(
        dynamodb.send(
          new PutItemCommand({
            ...table,
            Item: marshalled(item),
            ConditionExpression: 'attribute_not_exists(pk) OR expires_at <= :now',
            ExpressionAttributeValues: marshall({ ':now': nowSeconds() }),
          }),
        ),
      );
    },
    replace(item, expected) {
      return isWritten(
        dynamodb.send(
          new PutItemCommand({
            ...table,
            Item: marshalled(item),
            ...(expected === undefined
              ? { ConditionExpression: 'attribute_not_exists(pk)' }
              : {
                  ConditionExpression: 'revision = :expected',
                  ExpressionAttributeValues: marshall({ ':expected': expected }),
                }),
          }),
        ),
      );
    },
    consume(pk, atSeconds) {
      return isWritten(
        dynamodb.send(
          new UpdateItemCommand({
            ...keyOf(pk),
            UpdateExpression: 'SET used_at = :at',
            ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(used_at)',
            ExpressionAttributeValues: marshall({ ':at': atSeconds }),
          }),
        ),
      );
    },
    async delete(pk) {
      await answered(dynamodb.send(new DeleteItemCommand(keyOf(pk))));
    },
    async deleteIf(pk, body) {
      await isWritten(
        dynamodb.send(
          new DeleteItemCommand({
            ...keyOf(pk),
            ConditionExpression: 'body = :body',
            ExpressionAttributeValues: marshall({ ':body': body }),
          }),
        ),
      );
    },
    async keysOfGrant(grantId) {
      const items = await answered(
        queryAll(dynamodb, {
          ...table,
          IndexName: 'by-grant',
          KeyConditionExpression: 'grant_id = :grant',
          ExpressionAttributeValues: marshall({ ':grant': grantId }),
        }),
      );
      return items.map((item) => String(unmarshall(item).pk));
    },
    async increment(pk, expiresAtSeconds) {
      const { Attributes } = await answered(
        dynamodb.send(
          new UpdateItemCommand({
            ...keyOf(pk),
            UpdateExpression: 'SET expires_at = :expires ADD #count :one',
            ExpressionAttributeNames: { '#count': 'count' },
            ExpressionAttributeValues: marshall({ ':expires': expiresAtSeconds, ':one': 1 }),
            ReturnValues: 'UPDATED_NEW',
          }),
        ),
      );
      return Number(unmarshall(Attributes ?? {}).count);
    },
    async addToSet(pk, values, expiresAtSeconds) {
      const { size } = await this.readSet(pk);
      await answered(
        dynamodb.send(
          new UpdateItemCommand({
            ...keyOf(pk),
            // An expired set that TTL has not deleted yet must not come back to life.
            UpdateExpression:
              size === 0
                ? 'SET expires_at = :expires, members = :members'
                : 'SET expires_at = :expires ADD members :members',
            ExpressionAttributeValues: { ':expires': { N: String(expiresAtSeconds) }, ':members': { SS: [...values] } },
          }),
        ),
      );
    },
    async readSet(pk) {
      const item = await read(pk);
      return item?.members instanceof Set ? (item.members as ReadonlySet<string>) : new Set();
    },
  };
}
