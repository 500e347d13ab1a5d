import type { AuditRecord } from '../../contract/audit-event.ts';
import { Refusal } from '../refusal.ts';
import type { EncodedEvent } from './encode-event.ts';

/** An append that waits until its record is durable. Settled once: with the record, or with Refusal `audit_unavailable`. */
export interface Waiting {
  readonly encoded: EncodedEvent;
  readonly promise: Promise<AuditRecord>;
  /** Durable, or refused. */
  readonly isSettled: boolean;
  resolve(record: AuditRecord): void;
  refuse(privateDetail: string, cause?: unknown): void;
}

/** Bounds what waits, in number, bytes and time: beyond the first two the next is not admitted, at the third each is refused. */
export interface WaitingRoom {
  /** Undefined when there is no room. */
  admit(encoded: EncodedEvent): Waiting | undefined;
  /** Takes room for an event that nobody waits for, until the function is called. Undefined when there is no room. */
  hold(encoded: EncodedEvent): (() => void) | undefined;
  /** Neither durable nor refused. */
  readonly count: () => number;
  /** Refuses all that still wait. */
  stop(): void;
}

/** Longest sum of all that waits, as text. */
const waitingBytesMax = 64 * 1024 * 1024;

export function createWaitingRoom(options: {
  readonly deadlineMs: number;
  readonly waitingMax: number;
  /** What is said of an append that is refused at its deadline. */
  readonly lateDetail: string;
}): WaitingRoom {
  const { deadlineMs, waitingMax, lateDetail } = options;
  /** In the order in which they came, so that the first is the oldest. */
  const all = new Map<Waiting, number>();
  let count = 0;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  function hasRoom(encoded: EncodedEvent): boolean {
    return count < waitingMax && bytes + encoded.members.length <= waitingBytesMax;
  }

  function admit(encoded: EncodedEvent): Waiting | undefined {
    if (!hasRoom(encoded)) return undefined;
    count += 1;
    bytes += encoded.members.length;
    const { promise, resolve, reject } = Promise.withResolvers<AuditRecord>();
    let isSettled = false;
    const settles = () => {
      if (isSettled) return false;
      isSettled = true;
      count -= 1;
      bytes -= encoded.members.length;
      all.delete(waiting);
      return true;
    };
    const waiting: Waiting = {
      encoded,
      promise,
      get isSettled() {
        return isSettled;
      },
      resolve(record) {
        if (settles()) resolve(record);
      },
      refuse(privateDetail, cause) {
        if (settles()) reject(new Refusal('audit_unavailable', { privateDetail }, { cause }));
      },
    };
    all.set(waiting, performance.now());
    timer ??= arm(deadlineMs);
    return waiting;
  }

  function hold(encoded: EncodedEvent): (() => void) | undefined {
    if (!hasRoom(encoded)) return undefined;
    count += 1;
    bytes += encoded.members.length;
    return () => {
      count -= 1;
      bytes -= encoded.members.length;
    };
  }

  function arm(ms: number): NodeJS.Timeout {
    return setTimeout(refuseLate, ms).unref();
  }

  function refuseLate(): void {
    timer = undefined;
    const latest = performance.now() - deadlineMs;
    for (const [waiting, sinceMs] of all) {
      if (sinceMs > latest) {
        timer = arm(Math.max(1, sinceMs - latest));
        return;
      }
      waiting.refuse(lateDetail);
    }
  }

  return {
    admit,
    hold,
    count: () => count,
    stop() {
      clearTimeout(timer);
      for (const waiting of all.keys()) waiting.refuse(lateDetail);
    },
  };
}
