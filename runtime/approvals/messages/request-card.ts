import type { ActionsBlock, Button, HeaderBlock, KnownBlock, RichTextBlock } from '@slack/types';
import { buttonValue } from './button-value.ts';
import { type Comparison, compareArguments, comparisonText, comparisonWords } from './compare-arguments.ts';
import { escapeMrkdwn } from './mrkdwn.ts';
import { precedentWords } from './precedents.ts';
import type { Question, SlackMessage } from './question.ts';
import { linesBlock, shownLine } from './rich-text.ts';
import { showArguments } from './show-arguments.ts';
import { shorten } from './visible-text.ts';
import { whyAsked } from './why-asked.ts';
import { sameLines, windowLabel } from './window-words.ts';

/** `action_id`s of the buttons; Slack sends them back. */
export const cardActions = {
  approve: 'toolgate_approve',
  approveWindow: 'toolgate_approve_window',
  deny: 'toolgate_deny',
  page: 'toolgate_page',
  takeBack: 'toolgate_take_back',
} as const;

/** Slack's limits are in test/support/block-kit.ts; a text of a section may have 3,000 characters, and this is less with its marks. */
const shownLengthMax = 2300;
/** What changed has what whole arguments leave of that, and of shortened ones its part: all blocks of a message are bounded, too. */
const changesLengths = { min: 100, max: 1000 };

/** The card that asks for a yes or a no. `pageUrl` is where the same question stands in full, behind a sign-in. */
export function requestCard(question: Question, pageUrl: string): SlackMessage {
  return {
    text: noticeText('Approval wanted', question),
    blocks: [heading('Approval wanted', question), ...questionBlocks(question, 'open'), buttons(question, pageUrl)],
  };
}

/** Whether the card has all of the arguments: nobody says yes on a card to what it does not show. What people said before changes nothing in it. */
export function isShownWhole({ arguments: all, isAbridged }: Pick<Question, 'arguments' | 'isAbridged'>): boolean {
  return isAbridged !== true && showArguments(all, shownLengthMax).isWhole;
}

/** What is asked, without the buttons: stays on the card when it is over, but for what only an answer needs. */
export function questionBlocks(question: Question, state: 'open' | 'over'): readonly KnownBlock[] {
  const last = question.before?.lastApproved;
  const compared = last && compareArguments(question, last);
  const isChanged = compared?.kind === 'changed';
  const isWhole = isShownWhole(question);
  const keptForChanges = isChanged && !isWhole ? changesLengths.max : 0;
  const shown = showArguments(question.arguments, shownLengthMax - keptForChanges);
  const more = isWhole
    ? 'Personal data and secrets are masked'
    : 'Shortened here, all of it is on the page; personal data and secrets are masked';
  const yesIsFor = state === 'open' ? 'A yes is for exactly this call, once, within 15 minutes. ' : '';
  return [
    linesBlock('what', [['What will happen', question.words]]),
    preformatted('arguments', shown.text),
    ...(compared === undefined ? [] : comparedBlocks(compared, shownLengthMax - shown.text.length)),
    linesBlock('who', [
      ['Asked by', question.subject],
      ['Through', clientOf(question)],
      ['Tool', `${question.tool} of ${question.server}`],
      ['Why a person is asked', reasonWords(question.reasons)],
      ['Before', precedentWords(question.before)],
      ...(state === 'open' ? [['Can be answered until', { timeMs: question.expiresAtMs }] as const] : []),
    ]),
    {
      type: 'context',
      block_id: 'fineprint',
      elements: [
        {
          type: 'plain_text',
          emoji: false,
          text: `${more}. ${yesIsFor}Arguments SHA-256 ${question.argumentsSha256}`,
        },
      ],
    },
  ];
}

function reasonWords(reasons: readonly string[]): string {
  const words = reasons.map((reason) => (Object.hasOwn(whyAsked, reason) ? `${whyAsked[reason]} (${reason})` : reason));
  return words.join(', ') || 'the tool changes something';
}

function comparedBlocks(compared: Comparison, lengthMax: number): readonly KnownBlock[] {
  const title = (words: string) => linesBlock('compared', [['Compared with the last yes', words]]);
  if (compared.kind !== 'changed') return [title(comparisonWords[compared.kind])];
  if (lengthMax < changesLengths.min) return [title('some lines changed; the page shows which')];
  const text = comparisonText(compared.lines, Math.min(lengthMax, changesLengths.max));
  return [title(comparisonWords.changed), preformatted('changes', text)];
}

/** For notifications and screen readers, where Slack reads mrkdwn. */
export function noticeText(title: string, question: Question): string {
  return escapeMrkdwn(`${title}: ${shownLine(question.tool, 120)}, asked by ${shownLine(question.subject, 120)}`);
}

export function heading(title: string, question: Question): HeaderBlock {
  const text = shorten(`${title}: ${shownLine(question.tool)}`, 150);
  return { type: 'header', block_id: 'title', text: { type: 'plain_text', emoji: false, text } };
}

export function preformatted(blockId: string, text: string): RichTextBlock {
  return {
    type: 'rich_text',
    block_id: blockId,
    elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }],
  };
}

function buttons(question: Question, pageUrl: string): ActionsBlock {
  const value = buttonValue(question);
  const deny: Button = {
    type: 'button',
    action_id: cardActions.deny,
    style: 'danger',
    text: { type: 'plain_text', emoji: false, text: 'Deny …' },
    value,
  };
  const several = windowButton(question, value);
  const elements = isShownWhole(question)
    ? [
        approveButton(question, value),
        deny,
        ...(several === undefined ? [] : [several]),
        pageLink('Everything about it', pageUrl),
      ]
    : [{ ...pageLink('Open to approve', pageUrl), style: 'primary' as const }, deny];
  return { type: 'actions', block_id: 'answer', elements };
}

function approveButton(question: Question, value: string): Button {
  return {
    type: 'button',
    action_id: cardActions.approve,
    style: 'primary',
    text: { type: 'plain_text', emoji: false, text: 'Approve' },
    value,
    confirm: {
      title: { type: 'plain_text', emoji: false, text: 'Let exactly this call run?' },
      text: { type: 'plain_text', emoji: false, text: shownLine(question.words, 300) },
      confirm: { type: 'plain_text', emoji: false, text: 'Approve' },
      deny: { type: 'plain_text', emoji: false, text: 'Not yet' },
    },
  };
}

/** Decides nothing: the page asks who it is, and shows everything. */
function pageLink(words: string, pageUrl: string): Button {
  return {
    type: 'button',
    action_id: cardActions.page,
    text: { type: 'plain_text', emoji: false, text: words },
    url: pageUrl,
  };
}

/** Of a confirmation Slack takes 300 characters. */
const sameLengthMax = 200;

/** Only where all that stays the same can be read before it is confirmed; the page offers it in any case. */
function windowButton({ window }: Question, value: string): Button | undefined {
  if (window === undefined) return undefined;
  const same = sameLines(window).join('\n');
  if (same.length > sameLengthMax) return undefined;
  const text = `This stays the same:\n${same}\nAnything else may change.`;
  return {
    type: 'button',
    action_id: cardActions.approveWindow,
    text: { type: 'plain_text', emoji: false, text: windowLabel(window) },
    value,
    confirm: {
      title: { type: 'plain_text', emoji: false, text: `Let ${window.callsMax} calls like this run unseen?` },
      text: { type: 'plain_text', emoji: false, text },
      confirm: { type: 'plain_text', emoji: false, text: 'Approve them' },
      deny: { type: 'plain_text', emoji: false, text: 'Not yet' },
    },
  };
}

function clientOf({ clientId, clientName }: Question): string {
  return clientName === undefined || clientName === clientId ? clientId : `${clientName} (${clientId})`;
}
