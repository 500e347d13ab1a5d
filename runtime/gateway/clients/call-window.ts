import { UpdateItemCommand, type UpdateItemCommandOutput } from '@aws-sdk/client-dynamodb';
import { quotaTable } from '../../contract/tables.ts';
import { isConditionFailure } from '../../shared/dynamo.ts';
import type { Reservation, Reserve } from './leased-limit.ts';
import type { CounterPlace } from './token-bucket.ts';

/** A window limit as policy's `quota` obligation names it. */
export interface WindowLimit {
  readonly limit: number;
  readonly windowMs: number;
}

const attemptsMax = 6;
const keptSeconds = 86_400;

/**
 * A counter for windows that start at multiples of their length. One item holds the newest window: a call is counted in it until its end, and
 * only a clock past that end opens the next. A clock that is set back thus finds the window it has spent, not an older, fresh one.
 */
export function createCallWindow({ limit, windowMs }: WindowLimit, place: CounterPlace): Reserve {
  const { client, table, key, deadlineMs } = place;
  const Key = { [quotaTable.partitionKey]: { S: key } };
  let knownEndMs = 0;

  return async (units, nowMs) => {
    if (limit <= 0) return toReservation(0, 0, 0, endOf(nowMs));
    // No more than there can be: an ordinal beyond the limit is worth nothing to anyone.
    const wanted = Math.min(units, limit);
    const abortSignal = AbortSignal.timeout(deadlineMs);
    let isOpen = knownEndMs > nowMs;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      try {
        const update = isOpen ? countIn(wanted, nowMs) : openNext(wanted, nowMs);
        const { Attributes } = await client.send(new UpdateItemCommand(update), { abortSignal });
        return read(Attributes, wanted);
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        isOpen = !isOpen;
      }
    }
    throw new Error(`the window changed under ${attemptsMax} writes`);
  };

  function countIn(units: number, nowMs: number) {
    return {
      TableName: table,
      Key,
      UpdateExpression: 'ADD used :units',
      ConditionExpression: 'ends_at > :now',
      ExpressionAttributeValues: { ':units': { N: String(units) }, ':now': { N: String(nowMs) } },
      ReturnValues: 'ALL_NEW' as const,
    };
  }

  function openNext(units: number, nowMs: number) {
    const endMs = endOf(nowMs);
    return {
      TableName: table,
      Key,
      UpdateExpression: 'SET used = :units, ends_at = :end, expires_at = :expires',
      ConditionExpression: 'attribute_not_exists(ends_at) OR ends_at <= :now',
      ExpressionAttributeValues: {
        ':units': { N: String(units) },
        ':now': { N: String(nowMs) },
        ':end': { N: String(endMs) },
        ':expires': { N: String(Math.ceil(endMs / 1000) + keptSeconds) },
      },
      ReturnValues: 'ALL_NEW' as const,
    };
  }

  function read(item: UpdateItemCommandOutput['Attributes'], units: number): Reservation {
    const used = Number(item?.used?.N);
    knownEndMs = Number(item?.ends_at?.N);
    const before = used - units;
    return toReservation(Math.max(0, Math.min(units, limit - before)), before + 1, used, knownEndMs);
  }

  function toReservation(granted: number, firstOrdinal: number, used: number, endMs: number): Reservation {
    return { granted, firstOrdinal, left: Math.max(0, limit - used), validUntilMs: endMs, retryAtMs: endMs };
  }

  function endOf(nowMs: number): number {
    return (Math.floor(nowMs / windowMs) + 1) * windowMs;
  }
}
