import { randomUUID } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { grantTable } from '../../contract/tables.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from '../../shared/dynamo.ts';
import { keyHash } from '../../shared/key-hash.ts';

/** What one replica does for all of them. */
export interface Lease {
  /** True for the replica that has it, or gets it now. Throws Refusal `approval_unavailable` when the store gives no answer. */
  hold(): Promise<boolean>;
  /** The next one need not wait for its end. Does nothing without it. Never rejects. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly now: () => number;
  readonly name: string;
  /** How long a replica that died keeps it, milliseconds. @default 15000 */
  readonly heldMs?: number;
}

/** After a release the next one waits for this long: Slack takes one message a second, whoever sends it. */
const handOverMs = 1000;

/**
 * By each replica's own clock: one whose clock is ahead may take it early. Two that hold it for a moment do nothing twice, since each message is
 * claimed; they may send too fast.
 */
export function createLease({ client, tablePrefix, now, name, heldMs = 15_000 }: LeaseOptions): Lease {
  const me = randomUUID();
  let heldUntilMs = 0;
  let asking: Promise<boolean> | undefined;

  function put(untilMs: number, condition: string): Promise<boolean> {
    const write = new PutItemCommand({
      TableName: `${tablePrefix}${grantTable.name}`,
      Item: marshall({
        pk: `claim#lease#${keyHash(name)}`,
        sk: 'claim',
        heldBy: me,
        heldUntilMs: untilMs,
        expires_at: Math.ceil(untilMs / 1000) + 86_400,
      }),
      ConditionExpression: condition,
      ExpressionAttributeValues: marshall({ ':me': me, ...(condition.includes(':now') && { ':now': now() }) }),
    });
    return ifConditionHolds(client.send(write));
  }

  async function ask(): Promise<boolean> {
    const untilMs = now() + heldMs;
    const isMine = await put(untilMs, 'attribute_not_exists(pk) OR heldBy = :me OR heldUntilMs <= :now');
    heldUntilMs = isMine ? untilMs : 0;
    return isMine;
  }

  return {
    hold: () =>
      orRefuse('approval_unavailable', async () => {
        // A third of the time is left to renew it.
        if (heldUntilMs - now() > heldMs / 3 && heldUntilMs - now() <= heldMs) return true;
        // A no is a write that is paid for, too, and several loops ask at the same time.
        asking ??= ask().finally(() => {
          asking = undefined;
        });
        return asking;
      }),
    async release() {
      if (heldUntilMs <= now()) return;
      heldUntilMs = 0;
      await put(now() + handOverMs, 'heldBy = :me').catch(() => false);
    },
  };
}
