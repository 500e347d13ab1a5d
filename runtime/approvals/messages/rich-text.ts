import type { RichTextBlock, RichTextElement, RichTextSection } from '@slack/types';
import { shorten, visibleLine } from './visible-text.ts';

/** One line of a card: what it is called, and somebody's words or a time. */
export type Line = readonly [label: string, value: string | { readonly timeMs: number }];

/** Of a value on one line. */
const valueLengthMax = 600;

/**
 * Lines as rich text. Slack reads no mark-up in a text element, so no value can become a mention, a link or a style; mrkdwn is for our own
 * words only.
 */
export function linesBlock(blockId: string, lines: readonly Line[]): RichTextBlock {
  return { type: 'rich_text', block_id: blockId, elements: lines.map(lineSection) };
}

function lineSection([label, value]: Line, index: number, all: readonly Line[]): RichTextSection {
  const elements: RichTextElement[] = [
    { type: 'text', text: `${label}: `, style: { bold: true } },
    typeof value === 'string' ? { type: 'text', text: shownLine(value) } : timeElement(value.timeMs),
  ];
  if (index < all.length - 1) elements.push({ type: 'text', text: '\n' });
  return { type: 'rich_text_section', elements };
}

/** A value on one line, never empty: Slack refuses empty text. */
export function shownLine(value: string, lengthMax = valueLengthMax): string {
  return shorten(visibleLine(value), lengthMax) || '–';
}

function timeElement(timeMs: number): RichTextElement {
  return {
    type: 'date',
    timestamp: Math.floor(timeMs / 1000),
    format: '{date_short_pretty} {time}',
    fallback: new Date(timeMs).toISOString(),
  };
}
