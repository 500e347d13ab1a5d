import { QueryCommand, type QueryCommandOutput, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest } from '../contract/approval.ts';
import { grantTable } from '../contract/tables.ts';
import { fromRequestItem, type Item, unsettledTenant } from './approval-items.ts';
import type { DynamoDBClient } from './dynamo.ts';

/** Requests that still need somebody, as they are stored. Only they are in the index, so a scan of it reads nothing else. */
export interface ApprovalIndex {
  /** Of one tenant, the oldest first. */
  listOf(tenant: string): Promise<readonly ApprovalRequest[]>;
  /** Of all tenants. */
  list(): Promise<readonly ApprovalRequest[]>;
}

export interface ApprovalIndexOptions {
  readonly client: DynamoDBClient;
  readonly TableName: string;
  /** Of one command. */
  readonly deadline: () => { readonly abortSignal: AbortSignal };
  /** Told of an item that is no request, by its key; it is left out, or it would hide the others of every tenant. @default nobody is */
  readonly onUnreadable?: ((key: string) => void) | undefined;
}

/** Reads the index of the table of grants. Both methods reject with what DynamoDB says. */
export function createApprovalIndex(options: ApprovalIndexOptions): ApprovalIndex {
  const { client, TableName, deadline, onUnreadable = () => {} } = options;
  const index = { TableName, IndexName: grantTable.indexes[0].name };

  function requestsOf(item: Item): readonly ApprovalRequest[] {
    try {
      return [fromRequestItem(item)];
    } catch {
      // What a parser says of it quotes it.
      onUnreadable(item.pk?.S ?? '');
      return [];
    }
  }

  async function all(ask: (from: { readonly ExclusiveStartKey?: Item }) => Promise<Page>): Promise<ApprovalRequest[]> {
    const found: ApprovalRequest[] = [];
    let from: Item | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await ask(from === undefined ? {} : { ExclusiveStartKey: from });
      found.push(...Items.flatMap(requestsOf));
      from = LastEvaluatedKey;
    } while (from !== undefined);
    return found;
  }

  return {
    async listOf(tenant) {
      const found = await all((from) =>
        client.send(
          new QueryCommand({
            ...index,
            KeyConditionExpression: 'unsettled_tenant = :tenant',
            ExpressionAttributeValues: marshall({ ':tenant': unsettledTenant(tenant) }),
            ...from,
          }),
          deadline(),
        ),
      );
      return found.filter((request) => request.tenant === tenant);
    },
    list: () => all((from) => client.send(new ScanCommand({ ...index, ...from }), deadline())),
  };
}

type Page = QueryCommandOutput | ScanCommandOutput;
