import type { AuditRecord } from '../../contract/audit-event.ts';
import type { Logger } from '../logger.ts';
import { Refusal } from '../refusal.ts';
import { diskReason } from './audit-files.ts';
import type { Chain, ChainEntry } from './chain.ts';
import type { EncodedEvent } from './encode-event.ts';

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

interface Waiting {
  readonly encoded: EncodedEvent;
  readonly sinceMs: number;
  readonly resolve: (record: AuditRecord) => void;
  readonly reject: (refusal: Refusal) => void;
  /** Durable, or refused. */
  isSettled: boolean;
}

const waitingBytesMax = 64 * 1024 * 1024;
const batchBytesMax = 8 * 1024 * 1024;
/** Each has a file open while it is written; as many stay open for the next write. */
const chainsAtOnce = 64;
const openFilesMax = 64;
const probeMs = 1000;

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { deadlineMs, logger } = options;
  let queue: Waiting[] = [];
  let queueBytes = 0;
  let inFlight: Waiting[] = [];
  let isScheduled = false;
  let isFlushing = false;
  let flushStartedMs = 0;
  /** Neither durable nor refused. */
  let waitingCount = 0;
  let isStopped = false;
  let problem: string | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let prober: NodeJS.Timeout | undefined;
  let drained: (() => void)[] = [];
  const recentlyUsed = new Set<Chain>();

  function append(encoded: EncodedEvent): Promise<AuditRecord> {
    const nowMs = performance.now();
    if (isFlushing && nowMs - flushStartedMs >= deadlineMs) return refused('the disk does not answer');
    if (waitingCount >= options.waitingMax || queueBytes + encoded.members.length > waitingBytesMax)
      return refused('too many events wait for the disk');
    return new Promise((resolve, reject) => {
      queue.push({ encoded, sinceMs: nowMs, resolve, reject, isSettled: false });
      queueBytes += encoded.members.length;
      waitingCount += 1;
      deadline ??= armDeadline(deadlineMs);
      if (!isFlushing) scheduleFlush();
    });
  }

  /** After the sockets that are readable now: what one burst brings is one batch. */
  function scheduleFlush(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    inFlight = takeBatch();
    if (inFlight.length === 0) {
      settleDrained();
      return;
    }
    isFlushing = true;
    flushStartedMs = performance.now();
    const byChain = new Map<Chain, Waiting[]>();
    for (const waiting of inFlight) {
      const chain = options.chainOf(waiting.encoded.segment);
      const list = byChain.get(chain);
      if (list === undefined) byChain.set(chain, [waiting]);
      else list.push(waiting);
    }
    void writeAll([...byChain]).then(() => {
      isFlushing = false;
      inFlight = [];
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
      for (const waiting of list) refuse(waiting, reason, cause);
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
          if (settles(waiting)) waiting.resolve(record);
          options.onDurable(chain, record, hash);
        },
      });
    }
    return entries;
  }

  function takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of queue) {
      if (bytes > 0 && bytes + waiting.encoded.members.length > batchBytesMax) break;
      bytes += waiting.encoded.members.length;
      count += 1;
    }
    const batch = count === queue.length ? queue : queue.slice(0, count);
    queue = count === queue.length ? [] : queue.slice(count);
    queueBytes -= bytes;
    return batch;
  }

  function armDeadline(ms: number): NodeJS.Timeout {
    return setTimeout(checkDeadline, ms).unref();
  }

  function checkDeadline(): void {
    const latest = performance.now() - deadlineMs;
    const isLate = (waiting: Waiting) => !waiting.isSettled && waiting.sinceMs <= latest;
    for (const waiting of inFlight.filter(isLate)) refuse(waiting, 'the disk does not answer');
    for (const waiting of queue.filter(isLate)) {
      refuse(waiting, 'the disk does not answer');
      queueBytes -= waiting.encoded.members.length;
    }
    queue = queue.filter((waiting) => !waiting.isSettled);
    const next = [...inFlight, ...queue].find((waiting) => !waiting.isSettled);
    deadline = next && armDeadline(Math.max(1, next.sinceMs - latest));
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

  function refuse(waiting: Waiting, privateDetail: string, cause?: unknown): void {
    if (settles(waiting)) waiting.reject(new Refusal('audit_unavailable', { privateDetail }, { cause }));
  }

  /** True the first time. */
  function settles(waiting: Waiting): boolean {
    if (waiting.isSettled) return false;
    waiting.isSettled = true;
    waitingCount -= 1;
    return true;
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
      clearTimeout(deadline);
      clearTimeout(prober);
    },
    status: () => ({ isWriting: problem === undefined, problem, waiting: waitingCount }),
  };
}

function refused(privateDetail: string): Promise<never> {
  return Promise.reject(new Refusal('audit_unavailable', { privateDetail }));
}
