import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import { approvalEvent } from '../shared/audit/approval-event.ts';
import type { Logger } from '../shared/logger.ts';
import { type DecideDeps, tell } from './decide-request.ts';

/** What the sweep needs. */
export interface SettleDeps extends Pick<DecideDeps, 'audit' | 'now' | 'showOutcome'> {
  readonly approvals: Pick<
    ApprovalStore,
    'listUnsettled' | 'find' | 'expire' | 'completeGrant' | 'noteRecorded' | 'settle'
  >;
  readonly logger: Logger;
  /** True while this replica does it for all of them. @default every replica does */
  readonly isOurs?: () => Promise<boolean>;
  /** Records and shows that a yes was taken back, of a process that did not get to it. */
  readonly finishTakeBack?: (request: ApprovalRequest) => Promise<void>;
}

/** Whoever closed a request has this long to record and tell it, before the sweep does. */
export const settleGraceMs = 60_000;

/** Requests that are closed or completed at once: each takes a write and its record. */
const atOnceMax = 16;
/** Outcomes are told one after the other, as Slack takes them; after that long the rest waits for the next sweep. */
const tellingMaxMs = 10_000;

/**
 * The sweep, which does what is left to do for every request: expires those whose time is over, completes yeses whose process died, and
 * records and tells outcomes that nobody told, first all of the former, then the latter. Run it every few seconds, in as many processes as there
 * are: an outcome is told at least once, and recorded once unless somebody died between the record and its mark. One request that fails keeps none
 * of the others; the next sweep tries it again. Rejects with Refusal `approval_unavailable` when there is no list.
 */
export function createSettleRequests(deps: SettleDeps): () => Promise<void> {
  /** What is stored and recorded waits for nobody. Returns a request whose outcome is still to be told. */
  async function settleOne(request: ApprovalRequest): Promise<ApprovalRequest | undefined> {
    const nowMs = deps.now();
    if (request.state === 'open') {
      if (nowMs < request.expiresAtMs) return undefined;
      const closed = await deps.approvals.expire(request.id, nowMs);
      return closed?.isYours === true ? record(closed.request, false) : undefined;
    }
    await deps.approvals.completeGrant(request, nowMs);
    if (request.takingBackAtMs !== undefined) {
      if (nowMs < request.takingBackAtMs + settleGraceMs) return undefined;
      await deps.finishTakeBack?.(request);
    }
    // Its workflow records nothing.
    const isLate = request.isClosedByWorkflow !== true;
    if (isLate && nowMs < (request.closedAtMs ?? 0) + settleGraceMs) return undefined;
    // The list may be older than what somebody noted since.
    const current = await deps.approvals.find(request.id, nowMs);
    return current === undefined || current.isOutcomeRecorded === true ? current : record(current, isLate);
  }

  async function record(request: ApprovalRequest, isLate: boolean): Promise<ApprovalRequest> {
    await deps.audit.append(closedEvent(request, isLate, deps.now()));
    await deps.approvals.noteRecorded(request.id);
    return request;
  }

  async function tellAll(requests: readonly ApprovalRequest[]): Promise<void> {
    const untilMs = deps.now() + tellingMaxMs;
    for (const request of requests.toSorted((a, b) => (a.closedAtMs ?? 0) - (b.closedAtMs ?? 0))) {
      if (deps.now() >= untilMs) return;
      if (!(await tell(request, deps))) {
        deps.logger.warn({ approval: request.id }, 'an outcome was not told, the next sweep tries again');
      }
    }
  }

  return async () => {
    if (deps.isOurs !== undefined && !(await deps.isOurs())) return;
    const unsettled = await deps.approvals.listUnsettled();
    const untold: ApprovalRequest[] = [];
    await inTurns(unsettled, atOnceMax, async (request) => {
      try {
        const settled = await settleOne(request);
        if (settled !== undefined) untold.push(settled);
      } catch (error) {
        deps.logger.warn({ approval: request.id, err: error }, 'a request is not settled, the next sweep tries again');
      }
    });
    await tellAll(untold);
  };
}

async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

/** What a workflow closed was nobody's wish. */
function closedEventKind({ decision, state, isClosedByWorkflow }: ApprovalRequest) {
  if (decision !== undefined) return 'approval_decided';
  return state === 'withdrawn' && isClosedByWorkflow !== true ? 'approval_withdrawn' : 'approval_expired';
}

function closedEvent(request: ApprovalRequest, isLate: boolean, nowMs: number) {
  const { decision } = request;
  return approvalEvent(request, {
    event: closedEventKind(request),
    nowMs,
    call_id: request.closedCallId ?? request.id,
    caller: null,
    ...(isLate && { reason: 'Whoever closed the question may not have recorded it; this is the sweep.' }),
    ...(request.isClosedByWorkflow === true &&
      request.state === 'withdrawn' && { reason: 'Nobody could be told of the question, so it was taken back.' }),
    detail: decision === undefined ? {} : { ...decision, reason: undefined, words: decision.reason ?? null },
  });
}
