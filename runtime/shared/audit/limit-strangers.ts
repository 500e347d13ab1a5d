import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../../contract/audit-event.ts';
import type { RefusalCode } from '../../contract/refusal-codes.ts';
import type { AuditWriter } from '../audit-writer.ts';
import type { Logger } from '../logger.ts';
import { blankEvent } from './blank-event.ts';

export interface StrangerLimits {
  readonly now: () => number;
  readonly logger: Logger;
  /** Refusals of unknown callers that get a record of their own in each interval. @default 60 */
  readonly recordsPerInterval?: number;
  /** Milliseconds. @default 60,000 */
  readonly intervalMs?: number;
}

/** Whom nobody has identified is recorded under this tenant. */
export const unknownTenant = '_unknown';

/**
 * Keeps strangers from filling the record. In each interval the first refusals of unknown callers are recorded one by one, durable before
 * their answer like everything else; the rest are counted by code, and the interval ends with one `refusals_summary` of the counts. A
 * process that is killed loses the counts of the interval it was in. Events of known callers pass as they are.
 */
export function limitStrangers<T extends AuditWriter>(writer: T, limits: StrangerLimits): T {
  const { now, logger, recordsPerInterval = 60, intervalMs = 60_000 } = limits;
  let sinceMs = 0;
  let recorded = 0;
  let counted = new Map<RefusalCode, number>();
  let timer: NodeJS.Timeout | undefined;
  let summarising: Promise<void> = Promise.resolve();

  function append(event: AuditEvent) {
    if (event.event !== 'http_refusal' || event.tenant !== unknownTenant || event.code === null)
      return writer.append(event);
    if (timer === undefined) {
      sinceMs = now();
      timer = setTimeout(endInterval, intervalMs).unref();
    }
    if (recorded < recordsPerInterval) {
      recorded += 1;
      return writer.append(event);
    }
    counted.set(event.code, (counted.get(event.code) ?? 0) + 1);
    return Promise.resolve(undefined);
  }

  function endInterval(): void {
    timer = undefined;
    recorded = 0;
    summarising = summarise().catch((error: unknown) => {
      logger.error({ err: error }, 'the summary of refused strangers could not be recorded; it is tried again');
      timer ??= setTimeout(endInterval, intervalMs).unref();
    });
  }

  async function summarise(): Promise<void> {
    if (counted.size === 0) return;
    const summarised = counted;
    counted = new Map();
    const refusals = [...summarised.values()].reduce((sum, count) => sum + count, 0);
    try {
      await writer.append({
        ...blankEvent,
        event: 'refusals_summary',
        time: new Date(now()).toISOString(),
        tenant: unknownTenant,
        call_id: randomUUID(),
        outcome: 'refused',
        reason: `${refusals} more refusals of unknown callers were counted and not recorded one by one.`,
        detail: { since: new Date(sinceMs).toISOString(), refusals, by_code: Object.fromEntries(summarised) },
      });
    } catch (error) {
      for (const [code, count] of summarised) counted.set(code, (counted.get(code) ?? 0) + count);
      throw error;
    }
  }

  return {
    ...writer,
    append,
    close: async () => {
      await summarising;
      clearTimeout(timer);
      await summarise().catch((error: unknown) => logger.error({ err: error }, 'refused strangers are not on record'));
      await writer.close();
    },
  };
}
