import { randomUUID } from 'node:crypto';
import type { ApprovalDecision, ApprovalRequest, ApprovalScope } from '../contract/approval.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import type { Caller } from '../contract/caller.ts';
import type { Grant } from '../contract/receipts.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import { approvalEvent } from '../shared/audit/approval-event.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { ApproverPolicy } from '../shared/policy-client.ts';
import { redactText } from '../shared/redact-json.ts';
import { Refusal } from '../shared/refusal.ts';
import { mayAnswer } from './may-answer.ts';
import { isShownWhole } from './messages/request-card.ts';
import { patiently } from './patiently.ts';
import { unknownEvent } from './unknown-event.ts';

/** Who answers, verified: by a token or by a signed click of an account that is mapped to this person. */
export type Approver = Pick<Caller, 'subject' | 'tenant' | 'kind' | 'roles'>;

/** One person's answer to one question. */
export interface Answer {
  readonly requestId: string;
  readonly approver: Approver;
  readonly verdict: ApprovalDecision['verdict'];
  /** What a yes is to: this call, or the window that the question offers. @default 'call' */
  readonly scope?: ApprovalScope;
  /** In the person's words; a no needs one. Personal data and secrets in it are taken out. */
  readonly reason: string | undefined;
  readonly via: ApprovalDecision['via'];
}

/** What became of an answer. */
export type AnswerOutcome =
  /** It stands, and so does its grant. */
  | { readonly kind: 'decided'; readonly request: ApprovalRequest; readonly grant: Grant | undefined }
  /** Another outcome stands already, perhaps of the same person's earlier click. */
  | { readonly kind: 'closed'; readonly request: ApprovalRequest; readonly isOwn: boolean }
  /** Policy's no, or a no without a reason: codes, see docs/policy.md, and `reason_missing`, `arguments_gone`, `not_shown_whole`. */
  | { readonly kind: 'refused'; readonly request: ApprovalRequest; readonly reasons: readonly string[] }
  /** There is no such question for this person's tenant. */
  | { readonly kind: 'unknown' };

/** What deciding needs. */
export interface DecideDeps {
  readonly approvals: Pick<
    ApprovalStore,
    'find' | 'wholeArguments' | 'decide' | 'completeGrant' | 'noteRecorded' | 'settle'
  >;
  readonly policy: ApproverPolicy;
  readonly audit: Pick<AuditWriter, 'append'>;
  readonly now: () => number;
  /** Notes how it ended for later questions, and tells everybody who was asked. Rejects when it did not: the sweep then does it. */
  readonly showOutcome: (request: ApprovalRequest) => Promise<void>;
  /** How long whoever answered waits for everybody to be told, milliseconds. @default 5000 */
  readonly tellingPatienceMs?: number;
}

/** UTF-16 units of a reason that are kept. */
const reasonLengthMax = 500;

/**
 * One answer, from whatever surface: found, allowed by policy, on record as intended, stored, on record as it came out. Resolves only after
 * the grant of a yes is stored. Throws Refusal `approval_unavailable`, `policy_unavailable` or `audit_unavailable`: it may stand then or not, and
 * giving it again tells which.
 */
export async function decideRequest(answer: Answer, deps: DecideDeps): Promise<AnswerOutcome> {
  const callId = randomUUID();
  const { approver, requestId } = answer;
  const request = await deps.approvals.find(requestId, deps.now());
  if (request === undefined || request.tenant !== approver.tenant) {
    await append(unknownEvent('approval_decided', answer, callId, deps.now()), deps);
    return { kind: 'unknown' };
  }
  const record = (
    to: ApprovalRequest,
    more: Pick<AuditEvent, 'outcome'> & Partial<Pick<AuditEvent, 'code' | 'reason'>>,
  ) => append(decidedEvent(to, answer, callId, deps.now(), more), deps);

  const reasons = [...whyNot(answer, request, deps), ...(await whyNoYes(answer, request, deps))];
  if (reasons.some((reason) => !closedReasons.has(reason))) {
    await record(request, {
      outcome: 'refused',
      code: 'policy_denied',
      reason: `Policy denies this answer: ${reasons.join(', ')}.`,
    });
    return { kind: 'refused', request, reasons };
  }
  if (reasons.length > 0) return closed(request);

  await record(request, { outcome: 'pending' });
  const result = await deps.approvals.decide(requestId, decisionOf(answer), deps.now(), callId);
  if (result === undefined) throw new Refusal('approval_unavailable', { privateDetail: 'the request is gone' });
  if (!result.isYours) return closed(result.request);
  await record(result.request, { outcome: 'ok' });
  await patiently(noteAndTell(result.request, deps), deps.tellingPatienceMs);
  return { kind: 'decided', request: result.request, grant: result.grant };

  /** Finishes what an earlier answer may have left, and says what stands. */
  async function closed(standing: ApprovalRequest): Promise<AnswerOutcome> {
    await deps.approvals.completeGrant(standing, deps.now());
    const { decision, state } = standing;
    const isSame = decision?.verdict === answer.verdict && (decision.scope ?? 'call') === scopeOf(answer);
    const isOwn = decision?.approver === approver.subject && isSame;
    await record(standing, { outcome: isOwn ? 'ok' : 'refused', reason: `The question is ${state} already.` });
    return { kind: 'closed', request: standing, isOwn };
  }
}

type TellDeps = Pick<DecideDeps, 'showOutcome'> & {
  readonly approvals: Pick<ApprovalStore, 'noteRecorded' | 'settle'>;
};

/** What follows the record of an outcome. Without its mark the sweep records it once more, with the same call id. */
export async function noteAndTell(request: ApprovalRequest, deps: TellDeps): Promise<void> {
  await deps.approvals.noteRecorded(request.id).catch(() => undefined);
  await tell(request, deps);
}

/** Shows the outcome and notes that nobody needs to any more; what fails here is done by the sweep. */
export async function tell(request: ApprovalRequest, deps: TellDeps): Promise<boolean> {
  try {
    await deps.showOutcome(request);
    await deps.approvals.settle(request.id);
    return true;
  } catch {
    return false;
  }
}

/** Policy's reasons that are about the question's state and not about the person. */
const closedReasons: ReadonlySet<string> = new Set(['request_closed', 'request_expired']);

function whyNot(answer: Answer, request: ApprovalRequest, deps: DecideDeps): readonly string[] {
  const { allow, reasons } = mayAnswer(request, answer.approver, deps, scopeOf(answer));
  if (!allow && reasons.length === 0)
    throw new Refusal('policy_unavailable', { privateDetail: 'a no without a reason' });
  const isBare = answer.verdict === 'deny' && (answer.reason ?? '').trim() === '';
  // A closed question is told as it stands, with or without a reason, and under whatever policy.
  if (reasons.includes('request_closed')) return reasons.filter((reason) => reason !== 'policy_changed');
  return isBare ? [...reasons, 'reason_missing'] : reasons;
}

/** A yes is to all of the arguments, so nobody gives one where they can no longer be read whole, or from a card that cannot show them so. */
async function whyNoYes({ verdict, via }: Answer, request: ApprovalRequest, { approvals }: DecideDeps) {
  if (verdict !== 'approve' || request.state !== 'open') return [];
  const whole = await approvals.wholeArguments(request);
  if (whole === undefined) return ['arguments_gone'];
  return via === 'slack' && !isShownWhole({ arguments: whole }) ? ['not_shown_whole'] : [];
}

/** A no is to the call that was asked about, whatever came with it. */
function scopeOf({ verdict, scope = 'call' }: Answer): ApprovalScope {
  return verdict === 'approve' ? scope : 'call';
}

function decisionOf(answer: Answer): ApprovalDecision {
  const { verdict, approver, reason, via } = answer;
  const words = reason?.trim().slice(0, reasonLengthMax).toWellFormed() ?? '';
  return {
    verdict,
    approver: approver.subject,
    reason: words === '' ? undefined : redactText(words).text,
    via,
    ...(scopeOf(answer) === 'window' && { scope: 'window' }),
  };
}

function decidedEvent(
  request: ApprovalRequest,
  answer: Answer,
  callId: string,
  nowMs: number,
  more: Pick<AuditEvent, 'outcome'> & Partial<Pick<AuditEvent, 'code' | 'reason'>>,
): AuditEvent {
  const { verdict, via, reason, scope } = decisionOf(answer);
  const { window } = request;
  const event = approvalEvent(request, {
    event: 'approval_decided',
    nowMs,
    call_id: callId,
    caller: recordedApprover(answer.approver),
    detail: {
      verdict,
      approver: answer.approver.subject,
      via,
      words: reason ?? null,
      ...(scope !== undefined && { scope, window: window === undefined ? null : { ...window } }),
    },
  });
  return { ...event, ...more };
}

/** As whom a person is on record. */
export function recordedApprover({ subject, kind, roles }: Approver): NonNullable<AuditEvent['caller']> {
  return { subject, kind, roles, scopes: [] };
}

/** Throws Refusal `audit_unavailable` unless the event is durable. */
export async function append(event: AuditEvent, deps: Pick<DecideDeps, 'audit'>): Promise<void> {
  try {
    await deps.audit.append(event);
  } catch (cause) {
    throw new Refusal('audit_unavailable', {}, { cause });
  }
}
