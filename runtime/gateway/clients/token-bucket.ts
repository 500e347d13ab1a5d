import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { quotaTable } from '../../contract/tables.ts';
import { type DynamoDBClient, isConditionFailure } from '../../shared/dynamo.ts';
import type { Reservation, Reserve } from './leased-limit.ts';

/** A bucket that holds `burst` calls and refills by `perMinute`. */
export interface BucketSize {
  readonly perMinute: number;
  readonly burst: number;
}

/** Where a counter is written. */
export interface CounterPlace {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly key: string;
  /** For one reservation, all its attempts included. */
  readonly deadlineMs: number;
}

const attemptsMax = 10;
/** Kept for a day after it has refilled: a clock that is set back by less finds what was spent. */
const keptSeconds = 86_400;

/**
 * A token bucket as one number, the generic cell rate algorithm (ITU-T I.371 § A): `tat`, in microseconds, is when the bucket
 * will be full again. A unit moves it on by one interval, and it may never lie further ahead than the bucket is deep. It only grows, so a clock
 * that runs behind or is set back finds less, never more.
 */
export function createTokenBucket(size: BucketSize, { client, table, key, deadlineMs }: CounterPlace): Reserve {
  const intervalUs = Math.ceil(60_000_000 / size.perMinute);
  const depthUs = intervalUs * size.burst;
  const Key = { [quotaTable.partitionKey]: { S: key } };
  let tatUs = 0;

  return async (units, nowMs) => {
    const nowUs = Math.round(nowMs * 1000);
    const abortSignal = AbortSignal.timeout(deadlineMs);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const room = roomAfter(tatUs, nowUs);
      // An older `tat` that leaves no room is enough to know: the stored one is not smaller.
      if (room <= 0) return toReservation(0, nowUs);
      const granted = Math.min(units, room);
      try {
        const { Attributes } = await client.send(new UpdateItemCommand(toUpdate(granted, nowUs)), { abortSignal });
        tatUs = readTat(Attributes);
        return toReservation(granted, nowUs);
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        tatUs = readTat(error.Item ?? (await readItem(abortSignal)));
      }
    }
    throw new Error(`the bucket changed under ${attemptsMax} writes`);
  };

  function roomAfter(tat: number, nowUs: number): number {
    return Math.floor((nowUs + depthUs - Math.max(tat, nowUs)) / intervalUs);
  }

  function toUpdate(units: number, nowUs: number) {
    const takenUs = units * intervalUs;
    const expiresAt = Math.ceil((nowUs + depthUs) / 1_000_000) + keptSeconds;
    const common = {
      TableName: table,
      Key,
      ReturnValues: 'ALL_NEW' as const,
      // Saves the reading where it is known; dynalite does not know it.
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    if (tatUs <= nowUs) {
      return {
        ...common,
        UpdateExpression: 'SET tat = :tat, expires_at = :expires',
        ConditionExpression: 'attribute_not_exists(tat) OR tat <= :now',
        ExpressionAttributeValues: { ':tat': n(nowUs + takenUs), ':now': n(nowUs), ':expires': n(expiresAt) },
      };
    }
    return {
      ...common,
      UpdateExpression: 'SET expires_at = :expires ADD tat :taken',
      ConditionExpression: 'tat BETWEEN :now AND :most',
      ExpressionAttributeValues: {
        ':taken': n(takenUs),
        ':now': n(nowUs),
        ':most': n(nowUs + depthUs - takenUs),
        ':expires': n(expiresAt),
      },
    };
  }

  async function readItem(abortSignal: AbortSignal) {
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }), {
      abortSignal,
    });
    return Item;
  }

  function toReservation(granted: number, nowUs: number): Reservation {
    return {
      granted,
      firstOrdinal: undefined,
      left: Math.max(0, roomAfter(tatUs, nowUs)),
      validUntilMs: Number.POSITIVE_INFINITY,
      retryAtMs: Math.ceil((tatUs + intervalUs - depthUs) / 1000),
    };
  }
}

function readTat(item: Record<string, AttributeValue> | undefined): number {
  return Number(item?.tat?.N ?? 0);
}

function n(value: number): AttributeValue {
  return { N: String(value) };
}
