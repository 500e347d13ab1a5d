import { setTimeout as sleep } from 'node:timers/promises';

/** Runs work of one lane one after the other, each begun at least `gapMs` after the one before; lanes do not wait for each other. */
export interface Pacing {
  run<T>(lane: string, work: () => Promise<T>): Promise<T>;
  /** Nothing of this lane begins before that much time is over. */
  hold(lane: string, ms: number): void;
}

export interface PacingOptions {
  readonly gapMs: number;
  /** Milliseconds of a clock that is never set back. @default performance.now */
  readonly monotonic?: () => number;
  /** @default a timer */
  readonly wait?: (ms: number) => Promise<unknown>;
}

export function createPacing({
  gapMs,
  monotonic = () => performance.now(),
  // A process may end while a message waits for its turn: the next one finds the request without a notice.
  wait = (ms) => sleep(ms, undefined, { ref: false }),
}: PacingOptions): Pacing {
  const lanes = new Map<string, { last: Promise<unknown>; freeAt: number; queued: number }>();
  const laneOf = (name: string) => {
    const lane = lanes.get(name) ?? { last: Promise.resolve(), freeAt: 0, queued: 0 };
    lanes.set(name, lane);
    return lane;
  };
  return {
    run(name, work) {
      const lane = laneOf(name);
      lane.queued += 1;
      const turn = lane.last.then(async () => {
        for (let ms = lane.freeAt - monotonic(); ms > 0; ms = lane.freeAt - monotonic()) await wait(ms);
        lane.freeAt = monotonic() + gapMs;
      });
      const result = turn.then(work);
      // The next one waits for the end of this one, however it ends.
      lane.last = result.then(
        () => {},
        () => {},
      );
      void lane.last.then(() => {
        lane.queued -= 1;
        if (lane.queued === 0 && lane.freeAt <= monotonic()) lanes.delete(name);
      });
      return result;
    },
    hold(name, ms) {
      const lane = laneOf(name);
      lane.freeAt = Math.max(lane.freeAt, monotonic() + ms);
    },
  };
}
