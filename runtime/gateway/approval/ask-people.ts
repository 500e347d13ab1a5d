import type { ApprovalRequest } from '../../contract/approval.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import { Refusal, type RefusalDetails } from '../../shared/refusal.ts';
import type { AuditEntry } from '../audited.ts';
import type { GatewayDeps } from '../deps.ts';
import type { Outlet } from '../safe-reply.ts';
import { callWindow } from './call-window.ts';
import { clientKind } from './client-kind.ts';
import { findGrant } from './find-grant.ts';
import { boundCall, type CheckedCall, questionOf } from './questions.ts';
import { recordQuestion } from './record-question.ts';
import { reportProgress } from './report-progress.ts';
import type { PendingApproval } from './request-states.ts';
import { isSentToStepUp, stepUpScopes } from './step-up.ts';

/** Asks people about one call. */
export interface AskPeople {
  /** What the client brought of an earlier round. Throws Refusal `request_state_invalid`. */
  readonly pending: () => PendingApproval | undefined;
  /**
   * Opens the question, or finds the one that stands, and waits for its answer where the client comes back. Never runs anything: a call that was
   * allowed meanwhile is proved anew from its start. Throws Refusal `approval_required`, `approval_denied`, `approval_unavailable`,
   * `arguments_unshowable` when people could not see all that it is about, `quota_exceeded` when the caller has opened too many questions in
   * this hour, or `audit_unavailable`.
   */
  readonly ask: (pending: PendingApproval | undefined) => Promise<never>;
}

/** Clients give up after ten rounds, so the last word comes before. Measured: SDK v2, Claude Code. */
export const roundsMax = 8;
/** Key of our one request among `inputRequests`. */
export const inputKey = 'toolgate_approval';

type AskDeps = Pick<
  GatewayDeps,
  | 'now'
  | 'audit'
  | 'policy'
  | 'grants'
  | 'approvals'
  | 'decisions'
  | 'requestStates'
  | 'approvalSettings'
  | 'redactJson'
  | 'startWorkflow'
  | 'stepUp'
>;

/** Where a call waits. */
interface WaitingCall {
  readonly outlet: Outlet;
  /** Notes how long it took. */
  readonly wait: AuditEntry['wait'];
}

export function askPeople(
  checked: CheckedCall,
  call: ToolCall,
  { outlet, wait }: WaitingCall,
  deps: AskDeps,
): AskPeople {
  const bound = boundCall(checked);
  const kind = clientKind(call);
  const { holdMs, pageUrl } = deps.approvalSettings;

  return {
    pending() {
      const { requestState } = call.params;
      // Before 2026-07-28 the name has no meaning.
      if (requestState === undefined || kind === 'words') return undefined;
      return deps.requestStates.open(requestState, bound);
    },

    async ask(pending) {
      const request = pending === undefined ? await open() : await findAgain(pending);
      if (request.state === 'open' && pending === undefined && isSentToStepUp(checked, deps))
        throw await sendOn(request);
      if (request.state !== 'open' || kind === 'words' || hasTurnedDown(call)) throw tell(request, pending);
      // The first answer shows the page at once; whoever comes back has it open, and waits.
      if (kind === 'url' && pending === undefined) throw tell(request, pending);
      throw tell(await hold(request), pending);
    },
  };

  async function open(): Promise<ApprovalRequest> {
    const record = (asked: ApprovalRequest) => recordQuestion(asked, { call, caller: checked.caller }, deps);
    const request = await deps.approvals.open(questionOf(checked, call, deps), deps.now(), record);
    // Also for one that was there: whoever opened it may have died, or been refused, before this.
    if (request.state === 'open') await deps.startWorkflow(request);
    return request;
  }

  async function findAgain({ approvalId }: PendingApproval): Promise<ApprovalRequest> {
    const request = await deps.approvals.find(approvalId, deps.now());
    if (request === undefined) throw refused('approval_required', 'It is no longer known.', approvalId);
    if (request.state !== 'approved') return request;
    // A yes without a grant that can be used was used, taken back, or is over; it may also just not be stored yet.
    await deps.approvals.completeGrant(request, deps.now());
    if ((await findGrant(checked, callWindow(checked), deps)) !== undefined) return request;
    throw refused('approval_required', 'The approval was used, taken back or has expired.', approvalId);
  }

  async function hold(request: ApprovalRequest): Promise<ApprovalRequest> {
    // Nobody is kept waiting for an answer that their token is too old for.
    const leftMs = Math.min(holdMs, checked.caller.expiresAtMs - deps.now());
    const stop = reportProgress(call, outlet, leftMs);
    try {
      return await wait(() => deps.decisions.wait(request, { holdMs: leftMs, signal: call.signal }));
    } finally {
      stop();
    }
  }

  /** The same words, as a challenge that a client of OAuth acts on. */
  async function sendOn(request: ApprovalRequest): Promise<Refusal> {
    const scopes = await stepUpScopes(checked, request, deps);
    return new Refusal('approval_required', { ...detailsOf(request), scopes, isChallenge: true });
  }

  function tell(request: ApprovalRequest, pending: PendingApproval | undefined): Refusal {
    const { id, state, decision } = request;
    if (state === 'denied') return denied(id, decision?.reason);
    if (state === 'expired' || state === 'withdrawn') {
      const what = state === 'expired' ? 'Nobody decided in time.' : 'The question was taken back.';
      return refused('approval_required', what, id);
    }
    const details = detailsOf(request);
    const round = (pending?.round ?? 0) + 1;
    const isLast = state === 'open' && (round >= roundsMax || hasTurnedDown(call));
    if (kind === 'words' || isLast) return new Refusal('approval_required', details);
    const page: JsonObject = {
      [inputKey]: {
        method: 'elicitation/create',
        params: {
          mode: 'url',
          url: urlOf(id),
          // Terminals cut what is long, so what to do comes first.
          message: `A person must approve this first; this page says how it stands. ${request.words}`,
        },
      },
    };
    return new Refusal('approval_required', {
      ...details,
      input: {
        requestState: deps.requestStates.seal({ approvalId: id, round }, bound),
        // Once: asked again, a person would get a dialog each round.
        ...(kind === 'url' && pending === undefined && { inputRequests: page }),
      },
    });
  }

  function urlOf(id: string): string {
    return `${pageUrl}/${encodeURIComponent(id)}`;
  }

  function detailsOf({ id, state }: ApprovalRequest): RefusalDetails {
    const url = urlOf(id);
    return {
      reason: state === 'approved' ? 'A person has approved this call: send it again.' : whatToDo(id, url),
      approvalId: id,
      data: { approval: { id, url, state, arguments_sha256: bound.argumentsSha256 } },
      isStructured: checked.tool.entry.outputSchema === undefined,
    };
  }

  function denied(approvalId: string, reason: string | undefined): Refusal {
    return new Refusal('approval_denied', {
      reason: `A person refused this call${reason === undefined ? '.' : `: ${reason}`} Do not send it again unchanged.`,
      approvalId,
      data: { approval: { id: approvalId, state: 'denied', arguments_sha256: bound.argumentsSha256 } },
      isStructured: checked.tool.entry.outputSchema === undefined,
    });
  }
}

/** Whoever closed the dialog, or has nobody before it, is told in words what to do. It decides nothing: the asker's own yes is no approval either. */
function hasTurnedDown({ params }: ToolCall): boolean {
  const responses = params.inputResponses as JsonObject | undefined;
  const response = responses?.[inputKey] as JsonObject | undefined;
  return response?.action === 'decline' || response?.action === 'cancel';
}

function whatToDo(id: string, url: string): string {
  return (
    `A person must approve this call first. APPROVAL_REQUIRED id=${id}: an approver was asked and decides at ${url}. ` +
    'Then send it again with the same arguments, within 15 minutes of the yes; changed arguments are another call.'
  );
}

function refused(code: 'approval_required', what: string, approvalId: string): Refusal {
  return new Refusal(code, {
    reason: `A person must approve this call first. ${what} Send it again to ask anew.`,
    approvalId,
  });
}
