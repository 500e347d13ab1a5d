import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../shared/logger.ts';
import type { SlackFailure } from './clients/slack.ts';
import type { SlackEvents } from './clients/slack-events.ts';

/** The socket to Slack, opened again whenever it is lost. */
export interface KeptSocket {
  /** Why nobody's click arrives, in a phrase; undefined while it is open. */
  problem(): string | undefined;
  /** Opens it no more. An open one is for `SlackEvents.close` to close; resolves after that. */
  close(): Promise<void>;
}

export interface KeepSocketOptions {
  readonly now: () => number;
  readonly logger: Logger;
  /** After the first failure, milliseconds; it doubles with each further one, up to `pauseMsMax`. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  /** Ends early when the signal says so. @default a timer */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export function keepSocket(open: NonNullable<SlackEvents['openSocket']>, options: KeepSocketOptions): KeptSocket {
  const { now, logger, pauseMs, pauseMsMax, wait = (ms, signal) => sleep(ms, undefined, { signal }) } = options;
  const ending = new AbortController();
  let problem: string | undefined = 'the socket to Slack is not open yet';
  let failures = 0;

  /** Until it is lost, or cannot be opened. Returns how long Slack wants to be left alone, milliseconds. */
  async function keepOne(): Promise<number> {
    try {
      const { lost } = await open();
      problem = undefined;
      const openedAtMs = now();
      await lost;
      problem = 'the socket to Slack was lost';
      // Slack ends each socket after some hours; one that it ends at once is no better than none.
      failures = now() - openedAtMs < pauseMsMax ? failures + 1 : 0;
      return 0;
    } catch (error) {
      problem = 'the socket to Slack cannot be opened';
      failures += 1;
      const { kind, retryAfterMs = 0 } = error as SlackFailure;
      if (ending.signal.aborted) return 0;
      if (kind === 'refused')
        logger.error({ err: error }, 'the socket to Slack cannot be opened: look at SLACK_APP_TOKEN');
      else logger.error({ err: error }, 'the socket to Slack cannot be opened; it is tried again');
      return retryAfterMs;
    }
  }

  const running = (async () => {
    while (!ending.signal.aborted) {
      const askedMs = await keepOne();
      const grownMs = failures === 0 ? 0 : Math.min(pauseMsMax, pauseMs * 2 ** (failures - 1));
      await wait(Math.max(askedMs, grownMs), ending.signal).catch(() => undefined);
    }
  })();
  return {
    problem: () => problem,
    async close() {
      ending.abort();
      await running;
    },
  };
}
