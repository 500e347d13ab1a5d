import { randomUUID } from 'node:crypto';
import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import { approvalEvent } from '../shared/audit/approval-event.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { Logger } from '../shared/logger.ts';
import { reasonOf, toRefusal } from '../shared/refusal.ts';
import type { KnownApprover } from './clients/approver-directory.ts';
import type { Slack } from './clients/slack.ts';
import type { Answer, AnswerOutcome } from './decide-request.ts';
import { type IdentifyDeps, identifyApprover } from './identify-approver.ts';
import { denyDialog } from './messages/deny-dialog.ts';
import { takeBackDialog } from './messages/take-back-dialog.ts';
import type { SlackClick } from './read-click.ts';
import { recordUnknownClick } from './record-unknown-click.ts';
import { sayFailure, sayOutcome, sayTakeBack } from './say-outcome.ts';
import { type ShowOutcomeDeps, showOutcome } from './show-outcome.ts';
import type { TakeBack } from './take-back.ts';

export interface ReceiveClickDeps extends IdentifyDeps, ShowOutcomeDeps {
  readonly logger: Logger;
  readonly audit: Pick<AuditWriter, 'append'>;
  readonly slack: Slack;
  readonly approvals: Pick<ApprovalStore, 'find' | 'wholeArguments'>;
  readonly pageUrl: (id: string) => string;
  readonly decide: (answer: Answer) => Promise<AnswerOutcome>;
  readonly takeBack: (act: TakeBack) => Promise<AnswerOutcome>;
}

/**
 * What a click leads to, after it was acknowledged. Never rejects: whoever clicked is told what came of it, and nobody else. A click that got
 * no answer may be repeated, because what is stored already stands.
 */
export async function receiveClick(click: SlackClick, deps: ReceiveClickDeps): Promise<void> {
  try {
    if (click.kind === 'ask-why-not' || click.kind === 'ask-why-back') {
      const dialog = click.kind === 'ask-why-not' ? denyDialog : takeBackDialog;
      await deps.slack.openDialog(click.triggerId, dialog(click.question));
      return;
    }
    const request = await findRequest(click, deps);
    const pageUrl = deps.pageUrl(click.question.id);
    if (request === undefined) {
      await recordUnknownClick(click, deps);
      await tell(click, undefined, sayOutcome({ kind: 'unknown' }, pageUrl), deps);
      return;
    }
    const approver = await identified(click, request, deps);
    const isTakeBack = click.kind === 'take-back';
    const answer = answerOf(click, approver);
    const outcome = await (isTakeBack ? deps.takeBack(answer) : deps.decide(answer));
    await tell(click, request, (isTakeBack ? sayTakeBack : sayOutcome)(outcome, pageUrl), deps);
    await showElsewhere(click, outcome, deps);
  } catch (error) {
    const refusal = toRefusal(error);
    const { code } = refusal;
    deps.logger.warn({ err: error, code, approval: click.question.id }, 'a click was not taken as an answer');
    await tell(click, undefined, sayFailure(refusal, deps.pageUrl('')), deps);
  }
}

/** Undefined, too, when the card showed other arguments than those that are asked about: nobody saw what a yes would allow. */
async function findRequest({ question }: SlackClick, deps: ReceiveClickDeps): Promise<ApprovalRequest | undefined> {
  const request = await deps.approvals.find(question.id, deps.now());
  return request?.argumentsSha256 === question.argumentsSha256 ? request : undefined;
}

/** Somebody whom nobody knows is on record with the question, too: policy is not asked about such a person. */
async function identified(click: SlackClick, request: ApprovalRequest, deps: ReceiveClickDeps): Promise<KnownApprover> {
  try {
    return await identifyApprover(click, request, deps);
  } catch (error) {
    const refusal = toRefusal(error);
    const { code } = refusal;
    await deps.audit.append(
      approvalEvent(request, {
        event: click.kind === 'take-back' ? 'approval_revoked' : 'approval_decided',
        nowMs: deps.now(),
        call_id: randomUUID(),
        caller: null,
        outcome: code === 'approver_unknown' ? 'refused' : 'failed',
        code,
        reason: reasonOf(refusal),
        detail: {
          verdict: click.kind === 'take-back' ? click.kind : verdictOf(click),
          via: 'slack',
          slack_user: click.userId,
          slack_team: click.userTeamId,
        },
      }),
    );
    throw error;
  }
}

function answerOf(click: SlackClick, approver: KnownApprover): Answer {
  return {
    requestId: click.question.id,
    approver: { ...approver, kind: 'human' },
    verdict: verdictOf(click),
    scope: click.kind === 'approve-window' ? 'window' : 'call',
    reason: 'reason' in click ? click.reason : undefined,
    via: 'slack',
  };
}

function verdictOf({ kind }: SlackClick): Answer['verdict'] {
  return kind === 'approve' || kind === 'approve-window' ? 'approve' : 'deny';
}

/** Buttons that lead nowhere any more go away, on a card that was posted twice as well. Deciding shows it on the card that is on record. */
async function showElsewhere({ place, question }: SlackClick, outcome: AnswerOutcome, deps: ReceiveClickDeps) {
  if (place === undefined || outcome.kind === 'unknown') return;
  if (outcome.kind === 'decided' && outcome.request.notice?.message === place.message) return;
  await showOutcome(outcome.request, deps, place).catch((cause: unknown) => {
    deps.logger.warn({ err: cause, approval: question.id }, 'a card could not be changed');
  });
}

async function tell(
  click: SlackClick,
  request: ApprovalRequest | undefined,
  text: string | undefined,
  deps: ReceiveClickDeps,
): Promise<void> {
  if (text === undefined) return;
  const found = click.place === undefined && request === undefined ? await refind(click, deps) : request;
  const channel = click.place?.channel ?? found?.notice?.channel;
  if (channel === undefined) return;
  await deps.slack.tell(channel, click.userId, text).catch((cause: unknown) => {
    deps.logger.warn({ err: cause, approval: click.question.id }, 'whoever clicked could not be told');
  });
}

/** A dialog does not say in which channel it was opened. */
async function refind({ question }: SlackClick, deps: ReceiveClickDeps): Promise<ApprovalRequest | undefined> {
  return deps.approvals.find(question.id, deps.now()).catch(() => undefined);
}
