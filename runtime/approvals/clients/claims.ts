import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { grantTable } from '../../contract/tables.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from '../../shared/dynamo.ts';
import { keyHash } from '../../shared/key-hash.ts';

/**
 * True for the first of all replicas that claims this; the claim is kept for `keptMs` at least. Throws Refusal `approval_unavailable` when the
 * store gives no answer.
 */
export type Claim = (
  kind: 'slack-request' | 'more' | 'reminder' | 'escalation',
  name: string,
  keptMs: number,
) => Promise<boolean>;

export function createClaim(options: {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly now: () => number;
}): Claim {
  const { client, tablePrefix, now } = options;
  return (kind, name, keptMs) => {
    const write = new PutItemCommand({
      TableName: `${tablePrefix}${grantTable.name}`,
      Item: marshall({
        pk: `claim#${kind}#${keyHash(name)}`,
        sk: 'claim',
        expires_at: Math.ceil((now() + keptMs) / 1000),
      }),
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    return orRefuse('approval_unavailable', () => ifConditionHolds(client.send(write)));
  };
}
