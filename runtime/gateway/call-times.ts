import type { Logger } from '../shared/logger.ts';

/** How long calls take, as operators watch it. */
export interface CallTimes {
  /** One call, in milliseconds. */
  note(ms: number): void;
  /** Tells nothing any more. */
  close(): void;
}

export interface CallTimesOptions {
  readonly logger: Logger;
  /** @default 60,000 */
  readonly intervalMs?: number;
}

/** Each bound is a twentieth above the one before it, from a millisecond to more than ten minutes. */
const growth = 1.05;
const boundsMax = 275;

/**
 * One line in the log each minute with the times of the calls of that minute, to within 5 %, and none in a minute without calls. An alarm reads it: a
 * call costs no line of its own, and allocates nothing.
 */
export function createCallTimes({ logger, intervalMs = 60_000 }: CallTimesOptions): CallTimes {
  const counts = new Uint32Array(boundsMax);
  let calls = 0;

  /** Nearest rank, at the upper bound. */
  function percentile(share: number): number {
    let left = Math.ceil(share * calls);
    const bound = counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return Math.round(growth ** bound) / 1000;
  }

  function tell(): void {
    if (calls === 0) return;
    const [p50Seconds, p90Seconds, p99Seconds] = [0.5, 0.9, 0.99].map(percentile);
    logger.info({ calls, p50Seconds, p90Seconds, p99Seconds }, 'how long calls took');
    counts.fill(0);
    calls = 0;
  }

  const timer = setInterval(tell, intervalMs);
  timer.unref();
  return {
    note(ms) {
      const bound = ms <= 1 ? 0 : Math.min(Math.ceil(Math.log(ms) / Math.log(growth)), boundsMax - 1);
      counts[bound] = (counts[bound] ?? 0) + 1;
      calls += 1;
    },
    close() {
      clearInterval(timer);
      tell();
    },
  };
}
