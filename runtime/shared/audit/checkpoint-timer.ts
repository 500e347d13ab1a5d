import type { Logger } from '../logger.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { CheckpointLog } from './checkpoint-log.ts';

type Head = { readonly seq: number; readonly hash: string };

/** Writes a signed checkpoint at most every interval while chains grow. A signer that fails holds up no call: the next tick tries again. */
export interface CheckpointTimer {
  /** A chain has grown. */
  mark(segment: string): void;
  /** Writes one now, of every chain. Rejects when it cannot be signed or stored. */
  write(kind: 'opened' | 'closed'): Promise<void>;
  /** Waits for the one under way, then writes the last. */
  close(): Promise<void>;
  /** Writes no more. */
  stop(): void;
  readonly last: () => number;
}

/** So that a reader finds every chain's head without reading a whole file. */
const fullEvery = 256;

export function createCheckpointTimer(options: {
  readonly log: CheckpointLog;
  readonly intervalMs: number;
  readonly now: () => number;
  readonly logger: Logger;
  readonly heads: () => readonly (readonly [segment: string, head: Head])[];
  /** Runs before each; what it throws holds the checkpoint back. */
  readonly beforeEach: () => void;
}): CheckpointTimer {
  const { log, logger } = options;
  const grown = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let isStopped = false;

  function arm(): void {
    if (timer !== undefined || isStopped) return;
    timer = setTimeout(() => {
      underWay = tick();
    }, options.intervalMs);
    timer.unref();
  }

  async function tick(): Promise<void> {
    try {
      await append((log.last() + 1) % fullEvery === 0 ? 'full' : 'changed');
    } catch (error) {
      logger.error({ err: error }, 'an audit checkpoint could not be signed or stored; it is tried again');
    }
    timer = undefined;
    if (grown.size > 0) arm();
  }

  async function append(kind: Checkpoint['kind']): Promise<void> {
    options.beforeEach();
    const marked = [...grown];
    const heads = options
      .heads()
      .filter(([segment, head]) => head.seq > 0 && (kind !== 'changed' || grown.has(segment)));
    grown.clear();
    try {
      await log.append(kind, Object.fromEntries(heads), new Date(options.now()).toISOString());
    } catch (error) {
      for (const segment of marked) grown.add(segment);
      throw error;
    }
  }

  return {
    mark(segment) {
      grown.add(segment);
      arm();
    },
    write: (kind) => append(kind),
    async close() {
      isStopped = true;
      clearTimeout(timer);
      await underWay;
      await append('closed');
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
    last: () => log.last(),
  };
}
