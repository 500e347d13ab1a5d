import type { Question, SlackMessage } from './question.ts';
import { heading, noticeText, questionBlocks } from './request-card.ts';
import { type Line, linesBlock } from './rich-text.ts';

/** How a question ended. Times are milliseconds since the epoch. */
export type Outcome =
  | { readonly state: 'approved'; readonly by: string; readonly atMs: number; readonly usableUntilMs: number }
  | { readonly state: 'denied'; readonly by: string; readonly atMs: number; readonly reason: string }
  | { readonly state: 'expired'; readonly atMs: number }
  | { readonly state: 'withdrawn'; readonly atMs: number };

const titles: Readonly<Record<Outcome['state'], string>> = {
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Nobody answered in time',
  withdrawn: 'No longer asked',
};

/** The card for everybody once it is decided: the outcome first, the question below, no buttons. */
export function outcomeCard(question: Question, outcome: Outcome): SlackMessage {
  const title = titles[outcome.state];
  return {
    text: noticeText(title, question),
    blocks: [heading(title, question), linesBlock('outcome', outcomeLines(outcome)), ...questionBlocks(question)],
  };
}

function outcomeLines(outcome: Outcome): readonly Line[] {
  switch (outcome.state) {
    case 'approved':
      return [
        ['Approved by', outcome.by],
        ['At', { timeMs: outcome.atMs }],
        ['May run once, until', { timeMs: outcome.usableUntilMs }],
      ];
    case 'denied':
      return [
        ['Denied by', outcome.by],
        ['At', { timeMs: outcome.atMs }],
        ['Because', outcome.reason],
      ];
    case 'expired':
      return [
        ['Ended', { timeMs: outcome.atMs }],
        ['What now', 'The caller may ask again with the same call.'],
      ];
    case 'withdrawn':
      return [['Ended', { timeMs: outcome.atMs }]];
  }
}
