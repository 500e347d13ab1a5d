import { Refusal } from '../../shared/refusal.ts';

/** What one write to the shared counter gave. */
export interface Reservation {
  /** Units that are ours: all that were asked for, or what was left. */
  readonly granted: number;
  /** Ordinal of the first granted unit, where the counter has ordinals. */
  readonly firstOrdinal: number | undefined;
  /** Units that others may still take, at the time of writing. */
  readonly left: number;
  /** Milliseconds since the epoch. Units are void from then on. */
  readonly validUntilMs: number;
  /** Milliseconds since the epoch: when a unit can be had at the earliest. Meaningful when less was granted than asked. */
  readonly retryAtMs: number;
}

/**
 * Takes up to `units` from the shared counter in one conditional write; less only when that is all there is until `retryAtMs`. Rejects
 * when the counter gives no answer.
 */
export type Reserve = (units: number, nowMs: number) => Promise<Reservation>;

/** One counted call. */
export interface Unit {
  readonly ordinal: number | undefined;
  readonly left: number;
  readonly validUntilMs: number;
}

export interface LeasedLimitOptions {
  readonly reserve: Reserve;
  /** Milliseconds since the epoch, never running backwards. */
  readonly now: () => number;
  /** Most units that one write may take beyond what is being asked for right now. */
  readonly aheadMax: number;
  /** How long units that nobody asked for yet may be held. */
  readonly leaseMs: number;
  /** Names the limit to whoever is refused, e.g. `100 calls a minute for you`. */
  readonly limitName: string;
}

interface Waiter {
  readonly resolve: (unit: Unit) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One shared limit as this process sees it. Calls at the same time share one write. A busy limit is taken ahead of its calls, by at
 * most twice what the last lease used, so that a replica that idles holds nothing. An exhausted one is remembered until it
 * can have refilled, so that a storm of retries never reaches the store.
 */
export class LeasedLimit {
  #options: LeasedLimitOptions;
  #waiting: Waiter[] = [];
  #isReserving = false;
  #leased = 0;
  #nextOrdinal: number | undefined;
  #leftElsewhere = 0;
  #leaseEndsMs = 0;
  #validUntilMs = 0;
  #exhaustedUntilMs = 0;
  #usedOfLease = 0;
  #reservedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LeasedLimitOptions) {
    this.#options = options;
  }

  /** A unit that is already ours; undefined when the store must be asked. */
  takeLeased(nowMs: number): Unit | undefined {
    return this.#holdsLease(nowMs) ? this.#next() : undefined;
  }

  /** Throws Refusal `quota_exceeded` while the limit is known to be used up. */
  refuseWhileExhausted(nowMs: number): void {
    if (nowMs < this.#exhaustedUntilMs && !this.#holdsLease(nowMs)) throw this.#exceeded(nowMs);
  }

  /** A unit, from the lease or from the store. Rejects with Refusal `quota_exceeded` or `quota_unavailable`. */
  take(): Promise<Unit> {
    const nowMs = this.#options.now();
    const leased = this.takeLeased(nowMs);
    if (leased !== undefined) return Promise.resolve(leased);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#isReserving) return;
      this.#isReserving = true;
      // Not now: whatever else asks in this turn of the event loop shares the write.
      setImmediate(() => void this.#serveWaiting());
    });
  }

  async #serveWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const nowMs = this.#options.now();
      if (nowMs < this.#exhaustedUntilMs) {
        this.#rejectAll(this.#exceeded(nowMs));
        break;
      }
      try {
        const units = this.#waiting.length + this.#ahead(nowMs);
        this.#keep(await this.#options.reserve(units, nowMs), units, nowMs);
      } catch (cause) {
        // Those who came meanwhile are refused with the others: nobody waits for longer than one deadline.
        this.#rejectAll(new Refusal('quota_unavailable', {}, { cause }));
        break;
      }
      while (this.#leased > 0 && this.#waiting.length > 0) this.#waiting.shift()?.resolve(this.#next());
    }
    this.#isReserving = false;
  }

  #holdsLease(nowMs: number): boolean {
    return this.#leased > 0 && nowMs < this.#leaseEndsMs;
  }

  #keep(reservation: Reservation, asked: number, askedAtMs: number): void {
    const { granted, firstOrdinal, left, validUntilMs, retryAtMs } = reservation;
    this.#leased = granted;
    this.#nextOrdinal = firstOrdinal;
    this.#leftElsewhere = left;
    this.#validUntilMs = validUntilMs;
    this.#leaseEndsMs = Math.min(validUntilMs, askedAtMs + this.#options.leaseMs);
    this.#usedOfLease = 0;
    this.#reservedAtMs = askedAtMs;
    this.#exhaustedUntilMs = granted < asked ? retryAtMs : 0;
  }

  /** Grows while leases are used up before their time, stays at what a whole lease used, and falls to nothing after a pause. */
  #ahead(nowMs: number): number {
    const leases = (nowMs - this.#reservedAtMs) / this.#options.leaseMs;
    const wanted = leases < 1 ? 2 * this.#usedOfLease : leases < 2 ? this.#usedOfLease : 0;
    return Math.min(this.#options.aheadMax, wanted);
  }

  #next(): Unit {
    this.#leased -= 1;
    this.#usedOfLease += 1;
    const ordinal = this.#nextOrdinal;
    if (ordinal !== undefined) this.#nextOrdinal = ordinal + 1;
    return { ordinal, left: this.#leased + this.#leftElsewhere, validUntilMs: this.#validUntilMs };
  }

  #rejectAll(error: Refusal): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  #exceeded(nowMs: number): Refusal {
    return new Refusal('quota_exceeded', {
      reason: `The limit of ${this.#options.limitName} is used up.`,
      retryAfterMs: Math.max(1, Math.ceil(this.#exhaustedUntilMs - nowMs)),
    });
  }
}
