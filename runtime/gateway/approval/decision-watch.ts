import type { ApprovalRequest } from '../../contract/approval.ts';
import { Refusal } from '../../shared/refusal.ts';

/** How long and for whom to wait. */
export interface Waiting {
  /** Milliseconds. */
  readonly holdMs: number;
  readonly signal: AbortSignal;
}

/** Waits for people, however many calls wait for however many answers, with one look a time for all of them. */
export interface DecisionWatch {
  /**
   * The request once it is no longer open, or as it stands when the wait is over. Throws Refusal `client_cancelled` or whatever `signal` was
   * aborted with, and `approval_unavailable` when the last look found no store.
   */
  wait(request: ApprovalRequest, waiting: Waiting): Promise<ApprovalRequest>;
  /** Ends every wait now, and each later one at once: the replica shuts down, and the client can ask another. */
  release(): void;
}

export interface DecisionWatchOptions {
  /** Those of them that are no longer open. */
  readonly listClosed: (requests: readonly ApprovalRequest[]) => Promise<readonly ApprovalRequest[]>;
  /** From the end of a look to the next one. @default 1000 */
  readonly pollMs?: number;
  /** Calls that may wait at once; one more is answered at once. @default 2000 */
  readonly waitersMax?: number;
}

/** All who wait for the answer to one request. */
interface Awaited {
  readonly request: ApprovalRequest;
  readonly waiters: Set<(outcome: Outcome) => void>;
  last: Outcome;
}

type Outcome = { readonly request: ApprovalRequest } | { readonly error: unknown };

export function createDecisionWatch(options: DecisionWatchOptions): DecisionWatch {
  const { listClosed, pollMs = 1000, waitersMax = 2000 } = options;
  const awaited = new Map<string, Awaited>();
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isReleased = false;
  let waiters = 0;

  function schedule(): void {
    if (timer !== undefined || isLooking || awaited.size === 0) return;
    timer = setTimeout(async () => {
      timer = undefined;
      isLooking = true;
      await look([...awaited.values()]);
      isLooking = false;
      schedule();
    }, pollMs);
  }

  async function look(all: readonly Awaited[]): Promise<void> {
    try {
      const closed = new Map((await listClosed(all.map(({ request }) => request))).map((each) => [each.id, each]));
      for (const each of all) {
        const request = closed.get(each.request.id);
        each.last = { request: request ?? each.request };
        if (request !== undefined) tellAll(each);
      }
    } catch (error) {
      // A store that is away for a moment ends no wait.
      for (const each of all) each.last = { error };
    }
  }

  function join(request: ApprovalRequest, tell: (outcome: Outcome) => void): Awaited {
    const joined = awaited.get(request.id) ?? { request, waiters: new Set(), last: { request } };
    awaited.set(request.id, joined);
    joined.waiters.add(tell);
    schedule();
    return joined;
  }

  function leave(joined: Awaited, tell: (outcome: Outcome) => void): void {
    joined.waiters.delete(tell);
    if (joined.waiters.size > 0) return;
    if (awaited.get(joined.request.id) === joined) awaited.delete(joined.request.id);
    if (awaited.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  }

  return {
    async wait(request, { holdMs, signal }) {
      if (isReleased || holdMs <= 0 || request.state !== 'open' || waiters >= waitersMax) return request;
      if (signal.aborted) throw abortReason(signal);
      waiters += 1;
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const joined = join(request, resolve);
      const timeout = setTimeout(() => resolve(joined.last), holdMs);
      const onAbort = () => resolve({ error: abortReason(signal) });
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        const outcome = await promise;
        if ('error' in outcome) throw outcome.error;
        return outcome.request;
      } finally {
        waiters -= 1;
        clearTimeout(timeout);
        signal.removeEventListener('abort', onAbort);
        leave(joined, resolve);
      }
    },
    release() {
      isReleased = true;
      for (const each of awaited.values()) tellAll(each);
    },
  };
}

function tellAll({ waiters, last }: Awaited): void {
  for (const tell of [...waiters]) tell(last);
}

/** The Refusal that a signal was aborted with; without one, the client went away. */
function abortReason({ reason }: AbortSignal): Refusal {
  return reason instanceof Refusal ? reason : new Refusal('client_cancelled');
}
