import type { AuditRecord } from '../../contract/audit-event.ts';
import type { Logger } from '../logger.ts';
import { Refusal } from '../refusal.ts';
import { diskReason } from './audit-files.ts';
import type { Chain, ChainEntry } from './chain.ts';
import type { EncodedEvent } from './encode-event.ts';
import { createWaitingRoom, type Waiting } from './waiting-room.ts';

/** Gathers events while a write is under way and writes them together, one write per chain. */
export interface GroupCommit {
  append(encoded: EncodedEvent): Promise<AuditRecord>;
  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void>;
  stop(): void;
  status(): { readonly isWriting: boolean; readonly problem: string | undefined; readonly waiting: number };
}

export interface GroupCommitOptions {
  readonly chainOf: (segment: string) => Chain;
  /** An event that goes before the first of this run. */
  readonly beforeFirst: (chain: Chain) => EncodedEvent | undefined;
  readonly onDurable: (chain: Chain, record: AuditRecord, hash: string) => void;
  /** Whether the disk can be written again, asked while no append comes to find out. */
  readonly probe: () => Promise<void>;
  readonly deadlineMs: number;
  readonly waitingMax: number;
  readonly logger: Logger;
}

const batchBytesMax = 8 * 1024 * 1024;
/** Each has a file open while it is written; as many stay open for the next write. */
const chainsAtOnce = 64;
const openFilesMax = 64;
const probeMs = 1000;
const lateDetail = 'the disk does not answer';

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { deadlineMs, logger } = options;
  const room = createWaitingRoom({ deadlineMs, waitingMax: options.waitingMax, lateDetail });
  let queue: Waiting[] = [];
  let isScheduled = false;
  let isFlushing = false;
  let flushStartedMs = 0;
  let isStopped = false;
  let problem: string | undefined;
  let prober: NodeJS.Timeout | undefined;
  let drained: (() => void)[] = [];
  const recentlyUsed = new Set<Chain>();

  function append(encoded: EncodedEvent): Promise<AuditRecord> {
    if (isLate()) return refused(lateDetail);
    const waiting = room.admit(encoded);
    if (waiting === undefined) return refused('too many events wait for the disk');
    queue.push(waiting);
    if (!isFlushing) scheduleFlush();
    return waiting.promise;
  }

  function isLate(): boolean {
    return isFlushing && performance.now() - flushStartedMs >= deadlineMs;
  }

  /** After the sockets that are readable now: what one burst brings is one batch. */
  function scheduleFlush(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    const batch = takeBatch();
    if (batch.length === 0) {
      settleDrained();
      return;
    }
    isFlushing = true;
    flushStartedMs = performance.now();
    const byChain = new Map<Chain, Waiting[]>();
    for (const waiting of batch) {
      const chain = options.chainOf(waiting.encoded.segment);
      const list = byChain.get(chain);
      if (list === undefined) byChain.set(chain, [waiting]);
      else list.push(waiting);
    }
    void writeAll([...byChain]).then(() => {
      isFlushing = false;
      if (queue.length > 0) scheduleFlush();
      else settleDrained();
    });
  }

  async function writeAll(work: readonly (readonly [Chain, readonly Waiting[]])[]): Promise<void> {
    let found: string | undefined;
    for (let from = 0; from < work.length; from += chainsAtOnce) {
      const some = work.slice(from, from + chainsAtOnce);
      const problems = await Promise.all(some.map(([chain, list]) => write(chain, list)));
      found ??= problems.find((one) => one !== undefined);
      await releaseIdle(some.map(([chain]) => chain));
    }
    problem = found;
    if (problem !== undefined) prober ??= armProbe();
  }

  /** What went wrong, in words; undefined when all is durable. */
  async function write(chain: Chain, list: readonly Waiting[]): Promise<string | undefined> {
    try {
      await chain.append(entriesOf(chain, list));
      return undefined;
    } catch (cause) {
      const reason = diskReason(cause);
      problem = reason;
      logger.error({ err: cause, tenant: chain.segment }, 'audit records could not be written');
      for (const waiting of list) waiting.refuse(reason, cause);
      return reason;
    }
  }

  function entriesOf(chain: Chain, list: readonly Waiting[]): ChainEntry[] {
    const first = options.beforeFirst(chain);
    const entries: ChainEntry[] =
      first === undefined ? [] : [{ encoded: first, done: (record, hash) => options.onDurable(chain, record, hash) }];
    for (const waiting of list) {
      entries.push({
        encoded: waiting.encoded,
        done(record, hash) {
          // Late for its caller, who was refused; the record stays, for the call may have run.
          problem = undefined;
          waiting.resolve(record);
          options.onDurable(chain, record, hash);
        },
      });
    }
    return entries;
  }

  function takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    // Those that were refused while they waited for their turn never reach the disk.
    queue = queue.filter((waiting) => !waiting.isSettled);
    for (const waiting of queue) {
      if (bytes > 0 && bytes + waiting.encoded.members.length > batchBytesMax) break;
      bytes += waiting.encoded.members.length;
      count += 1;
    }
    const batch = count === queue.length ? queue : queue.slice(0, count);
    queue = count === queue.length ? [] : queue.slice(count);
    return batch;
  }

  function armProbe(): NodeJS.Timeout {
    return setTimeout(async () => {
      prober = undefined;
      if (isStopped || problem === undefined) return;
      try {
        await options.probe();
        problem = undefined;
        logger.info('audit records can be written again');
      } catch (error) {
        problem = diskReason(error);
        if (!isStopped) prober ??= armProbe();
      }
    }, probeMs).unref();
  }

  async function releaseIdle(used: Iterable<Chain>): Promise<void> {
    for (const chain of used) {
      recentlyUsed.delete(chain);
      recentlyUsed.add(chain);
    }
    for (const chain of recentlyUsed) {
      if (recentlyUsed.size <= openFilesMax) return;
      recentlyUsed.delete(chain);
      await chain.release().catch(() => undefined);
    }
  }

  function settleDrained(): void {
    const waiting = drained;
    drained = [];
    for (const resolve of waiting) resolve();
  }

  return {
    append,
    drain: () => (isFlushing || isScheduled ? new Promise((resolve) => drained.push(resolve)) : Promise.resolve()),
    stop() {
      isStopped = true;
      room.stop();
      clearTimeout(prober);
    },
    status() {
      const found = problem ?? (isLate() ? lateDetail : undefined);
      return { isWriting: found === undefined, problem: found, waiting: room.count() };
    },
  };
}

function refused(privateDetail: string): Promise<never> {
  return Promise.reject(new Refusal('audit_unavailable', { privateDetail }));
}
