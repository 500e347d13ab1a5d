import type { ActionsBlock } from '@slack/types';
import { buttonValue } from './button-value.ts';
import { type GrantUse, isLeft } from './grant-use.ts';
import type { Question, SlackMessage } from './question.ts';
import { cardActions, heading, noticeText, questionBlocks } from './request-card.ts';
import { type Line, linesBlock } from './rich-text.ts';
import { titles } from './titles.ts';

/** How a question ended. Times are milliseconds since the epoch. */
export type Outcome =
  | {
      readonly state: 'approved';
      readonly by: string;
      readonly atMs: number;
      readonly usableUntilMs: number;
      /** What became of the yes; undefined: nobody knows right now. */
      readonly use?: GrantUse | undefined;
      /** True while a call may run on it. */
      readonly isLeft?: boolean;
    }
  | { readonly state: 'denied'; readonly by: string; readonly atMs: number; readonly reason: string }
  | { readonly state: 'expired'; readonly atMs: number }
  | { readonly state: 'withdrawn'; readonly atMs: number };

/** The card for everybody once it is decided: the outcome first, the question below. Its one button is for a yes that can still be taken back. */
export function outcomeCard(question: Question, outcome: Outcome): SlackMessage {
  const isTakenBack = outcome.state === 'approved' && outcome.use?.takenBack !== undefined;
  const title = isTakenBack ? 'Taken back' : titles[outcome.state];
  const canTakeBack = outcome.state === 'approved' && outcome.isLeft === true;
  return {
    text: noticeText(title, question),
    blocks: [
      heading(title, question),
      linesBlock('outcome', outcomeLines(outcome)),
      ...questionBlocks(question, 'over'),
      ...(canTakeBack ? [takeBackButton(question)] : []),
    ],
  };
}

/** What is known of a yes at a moment. When that cannot be read its time decides, and whoever wants to take it back is told the rest. */
export function yesAt(use: GrantUse | undefined, usableUntilMs: number, nowMs: number) {
  return { usableUntilMs, use, isLeft: use === undefined ? nowMs < usableUntilMs : isLeft(use, nowMs) };
}

function outcomeLines(outcome: Outcome): readonly Line[] {
  switch (outcome.state) {
    case 'approved':
      return [['Approved by', outcome.by], ['At', { timeMs: outcome.atMs }], ...useLines(outcome)];
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

function useLines({ use, usableUntilMs, isLeft }: Extract<Outcome, { state: 'approved' }>): readonly Line[] {
  if (use?.takenBack !== undefined) {
    const { by, atMs, reason } = use.takenBack;
    return [
      ['Taken back by', by ?? 'the workflow, because it was not another person’s'],
      ['At', { timeMs: atMs }],
      ...callsThatRan(use),
      ...(reason === undefined ? [] : [['Because', reason] as const]),
    ];
  }
  if (use !== undefined && use.callsMax > 1) {
    const limit = isLeft === true ? 'More may run until' : 'Ended';
    return [...callsThatRan(use), [limit, { timeMs: usableUntilMs }]];
  }
  if (use?.usedAtMs !== undefined) return [['Ran at', { timeMs: use.usedAtMs }]];
  if (use !== undefined && isLeft === false) return [['Was not used until', { timeMs: usableUntilMs }]];
  return [['May run once, until', { timeMs: usableUntilMs }]];
}

function callsThatRan({ callsUsed, callsMax }: GrantUse): readonly Line[] {
  return callsMax === 1 ? [] : [['Calls that ran', `${callsUsed} of ${callsMax}`]];
}

function takeBackButton(question: Question): ActionsBlock {
  return {
    type: 'actions',
    block_id: 'take-back',
    elements: [
      {
        type: 'button',
        action_id: cardActions.takeBack,
        style: 'danger',
        text: { type: 'plain_text', emoji: false, text: 'Take this yes back …' },
        value: buttonValue(question),
      },
    ],
  };
}
