import type { ApprovalRequest } from '../../contract/approval.ts';
import { Refusal } from '../../shared/refusal.ts';

/** How long and for whom to wait. */
export interface Waiting {
  /** Milliseconds. */
  readonly holdMs: number;
  readonly signal: AbortSignal;
}

/** Waits for people, however many calls wait for the same answer, with one poll for all of them. */
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
  /** Undefined when there is no such request any more. */
  readonly find: (request: ApprovalRequest) => Promise<ApprovalRequest | undefined>;
  /** Between two looks at one request. @default 1000 */
  readonly pollMs?: number;
  /** Calls that may wait at once; one more is answered at once. @default 2000 */
  readonly waitersMax?: number;
}

interface Poll {
  readonly waiters: Set<(outcome: Outcome) => void>;
  timer: NodeJS.Timeout | undefined;
  last: Outcome;
}

type Outcome = { readonly request: ApprovalRequest } | { readonly error: unknown };

export function createDecisionWatch(options: DecisionWatchOptions): DecisionWatch {
  const { find, pollMs = 1000, waitersMax = 2000 } = options;
  const polls = new Map<string, Poll>();
  let isReleased = false;
  let waiters = 0;

  function schedule(request: ApprovalRequest, poll: Poll): void {
    poll.timer = setTimeout(async () => {
      try {
        const found = await find(request);
        poll.last = { request: found ?? { ...request, state: 'expired' } };
      } catch (error) {
        // A store that is away for a moment ends no wait.
        poll.last = { error };
      }
      if ('request' in poll.last && poll.last.request.state !== 'open') {
        for (const tell of [...poll.waiters]) tell(poll.last);
      }
      if (poll.waiters.size > 0) schedule(request, poll);
    }, pollMs);
  }

  function join(request: ApprovalRequest, tell: (outcome: Outcome) => void): Poll {
    let poll = polls.get(request.id);
    if (poll === undefined) {
      poll = { waiters: new Set(), timer: undefined, last: { request } };
      polls.set(request.id, poll);
      schedule(request, poll);
    }
    poll.waiters.add(tell);
    return poll;
  }

  function leave(request: ApprovalRequest, poll: Poll, tell: (outcome: Outcome) => void): void {
    poll.waiters.delete(tell);
    if (poll.waiters.size > 0) return;
    clearTimeout(poll.timer);
    if (polls.get(request.id) === poll) polls.delete(request.id);
  }

  return {
    async wait(request, { holdMs, signal }) {
      if (isReleased || holdMs <= 0 || request.state !== 'open' || waiters >= waitersMax) return request;
      if (signal.aborted) throw abortReason(signal);
      waiters += 1;
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const poll = join(request, resolve);
      const timer = setTimeout(() => resolve(poll.last), holdMs);
      const onAbort = () => resolve({ error: abortReason(signal) });
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        const outcome = await promise;
        if ('error' in outcome) throw outcome.error;
        return outcome.request;
      } finally {
        waiters -= 1;
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        leave(request, poll, resolve);
      }
    },
    release() {
      isReleased = true;
      for (const poll of polls.values()) {
        for (const tell of [...poll.waiters]) tell(poll.last);
      }
    },
  };
}

/** The Refusal that a signal was aborted with; without one, the client went away. */
function abortReason({ reason }: AbortSignal): Refusal {
  return reason instanceof Refusal ? reason : new Refusal('client_cancelled');
}
