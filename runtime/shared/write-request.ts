import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { ApprovalQuestion, ApprovalRequest } from '../contract/approval.ts';
import { type AskedItem, fromRequestItem, toRequestItem } from './approval-items.ts';
import { type DynamoDBClient, ifConditionHolds } from './dynamo.ts';

/** Resolves when it is on record that people are asked this. */
export type RecordRequest = (request: ApprovalRequest) => Promise<void>;

/** Writes the request of a claimed call unless it is there. Rejects with what `record` or DynamoDB says. */
export type WriteRequest = (question: ApprovalQuestion, asked: AskedItem, record: RecordRequest) => Promise<void>;

export interface WriteRequestOptions {
  readonly client: DynamoDBClient;
  /** The table of grants. */
  readonly TableName: string;
  readonly deadline: () => { readonly abortSignal: AbortSignal };
}

/** On record first: nobody can answer what is not there yet. Whoever of this process asks the same meanwhile waits, so that it is recorded once. */
export function createWriteRequest({ client, TableName, deadline }: WriteRequestOptions): WriteRequest {
  /** By id of the request; none of these rejects. */
  const underWay = new Map<string, Promise<void>>();

  return async (question, asked, record) => {
    const { requestId } = asked;
    const others = underWay.get(requestId);
    if (others !== undefined) return others;
    const { promise, resolve } = Promise.withResolvers<void>();
    underWay.set(requestId, promise);
    try {
      const Item = toRequestItem(question, asked);
      await record(fromRequestItem(Item));
      const write = new PutItemCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' });
      await ifConditionHolds(client.send(write, deadline()));
    } finally {
      underWay.delete(requestId);
      resolve();
    }
  };
}
