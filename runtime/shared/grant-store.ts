import { randomUUID } from 'node:crypto';
import { type AttributeValue, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { windowCallsMax } from '../contract/policy-values.ts';
import type { Grant, GrantedCall, GrantedCalls } from '../contract/receipts.ts';
import { grantTable } from '../contract/tables.ts';
import { type DynamoDBClient, ifConditionHolds, isConditionFailure, orRefuse, queryAll } from './dynamo.ts';
import {
  fromGrantItem,
  grantLifetimeMaxMs,
  grantPartition,
  isForCall,
  isForLike,
  isOpen,
  keyOf,
  toGrantItem,
  windowPartition,
} from './grant-items.ts';

export type { GrantedCall } from '../contract/receipts.ts';
export { callOf, grantKey, grantLifetimeMaxMs } from './grant-items.ts';

/** Stored yeses in DynamoDB. Every method throws Refusal `approval_unavailable` when the store gives no answer. */
export interface GrantStore {
  /** Stores a new grant. Throws an Error when its id is there already. */
  put(grant: Grant): Promise<void>;
  /** The open, unexpired, unused grant for this very call, if there is one. */
  find(call: GrantedCall, nowMs: number): Promise<Grant | undefined>;
  /**
   * The open, unexpired grant for calls that have `sameSha256` in common, with a call left; never of more calls than `max`, whatever it claims.
   */
  findWindow(
    call: GrantedCall,
    window: Pick<GrantedCalls, 'sameSha256' | 'max'>,
    nowMs: number,
  ): Promise<Grant | undefined>;
  /** Uses the grant of one call up in one conditional write; false when it was used, revoked or expired before. */
  consume(grant: Grant, nowMs: number): Promise<boolean>;
  /**
   * Uses one call of a grant of several, in one conditional write; gives which one it was, from 1, and undefined when all were used, or it was revoked
   * or expired before. A lost answer may cost a call that did not run; none runs that was not counted.
   */
  consumeOne(grant: Grant, nowMs: number): Promise<number | undefined>;
}

/** A grant store whose grants can be given for good and taken back. */
export interface RevocableGrantStore extends GrantStore {
  /** Stores a grant unless its id is there already, used or not; false then. */
  putOnce(grant: Grant): Promise<boolean>;
  /** Takes a yes back, or what is left of it; false when it was used up before or is not there. */
  revoke(grant: Grant, nowMs: number): Promise<boolean>;
}

export interface GrantStoreOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
}

type Values = Readonly<Record<string, unknown>>;

export function createGrantStore(options: GrantStoreOptions): RevocableGrantStore {
  const { client, tablePrefix, deadlineMs = 1000 } = options;
  const TableName = `${tablePrefix}${grantTable.name}`;
  const deadline = () => ({ abortSignal: AbortSignal.timeout(deadlineMs) });
  const answered = <T>(work: () => Promise<T>) => orRefuse('approval_unavailable', work);

  /** Open grants of a partition, the one that ends first in front, so that the others stay useful for longer. */
  async function readOpen(pk: string, nowMs: number): Promise<readonly Grant[]> {
    const input = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :grant)',
      ExpressionAttributeValues: marshall({ ':pk': pk, ':grant': 'grant#' }),
    };
    const items = (await queryAll(client, input, deadline().abortSignal)) as readonly Record<string, AttributeValue>[];
    return items
      .filter((item) => item.used_at_ms === undefined && item.revoked_at_ms === undefined)
      .map(fromGrantItem)
      .filter((grant) => isOpen(grant, nowMs))
      .sort((a, b) => a.expiresAtMs - b.expiresAtMs);
  }

  function update(grant: Grant, UpdateExpression: string, ConditionExpression: string, values: Values) {
    return client.send(
      new UpdateItemCommand({
        TableName,
        Key: marshall(keyOf(grant)),
        UpdateExpression,
        ConditionExpression,
        ExpressionAttributeValues: marshall(values),
        ReturnValues: grant.calls === undefined ? 'NONE' : 'UPDATED_NEW',
      }),
      deadline(),
    );
  }

  function putOnce(grant: Grant): Promise<boolean> {
    const write = new PutItemCommand({
      TableName,
      Item: toGrantItem(grant),
      // A grant that was used or revoked is never opened again by writing it anew.
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    return answered(() => ifConditionHolds(client.send(write, deadline())));
  }

  return {
    putOnce,

    async put(grant) {
      if (!(await putOnce(grant))) throw new Error(`the grant ${grant.id} is already stored`);
    },

    find: (call, nowMs) =>
      answered(async () => {
        const grants = await readOpen(grantPartition(call), nowMs);
        return grants.find((grant) => isForCall(grant, call));
      }),

    findWindow: (call, { sameSha256, max }, nowMs) =>
      answered(async () => {
        for (const grant of await readOpen(windowPartition(call, sameSha256), nowMs)) {
          const { calls } = grant;
          if (calls === undefined || !isForLike(grant, call, sameSha256)) continue;
          const most = Math.min(calls.max, max, windowCallsMax);
          if (calls.used >= most) continue;
          return { ...grant, argumentsSha256: call.argumentsSha256, calls: { ...calls, max: most } };
        }
        return undefined;
      }),

    consume: (grant, nowMs) =>
      answered(async () => {
        if (grant.calls !== undefined) throw new Error('a grant of several calls is used by consumeOne');
        // The same write tried again after a lost answer finds its own mark.
        const use = randomUUID();
        return ifConditionHolds(
          update(
            grant,
            'SET used_at_ms = :now, used_by = :use',
            `(attribute_not_exists(used_at_ms) OR used_by = :use) AND ${isUsable}`,
            { ...usableValues(grant, nowMs), ':use': use },
          ),
        );
      }),

    consumeOne: (grant, nowMs) =>
      answered(async () => {
        const { calls } = grant;
        if (calls === undefined) throw new Error('a grant of one call is used by consume');
        const last = Math.min(calls.max, windowCallsMax) - 1;
        try {
          const { Attributes } = await update(
            grant,
            'SET callsUsed = callsUsed + :one, lastUsedAtMs = :now',
            `callsUsed BETWEEN :zero AND :last AND ${isUsable}`,
            { ...usableValues(grant, nowMs), ':one': 1, ':zero': 0, ':last': last },
          );
          return Number(unmarshall(Attributes ?? {}).callsUsed);
        } catch (error) {
          if (isConditionFailure(error)) return undefined;
          throw error;
        }
      }),

    revoke: (grant, nowMs) =>
      answered(() => {
        const isLeft =
          grant.calls === undefined
            ? 'attribute_exists(pk) AND attribute_not_exists(used_at_ms)'
            : 'attribute_exists(pk) AND callsUsed < callsMax';
        const set = 'SET revoked_at_ms = if_not_exists(revoked_at_ms, :now)';
        return ifConditionHolds(update(grant, set, isLeft, { ':now': nowMs }));
      }),
  };
}

/** One grant's id on another's record consumes nothing. */
const isUsable =
  'attribute_not_exists(revoked_at_ms) AND grantedAtMs <= :now AND expiresAtMs > :now AND grantedAtMs > :oldest' +
  ' AND id = :id AND approver = :approver';

function usableValues({ id, approver }: Grant, nowMs: number): Values {
  return { ':now': nowMs, ':oldest': nowMs - grantLifetimeMaxMs, ':id': id, ':approver': approver };
}
