import { html } from '../../shared/pages/html.ts';
import { utcMinute } from '../messages/precedents.ts';
import { reasonsToSay } from '../say-outcome.ts';

/** Why a person has no say, for that person. */
const whyNoSay: Readonly<Record<string, string>> = {
  own_request: 'You asked for this yourself. Somebody else has to answer.',
  approver_role_missing: 'You are no approver in this tenant.',
  approver_not_a_person: 'Only people answer.',
  tenant_unknown: 'Policy does not know this tenant any more.',
  request_closed: 'It was answered before.',
  request_expired: 'Nobody answered in time.',
  policy_changed: 'Policy changed since this was asked, so a yes would open nothing. The call has to be sent again.',
  reason_missing: 'A no needs a reason: whoever asked is told it.',
  arguments_gone:
    'The arguments are not kept whole any more, so nobody can say yes to them. Once it is denied or taken back, the call can be sent again.',
  window_not_offered: 'Several calls at once are not offered any more. You may still allow this one.',
  request_of_another: 'Only whoever asked takes a question back.',
};

/** One sentence or more; the state of a question is said elsewhere. */
export function noSay(reasons: readonly string[]): string {
  const sentences = reasonsToSay(reasons).flatMap((reason) => whyNoSay[reason] ?? []);
  return sentences.join(' ') || 'Policy does not let you answer this.';
}

/** A moment, in the one time zone that needs no script. */
export function moment(atMs: number) {
  return html`<time datetime="${new Date(atMs).toISOString()}">${utcMinute(atMs)}</time>`;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** How long something still stands, rounded down: nobody may count on more. */
export function left(ms: number): string {
  if (ms < minuteMs) return 'less than a minute';
  if (ms < 2 * hourMs) return count(Math.floor(ms / minuteMs), 'minute');
  return count(Math.floor(ms / hourMs), 'hour');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
