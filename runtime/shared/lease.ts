import { randomUUID } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { RefusalCode } from '../contract/refusal-codes.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from './dynamo.ts';

/** What one replica does for all of them. It saves work; two that hold it for a moment must do no harm. */
export interface Lease {
  /** True for the replica that has it, or gets it now. Throws the Refusal of the lease when the store gives no answer. */
  hold(): Promise<boolean>;
  /** The next one need not wait for its end. Does nothing without it. Never rejects. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly client: DynamoDBClient;
  /** With its prefix. */
  readonly table: string;
  /** Of the one item that is the lease. */
  readonly key: { readonly pk: string; readonly sk: string };
  readonly now: () => number;
  /** What no answer of the store is refused with. */
  readonly code: RefusalCode;
  /** How long a replica that died keeps it, milliseconds. */
  readonly heldMs: number;
  /** How long the next one waits after a release, milliseconds. @default 0 */
  readonly handOverMs?: number;
}

/** By each replica's own clock: one whose clock is ahead may take it early. */
export function createLease({ client, table, key, now, code, heldMs, handOverMs = 0 }: LeaseOptions): Lease {
  const me = randomUUID();
  let heldUntilMs = 0;
  let asking: Promise<boolean> | undefined;

  function put(untilMs: number, condition: string): Promise<boolean> {
    const write = new PutItemCommand({
      TableName: table,
      Item: marshall({ ...key, heldBy: me, heldUntilMs: untilMs }),
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
      orRefuse(code, async () => {
        // Two thirds of the time are left for what is done with it, and for a renewal that comes late.
        const leftMs = heldUntilMs - now();
        if (leftMs > (heldMs * 2) / 3 && leftMs <= heldMs) return true;
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
