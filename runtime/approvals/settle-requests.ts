import { randomUUID } from 'node:crypto';
import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import { approvalEvent } from '../shared/audit/approval-event.ts';
import type { Logger } from '../shared/logger.ts';
import { type DecideDeps, tell } from './decide-request.ts';

/** What the sweep needs. */
export interface SettleDeps extends Pick<DecideDeps, 'audit' | 'now' | 'showOutcome'> {
  readonly approvals: Pick<ApprovalStore, 'listUnsettled' | 'expire' | 'completeGrant' | 'settle'>;
  readonly logger: Logger;
}

/** Whoever closed a request has this long to record and tell it, before the sweep does. */
export const settleGraceMs = 60_000;

/**
 * The sweep, which does what is left to do for every request: expires those whose time is over, completes yeses whose process died, and
 * records and tells outcomes that nobody told. Run it every few seconds, in as many processes as there are: an outcome is told at least once. One
 * request that fails keeps none of the others; the next sweep tries it again. Rejects with Refusal `approval_unavailable` when
 * there is no list.
 */
export function createSettleRequests(deps: SettleDeps): () => Promise<void> {
  /** Recorded by this process and not told yet: trying to tell is not recorded again and again. */
  const recorded = new Set<string>();

  async function settleOne(request: ApprovalRequest): Promise<void> {
    const nowMs = deps.now();
    if (request.state === 'open') {
      if (nowMs < request.expiresAtMs) return;
      const closed = await deps.approvals.expire(request.id, nowMs);
      if (closed?.isYours === true) await finish(closed.request, false);
      return;
    }
    await deps.approvals.completeGrant(request, nowMs);
    if (nowMs >= (request.closedAtMs ?? 0) + settleGraceMs) await finish(request, true);
  }

  async function finish(request: ApprovalRequest, isLate: boolean): Promise<void> {
    if (!recorded.has(request.id)) {
      await deps.audit.append(closedEvent(request, isLate, deps.now()));
      recorded.add(request.id);
    }
    if (await tell(request, deps)) recorded.delete(request.id);
    else deps.logger.warn({ approval: request.id }, 'an outcome was not told, the next sweep tries again');
  }

  return async () => {
    const unsettled = await deps.approvals.listUnsettled();
    for (const request of unsettled) {
      try {
        await settleOne(request);
      } catch (error) {
        deps.logger.warn({ approval: request.id, err: error }, 'a request is not settled, the next sweep tries again');
      }
    }
    const left = new Set(unsettled.map(({ id }) => id));
    for (const id of recorded) if (!left.has(id)) recorded.delete(id);
  };
}

function closedEvent(request: ApprovalRequest, isLate: boolean, nowMs: number) {
  const { decision } = request;
  return approvalEvent(request, {
    event: decision === undefined ? 'approval_expired' : 'approval_decided',
    nowMs,
    call_id: randomUUID(),
    caller: null,
    ...(isLate && { reason: 'Whoever closed the question did not get to telling it; this is the sweep.' }),
    detail: decision === undefined ? {} : { ...decision, reason: undefined, words: decision.reason ?? null },
  });
}
