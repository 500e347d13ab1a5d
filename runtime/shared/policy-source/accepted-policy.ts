import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { PolicyPointer } from '../../contract/policy-bundle-file.ts';
import { catalogueTable } from '../../contract/tables.ts';
import { type DynamoDBClient, ifConditionHolds } from '../dynamo.ts';

/**
 * The highest policy that any gateway accepted. It is the floor below which no version falls, and the policy that a gateway starts with
 * while the parameter names nothing better.
 */
export interface AcceptedPolicy {
  /** Undefined before the first one. Rejects with what the SDK says. */
  read(): Promise<PolicyPointer | undefined>;
  /** False when a higher version, or another bundle under this one, was accepted before. Rejects with what the SDK says. */
  accept(pointer: PolicyPointer): Promise<boolean>;
}

const key = { pk: 'policy', sk: 'accepted' };

export function createAcceptedPolicy(client: DynamoDBClient, tablePrefix: string): AcceptedPolicy {
  const TableName = `${tablePrefix}${catalogueTable.name}`;
  return {
    async read() {
      const { Item } = await client.send(new GetItemCommand({ TableName, Key: marshall(key), ConsistentRead: true }));
      if (Item === undefined) return undefined;
      const { version, bucket, object_key, sha256 } = unmarshall(Item);
      return { v: 1, version, bucket, key: object_key, sha256 };
    },
    accept: ({ version, bucket, key: object_key, sha256 }) =>
      ifConditionHolds(
        client.send(
          new PutItemCommand({
            TableName,
            Item: marshall({ ...key, version, bucket, object_key, sha256 }),
            ConditionExpression:
              'attribute_not_exists(pk) OR version < :version OR (version = :version AND sha256 = :sha)',
            ExpressionAttributeValues: marshall({ ':version': version, ':sha': sha256 }),
          }),
        ),
      ),
  };
}
