import { setTimeout as sleep } from 'node:timers/promises';

/** Work that comes back until it is closed. */
export interface Repetition {
  /** Starts nothing more, and resolves when what is under way has ended. */
  close(): Promise<void>;
}

/** Runs `work` again and again, `pauseMs` after its end, whatever became of it. The signal says that it should come to an end. */
export function repeat(
  work: (signal: AbortSignal) => Promise<void>,
  { pauseMs, onFailure }: { readonly pauseMs: number; readonly onFailure: (error: unknown) => void },
): Repetition {
  const ending = new AbortController();
  const running = (async () => {
    while (!ending.signal.aborted) {
      await work(ending.signal).catch(onFailure);
      await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return {
    async close() {
      ending.abort();
      await running;
    },
  };
}
