import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { ApprovalQuestion, ApprovalRequest } from '../contract/approval.ts';
import { type AskedItem, fromRequestItem, type Item, toArgumentsItem, toRequestItem } from './approval-items.ts';
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

/**
 * All of the arguments first, then the record, then the request: nobody can answer what cannot be read whole, or is not on record. Whoever of
 * this process asks the same meanwhile waits, so that it is recorded once.
 */
export function createWriteRequest({ client, TableName, deadline }: WriteRequestOptions): WriteRequest {
  /** By id of the request; none of these rejects. */
  const underWay = new Map<string, Promise<void>>();

  function putOnce(Item: Item): Promise<boolean> {
    const write = new PutItemCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' });
    return ifConditionHolds(client.send(write, deadline()));
  }

  return async (question, asked, record) => {
    const { requestId } = asked;
    const others = underWay.get(requestId);
    if (others !== undefined) return others;
    const { promise, resolve } = Promise.withResolvers<void>();
    underWay.set(requestId, promise);
    try {
      const all = toArgumentsItem(question, asked);
      if (all !== undefined) await putOnce(all);
      const request = toRequestItem(question, asked);
      await record(fromRequestItem(request));
      await putOnce(request);
    } finally {
      underWay.delete(requestId);
      resolve();
    }
  };
}
