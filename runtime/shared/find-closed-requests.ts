import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest } from '../contract/approval.ts';
import { requestKey } from './approval-items.ts';
import type { DynamoDBClient } from './dynamo.ts';

export interface FindClosedOptions {
  readonly client: DynamoDBClient;
  readonly TableName: string;
  /** Of one command. */
  readonly deadline: () => { readonly abortSignal: AbortSignal };
}

/** DynamoDB, "BatchGetItem": keys of one command. */
const keysMax = 100;

/**
 * Ids of those requests that are no longer open, or are not there any more. One small command for a hundred requests, so that many may be waited
 * for; what it was a moment ago will do, since whoever comes back reads what stands. Rejects with what DynamoDB says.
 */
export async function findClosedRequests(
  requests: readonly Pick<ApprovalRequest, 'id'>[],
  { client, TableName, deadline }: FindClosedOptions,
): Promise<ReadonlySet<string>> {
  const closed = new Set(requests.map(({ id }) => id));
  for (let from = 0; from < requests.length; from += keysMax) {
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          [TableName]: {
            Keys: requests.slice(from, from + keysMax).map(({ id }) => requestKey(id)),
            ProjectionExpression: 'id, #state',
            ExpressionAttributeNames: { '#state': 'state' },
          },
        },
      }),
      deadline(),
    );
    for (const item of Responses[TableName] ?? []) {
      const { id, state } = unmarshall(item);
      if (state === 'open') closed.delete(String(id));
    }
    // What DynamoDB did not get to is asked for at the next look.
    for (const key of UnprocessedKeys[TableName]?.Keys ?? []) closed.delete(idOf(unmarshall(key).pk));
  }
  return closed;
}

function idOf(partition: unknown): string {
  return String(partition).replace('request#', '');
}
