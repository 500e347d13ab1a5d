import { escapeMrkdwn, mrkdwnTime } from './mrkdwn.ts';
import type { Question, SlackMessage } from './question.ts';
import { shownLine } from './rich-text.ts';

/** Goes below the card, in its thread, and with `pageUrl` into the channel where an unanswered question is taken further. */
export function reminder(question: Question, pageUrl: string): SlackMessage {
  return line(
    `Still waiting for an answer, until ${mrkdwnTime(question.expiresAtMs)}: ${name(question.tool)}, asked by ${name(question.subject)}. <${pageUrl}|Look at it>`,
  );
}

/** One line in place of many cards. */
export function moreWaiting(subject: string, count: number, pageUrl: string): SlackMessage {
  const questions = count === 1 ? '1 more question' : `${count} more questions`;
  const wait = count === 1 ? 'waits' : 'wait';
  return line(`${questions} of ${name(subject)} ${wait} for an answer. <${pageUrl}|Look at them>`);
}

/** One line in place of many reminders. `firstEndMs`: until when the first of them can be answered. */
export function stillWaiting(count: number, firstEndMs: number, pageUrl: string): SlackMessage {
  return line(
    `${count} questions still wait for an answer, the first until ${mrkdwnTime(firstEndMs)}. <${pageUrl}|Look at them>`,
  );
}

function line(text: string): SlackMessage {
  return { text, blocks: [{ type: 'section', block_id: 'line', text: { type: 'mrkdwn', text, verbatim: true } }] };
}

function name(text: string): string {
  return escapeMrkdwn(shownLine(text, 120));
}
