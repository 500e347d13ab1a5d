import type { Refusal } from '../shared/refusal.ts';
import type { AnswerOutcome } from './decide-request.ts';

/** What policy says no with, in words for the person who answered. */
const policyWords: Readonly<Record<string, string>> = {
  own_request: 'Nobody approves or denies their own call, from whichever account.',
  approver_role_missing: 'You are no approver. Ask the people who run Toolgate for the role “approver”.',
  approver_unknown: 'Toolgate does not know who you are.',
  approver_not_a_person: 'Only people answer.',
  policy_changed: 'Policy changed since this was asked, so a yes would open nothing. Whoever asked has to ask again.',
  reason_missing: 'A no needs a reason.',
  arguments_gone:
    'The arguments are not kept whole any more, so nobody can say yes to them. Once it is denied or taken back, the call can be sent again.',
  not_shown_whole: 'A card cannot show all of the arguments of this call. Approve it on the page, which does.',
  window_not_offered: 'Several calls at once are not offered any more. You may still approve this one.',
};

/** What became of an answer about the question at `pageUrl`, for the person who gave it and nobody else; undefined when the card says it all. Names no other person. */
export function sayOutcome(outcome: AnswerOutcome, pageUrl: string): string | undefined {
  switch (outcome.kind) {
    case 'decided':
      return undefined;
    case 'closed':
      if (outcome.isOwn) return undefined;
      return outcome.request.state === 'expired'
        ? 'This came too late: nobody answered in time.'
        : `This was answered before: it is ${outcome.request.state}.`;
    case 'refused': {
      const reasons = reasonsToSay(outcome.reasons);
      const words = reasons.flatMap((reason) => policyWords[reason] ?? []);
      const where = reasons.includes('not_shown_whole') ? ` ${pageUrl}` : '';
      return `Your answer does not count. ${words.join(' ') || 'Policy does not allow it.'}${where}`;
    }
    case 'unknown':
      return 'This question is not there any more, or not as this card shows it.';
  }
}

/** Whoever asked is told that alone: no role would make that answer count. */
export function reasonsToSay(reasons: readonly string[]): readonly string[] {
  return reasons.includes('own_request') ? ['own_request'] : reasons;
}

/** As {@link sayOutcome}, for a yes that somebody wanted to take back. */
export function sayTakeBack(outcome: AnswerOutcome, pageUrl: string): string | undefined {
  if (outcome.kind !== 'closed') return sayOutcome(outcome, pageUrl);
  return outcome.isOwn ? undefined : 'There is nothing left to take back: the call ran, or the yes is over.';
}

/** Why there is no outcome, for the same person. */
export function sayFailure({ code }: Refusal, pageUrl: string): string {
  switch (code) {
    case 'approver_unknown':
      return `Your answer does not count: Toolgate does not know who you are by the address that you have in Slack. Answer at ${pageUrl} instead, or ask the people who run Toolgate to list you.`;
    case 'identity_unavailable':
      return 'Slack does not say who you are right now. Nothing was stored: press the button again in a minute.';
    default:
      return 'It could not be confirmed that your answer was stored. Press the button again in a minute: what was stored already stands.';
  }
}
