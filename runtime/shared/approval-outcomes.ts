import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { requestKey } from './approval-items.ts';
import { type DynamoDBClient, ifConditionHolds } from './dynamo.ts';

/** What is done about the outcome of a closed request, each with a mark of its own: being late with the one is not to do the other again. */
export interface ApprovalOutcomes {
  /** Notes that it is on record. */
  noteRecorded(id: string): Promise<void>;
  /** Notes that everybody is told, so that nobody needs to look at the request; not while somebody takes its yes back. */
  settle(id: string): Promise<void>;
}

export interface ApprovalOutcomesOptions {
  readonly client: DynamoDBClient;
  /** The table of grants. */
  readonly TableName: string;
  readonly deadline: () => { readonly abortSignal: AbortSignal };
}

export function createApprovalOutcomes({ client, TableName, deadline }: ApprovalOutcomesOptions): ApprovalOutcomes {
  async function update(id: string, UpdateExpression: string, condition: string, values: object): Promise<void> {
    const write = new UpdateItemCommand({
      TableName,
      Key: requestKey(id),
      UpdateExpression,
      ConditionExpression: `${condition} AND #state <> :open`,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: marshall({ ...values, ':open': 'open' }),
    });
    await ifConditionHolds(client.send(write, deadline()));
  }

  return {
    noteRecorded: (id) => update(id, 'SET outcomeRecorded = :true', 'attribute_exists(pk)', { ':true': true }),
    settle: (id) =>
      update(
        id,
        'REMOVE unsettled_tenant, unsettled_since',
        'attribute_exists(unsettled_tenant) AND attribute_not_exists(takingBackAtMs)',
        {},
      ),
  };
}
