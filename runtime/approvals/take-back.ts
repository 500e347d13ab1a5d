import { randomUUID } from 'node:crypto';
import type { ApprovalRequest } from '../contract/approval.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import { approvalEvent } from '../shared/audit/approval-event.ts';
import { grantLifetimeMaxMs } from '../shared/grant-store.ts';
import { redactText } from '../shared/redact-json.ts';
import type { GrantUses } from './clients/grant-uses.ts';
import {
  type Answer,
  type AnswerOutcome,
  append,
  type DecideDeps,
  noteAndTell,
  recordedApprover,
} from './decide-request.ts';
import { mayAnswer } from './may-answer.ts';
import { isLeft, type TakenBack } from './messages/grant-use.ts';
import { patiently } from './patiently.ts';
import { unknownEvent } from './unknown-event.ts';

/** Somebody takes something back: an approver a yes, or the asker a question. */
export type TakeBack = Pick<Answer, 'requestId' | 'approver' | 'reason' | 'via'>;

export interface TakeBackDeps
  extends Pick<DecideDeps, 'policy' | 'audit' | 'now' | 'showOutcome' | 'tellingPatienceMs'> {
  readonly approvals: Pick<ApprovalStore, 'find' | 'noteRecorded' | 'settle' | 'withdraw'>;
  readonly grantUses: GrantUses;
  /** Shows everybody that a yes was taken back. Rejects when it could not: the sweep then does it. */
  readonly showTakenBack: (request: ApprovalRequest) => Promise<void>;
}

const reasonLengthMax = 500;

/**
 * An approver takes a yes back that nobody used yet, also one of somebody else: found, allowed by policy, on record as intended, taken back, on record as
 * it came out. Resolves with `decided` when it stands, and with `closed` when there was nothing left to take back. Throws Refusal
 * `approval_unavailable`, `policy_unavailable` or `audit_unavailable`: it may stand then or not, and asking again tells which.
 */
export async function takeBackYes(act: TakeBack, deps: TakeBackDeps): Promise<AnswerOutcome> {
  const { approver, requestId } = act;
  const request = await deps.approvals.find(requestId, deps.now());
  const record = recorder('approval_revoked', act, deps);
  if (request === undefined || request.tenant !== approver.tenant) return record.unknown();

  const reasons = [
    ...whyNoTakeBack(request, approver, deps),
    ...(wordsOf(act) === undefined ? ['reason_missing'] : []),
  ];
  if (reasons.length > 0) return record.refused(request, reasons);
  const use = await deps.grantUses.find(request);
  if (use === undefined) return record.closed(request, false);
  if (!isLeft(use, deps.now())) return record.closed(request, use.takenBack?.by === approver.subject);

  await record.write(request, { outcome: 'pending' });
  const { callId } = record;
  const by = { atMs: deps.now(), by: approver.subject, reason: wordsOf(act), callId };
  const result = await deps.grantUses.takeBack(request, by);
  const takenBack = result?.use.takenBack;
  if (takenBack?.callId !== callId) return record.closed(request, takenBack?.by === approver.subject);
  await record.write(request, { outcome: 'ok' });
  // What fails here is done by the sweep.
  const telling = noteAndShow(request, result?.wasSettled === true, deps).catch(() => undefined);
  await patiently(telling, deps.tellingPatienceMs);
  return { kind: 'decided', request, grant: undefined };
}

/** The asker no longer needs an answer. Like {@link takeBackYes}; nobody else may, from whichever account. */
export async function withdrawRequest(act: TakeBack, deps: TakeBackDeps): Promise<AnswerOutcome> {
  const { approver, requestId } = act;
  const request = await deps.approvals.find(requestId, deps.now());
  const record = recorder('approval_withdrawn', act, deps);
  if (request === undefined || request.tenant !== approver.tenant) return record.unknown();
  if (request.subject !== approver.subject) return record.refused(request, ['request_of_another']);
  if (request.state !== 'open') {
    return record.closed(request, request.state === 'withdrawn' && request.isClosedByWorkflow !== true);
  }

  await record.write(request, { outcome: 'pending' });
  const result = await deps.approvals.withdraw(requestId, deps.now(), record.callId);
  if (result?.isYours !== true) return record.closed(result?.request ?? request, false);
  await record.write(result.request, { outcome: 'ok' });
  await patiently(noteAndTell(result.request, deps), deps.tellingPatienceMs);
  return { kind: 'decided', request: result.request, grant: undefined };
}

/** What follows the record of a yes that was taken back; `wasSettled` when everybody had been told of the yes. */
async function noteAndShow(
  request: ApprovalRequest,
  wasSettled: boolean,
  { grantUses, showTakenBack }: Pick<TakeBackDeps, 'grantUses' | 'showTakenBack'>,
): Promise<void> {
  await grantUses.noteRecorded(request);
  await showTakenBack(request);
  await grantUses.endTakeBack(request, wasSettled);
}

/**
 * What a process that died in {@link takeBackYes} did not get to: the final record, and the card. Without a yes that was taken back there is
 * nothing to record. Settling the request is left to the sweep.
 */
export async function finishTakeBack(request: ApprovalRequest, deps: TakeBackDeps): Promise<void> {
  const takenBack = (await deps.grantUses.find(request))?.takenBack;
  if (takenBack === undefined) return deps.grantUses.endTakeBack(request, false);
  if (takenBack.isRecorded !== true) await append(finishedEvent(request, takenBack, deps.now()), deps);
  await noteAndShow(request, false, deps);
}

function finishedEvent(request: ApprovalRequest, { by, reason, callId }: TakenBack, nowMs: number) {
  return approvalEvent(request, {
    event: 'approval_revoked',
    nowMs,
    // What the workflow took back is its execution's, which is named after the request.
    call_id: callId ?? request.id,
    caller: null,
    reason: 'Whoever took the yes back may not have recorded it; this is the sweep.',
    detail: { verdict: verdicts.approval_revoked, approver: by ?? null, words: reason ?? null },
  });
}

/**
 * Why a person may not take a yes back, policy's codes: whoever might answer the question may. Under a changed policy the yes opens nothing,
 * and may be taken back all the same. Throws Refusal `policy_unavailable`.
 */
export function whyNoTakeBack(
  request: ApprovalRequest,
  approver: Answer['approver'],
  deps: Pick<TakeBackDeps, 'policy' | 'now'>,
): readonly string[] {
  const usableUntilMs = (request.closedAtMs ?? 0) + grantLifetimeMaxMs;
  const asIfOpen: ApprovalRequest = { ...request, state: 'open', expiresAtMs: usableUntilMs };
  const { allow, reasons } = mayAnswer(asIfOpen, approver, deps);
  if (!allow && reasons.length === 0) return ['policy_denied'];
  return reasons.filter((reason) => reason !== 'policy_changed' && reason !== 'request_expired');
}

type Event = 'approval_revoked' | 'approval_withdrawn';

/** The events of one act, all with the same call id, and the outcome that goes with each. */
function recorder(event: Event, act: TakeBack, deps: TakeBackDeps) {
  const callId = randomUUID();
  const { approver, via } = act;
  const detail = { verdict: verdicts[event], approver: approver.subject, via, words: wordsOf(act) ?? null };

  function write(
    request: ApprovalRequest,
    more: Pick<AuditEvent, 'outcome'> & Partial<Pick<AuditEvent, 'code' | 'reason'>>,
  ): Promise<void> {
    const caller = recordedApprover(approver);
    const base = approvalEvent(request, { event, nowMs: deps.now(), call_id: callId, caller, detail });
    return append({ ...base, ...more }, deps);
  }

  return {
    callId,
    write,
    async unknown(): Promise<AnswerOutcome> {
      await append(unknownEvent(event, { ...act, verdict: verdicts[event] }, callId, deps.now()), deps);
      return { kind: 'unknown' };
    },
    async refused(request: ApprovalRequest, reasons: readonly string[]): Promise<AnswerOutcome> {
      const reason = `Policy denies this: ${reasons.join(', ')}.`;
      await write(request, { outcome: 'refused', code: 'policy_denied', reason });
      return { kind: 'refused', request, reasons };
    },
    async closed(request: ApprovalRequest, isOwn: boolean): Promise<AnswerOutcome> {
      const reason = 'There is nothing left to take back.';
      await write(request, { outcome: isOwn ? 'ok' : 'refused', reason });
      return { kind: 'closed', request, isOwn };
    },
  };
}

const verdicts = { approval_revoked: 'take-back', approval_withdrawn: 'withdraw' } as const;

function wordsOf({ reason }: TakeBack): string | undefined {
  const words = reason?.trim().slice(0, reasonLengthMax).toWellFormed() ?? '';
  return words === '' ? undefined : redactText(words).text;
}
