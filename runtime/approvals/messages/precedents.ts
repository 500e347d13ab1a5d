import type { ApprovalScope, ApprovalState } from '../../contract/approval.ts';
import type { JsonObject } from '../../contract/json.ts';
import { shorten } from './visible-text.ts';

/** A question that is over. */
export interface ClosedQuestion {
  readonly id: string;
  readonly state: Exclude<ApprovalState, 'open'>;
  /** Milliseconds since the epoch. */
  readonly closedAtMs: number;
  /** True of a yes that was taken back: it counts as none. */
  readonly isTakenBack: boolean;
  /** What a yes was to. */
  readonly scope: ApprovalScope;
  /** Who answered; undefined when nobody did. */
  readonly approver: string | undefined;
  readonly words: string;
  readonly subject: string;
  readonly server: string;
  readonly tool: string;
  readonly argumentsSha256: string;
  /** How the redacted arguments begin, on one line; undefined for what an earlier version noted. */
  readonly beginning: string | undefined;
  /** Redacted; undefined where they were not kept. */
  readonly arguments: JsonObject | undefined;
}

/** What people said before to the same asker about the same tool. */
export interface Precedents {
  readonly approved: number;
  readonly denied: number;
  readonly takenBack: number;
  /** True when there are still earlier ones, which were not counted. */
  readonly isMore: boolean;
  /** The latest answer. */
  readonly last: ClosedQuestion | undefined;
  readonly lastApproved: ClosedQuestion | undefined;
}

/** How far back is counted. */
export const precedentDays = 30;

/** Counts answers; `closed` is in order, the latest first. */
export function precedentsOf(closed: readonly ClosedQuestion[], isMore: boolean): Precedents {
  const yeses = closed.filter(({ state }) => state === 'approved');
  const approved = yeses.filter(({ isTakenBack }) => !isTakenBack);
  const denied = closed.filter(({ state }) => state === 'denied');
  return {
    approved: approved.length,
    denied: denied.length,
    takenBack: yeses.length - approved.length,
    isMore,
    last: closed.find(({ state }) => state === 'approved' || state === 'denied'),
    lastApproved: approved[0],
  };
}

/** In a sentence, without a full stop. Holds the name of the last approver, who is somebody else's word. */
export function precedentWords(precedents: Precedents | undefined): string {
  if (precedents === undefined) return 'Not known right now';
  const { approved, denied, takenBack, isMore, last } = precedents;
  if (last === undefined) return `Nothing of this kind in ${precedentDays} days`;
  const counts = [
    ...(approved > 0 ? [`approved ${times(approved)}`] : []),
    ...(denied > 0 ? [`denied ${times(denied)}`] : []),
    ...(takenBack > 0 ? [`a yes taken back ${times(takenBack)}`] : []),
  ].join(', ');
  const atLeast = isMore ? ' or more often' : '';
  const counted = `${counts.charAt(0).toUpperCase()}${counts.slice(1)}${atLeast} in ${precedentDays} days`;
  const takenBackWords = last.isTakenBack ? ', which was taken back' : '';
  return `${counted}; last ${last.state} on ${utcMinute(last.closedAtMs)} by ${shorten(last.approver ?? 'somebody', 80)}${takenBackWords}`;
}

const minutes = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

/** A moment in the one time zone that every reader of one text can be told. */
export function utcMinute(timeMs: number): string {
  return `${minutes.format(timeMs)} UTC`;
}

function times(count: number): string {
  if (count === 1) return 'once';
  return count === 2 ? 'twice' : `${count} times`;
}
