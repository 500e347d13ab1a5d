import { type AttributeValue, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { signingKeyTable } from '../../contract/tables.ts';
import type { DynamoDBClient } from '../dynamo.ts';

/** The statements of all processes. Whoever can write here can withdraw a key, but not bring in one of their own: the root key signs them. */
export interface StatementStore {
  /** Rejects with what the SDK says. */
  put(kid: string, statement: string, expiresAtMs: number): Promise<void>;
  /** Everything that is there, expired or not; never half of it. Rejects with what the SDK says. */
  list(): Promise<readonly StoredStatement[]>;
}

export interface StoredStatement {
  readonly kid: string;
  readonly statement: string;
}

/** Of a megabyte each, which is more than a thousand statements. */
const pagesMax = 20;

export function createStatementStore(client: DynamoDBClient, tablePrefix: string): StatementStore {
  const TableName = `${tablePrefix}${signingKeyTable.name}`;
  return {
    async put(kid, statement, expiresAtMs) {
      const item = { kid, statement, expires_at: Math.ceil(expiresAtMs / 1000) };
      await client.send(
        new PutItemCommand({
          TableName,
          Item: marshall(item),
          // A write that is tried again finds itself; nobody writes over another's.
          ConditionExpression: 'attribute_not_exists(kid) OR statement = :same',
          ExpressionAttributeValues: marshall({ ':same': statement }),
        }),
      );
    },
    async list() {
      const found: StoredStatement[] = [];
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
      for (let page = 1; page <= pagesMax; page += 1) {
        const answer = await client.send(
          new ScanCommand({ TableName, ConsistentRead: true, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
        );
        for (const item of answer.Items ?? []) {
          const { kid, statement } = unmarshall(item);
          found.push({ kid: String(kid), statement: String(statement) });
        }
        ExclusiveStartKey = answer.LastEvaluatedKey;
        if (ExclusiveStartKey === undefined) return found;
      }
      throw new Error(`there are more than ${pagesMax} pages of statements`);
    },
  };
}
