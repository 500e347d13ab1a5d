import type { RefusalCode } from '../contract/refusal-codes.ts';
import type { Logger } from '../shared/logger.ts';

/** Tells operators where messages come from that nobody could identify. The record counts them; addresses are in the log alone. */
export interface StrangerLog {
  note(code: RefusalCode, address: string | undefined): void;
}

export interface StrangerLogOptions {
  readonly logger: Logger;
  readonly now: () => number;
  /** Least time between two lines about the same address and code, milliseconds. @default 60,000 */
  readonly intervalMs?: number;
}

/** Pairs of address and code that are remembered at once; the oldest is forgotten first. */
const pairsMax = 1000;

export function createStrangerLog({ logger, now, intervalMs = 60_000 }: StrangerLogOptions): StrangerLog {
  const told = new Map<string, { readonly atMs: number; repeated: number }>();
  return {
    note(code, address = 'unknown') {
      const key = `${code} ${address}`;
      const before = told.get(key);
      if (before !== undefined && now() - before.atMs < intervalMs) {
        before.repeated += 1;
        return;
      }
      told.delete(key);
      told.set(key, { atMs: now(), repeated: 0 });
      if (told.size > pairsMax) told.delete(told.keys().next().value as string);
      logger.warn({ code, address, repeated: before?.repeated ?? 0 }, 'a stranger was refused');
    },
  };
}
