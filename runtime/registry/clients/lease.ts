import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { catalogueTable } from '../../contract/tables.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from '../../shared/dynamo.ts';

/**
 * One replica does the work while the others wait. It saves work and double records; it is not what keeps the catalogue right: every
 * write there has its own condition, so two that think they hold it do no harm.
 */
export interface Lease {
  /** Takes or renews it; false while another replica has it. Throws Refusal `catalogue_unavailable`. */
  hold(): Promise<boolean>;
  /** Gives it back, so that another replica need not wait; never rejects. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly name: string;
  /** After this long without a renewal another replica takes it, milliseconds. */
  readonly ttlMs: number;
  readonly now: () => number;
}

export function createLease({ client, tablePrefix, name, ttlMs, now }: LeaseOptions): Lease {
  const TableName = `${tablePrefix}${catalogueTable.name}`;
  const key = { pk: 'lease', sk: name };
  const holder = randomUUID();
  let renewAtMs = Number.NEGATIVE_INFINITY;
  return {
    hold() {
      const nowMs = now();
      if (nowMs < renewAtMs) return Promise.resolve(true);
      return orRefuse('catalogue_unavailable', async () => {
        const isHeld = await ifConditionHolds(
          client.send(
            new PutItemCommand({
              TableName,
              Item: marshall({ ...key, holder, until_ms: nowMs + ttlMs }),
              ConditionExpression: 'attribute_not_exists(pk) OR holder = :me OR until_ms < :now',
              ExpressionAttributeValues: marshall({ ':me': holder, ':now': nowMs }),
            }),
          ),
        );
        renewAtMs = isHeld ? nowMs + ttlMs / 3 : Number.NEGATIVE_INFINITY;
        return isHeld;
      });
    },
    async release() {
      renewAtMs = Number.NEGATIVE_INFINITY;
      await client
        .send(
          new DeleteItemCommand({
            TableName,
            Key: marshall(key),
            ConditionExpression: 'holder = :me',
            ExpressionAttributeValues: marshall({ ':me': holder }),
          }),
        )
        .catch(() => {});
    },
  };
}
