import type {
  ActionsBlockElement,
  ContextBlock,
  KnownBlock,
  MrkdwnElement,
  PlainTextElement,
  RichTextBlock,
  RichTextBlockElement,
  RichTextElement,
} from '@slack/types';
import { type Html, html } from '../../shared/pages/html.ts';
import { drawMrkdwn, drawText, isWebAddress, timeOf, wrap } from './draw-mrkdwn.ts';

/** Draws what can be pressed; it depends on who looks. */
export type DrawElement = (element: ActionsBlockElement, blockId: string) => Html;

/** A message of Block Kit as HTML. A kind that is not drawn here says so, so that nothing is hidden from whoever answers. */
export function drawBlocks(blocks: readonly KnownBlock[], drawElement: DrawElement): Html {
  return html`${blocks.map((block) => html`${drawBlock(block, drawElement)}\n`)}`;
}

function drawBlock(block: KnownBlock, drawElement: DrawElement): Html {
  switch (block.type) {
    case 'header':
      return html`<h2>${block.text.text}</h2>`;
    case 'section':
      return html`${block.text && html`<p>${drawTextObject(block.text)}</p>`}${block.fields?.map((field) => html`<p>${drawTextObject(field)}</p>`)}`;
    case 'context':
      return html`<p class="fine">${block.elements.map((element) => html`${drawContext(element)} `)}</p>`;
    case 'rich_text':
      return html`${block.elements.map(drawRichText)}`;
    case 'divider':
      return html`<hr>`;
    case 'actions':
      return html`<div class="actions">${block.elements.map((element) => drawElement(element, block.block_id ?? ''))}</div>`;
    default:
      return notDrawn(block.type);
  }
}

export function drawTextObject(object: PlainTextElement | MrkdwnElement): Html {
  return object.type === 'mrkdwn' ? drawMrkdwn(object.text) : drawText(object.text);
}

export function notDrawn(type: string): Html {
  return html`<p class="fine">(${type}: Slack draws this, this page does not)</p>`;
}

function drawContext(element: ContextBlock['elements'][number]): Html {
  return element.type === 'image' ? notDrawn('image') : drawTextObject(element);
}

function drawRichText(block: RichTextBlock['elements'][number]): Html {
  switch (block.type) {
    case 'rich_text_section':
      return html`<div>${drawRichElements(block.elements)}</div>`;
    case 'rich_text_quote':
      return html`<blockquote>${drawRichElements(block.elements)}</blockquote>`;
    case 'rich_text_list':
      return html`<ul>${block.elements.map(({ elements }) => html`<li>${drawRichElements(elements)}</li>`)}</ul>`;
    case 'rich_text_preformatted':
      return drawPreformatted(block);
    default:
      return notDrawn((block as RichTextBlockElement).type);
  }
}

/** Each line hangs below its beginning: what wraps cannot be taken for another argument. */
function drawPreformatted({ elements }: { readonly elements: readonly RichTextElement[] }): Html {
  const text = elements
    .map((each) => ('text' in each && each.text ? each.text : 'url' in each ? each.url : ''))
    .join('');
  const lines = text.split('\n').map((line) => html`<span class="line">${line}</span>`);
  return html`<pre role="group" aria-label="With these arguments" tabindex="0">${lines}</pre>`;
}

function drawRichElements(elements: readonly RichTextElement[]): Html {
  // Slack ends a line where a section ends; the feed before it is its own and not a second one.
  const shown = elements.filter(
    (each, index) => index < elements.length - 1 || !('text' in each) || each.text !== '\n',
  );
  return html`${shown.map(drawRichElement)}`;
}

function drawRichElement(element: RichTextElement): Html {
  switch (element.type) {
    case 'text':
      return withStyle(drawText(element.text), element.style);
    case 'link':
      return isWebAddress(element.url)
        ? html`<a href="${element.url}">${element.text ?? element.url}</a>`
        : html`${element.text ?? element.url}`;
    case 'date':
      return timeOf(element.timestamp, element.fallback ?? '');
    default:
      return html`(${element.type})`;
  }
}

type TextStyle = {
  readonly bold?: boolean;
  readonly italic?: boolean;
  readonly strike?: boolean;
  readonly code?: boolean;
};

function withStyle(inner: Html, { bold, italic, strike, code }: TextStyle = {}): Html {
  const tags = [code && 'code', strike && 's', italic && 'em', bold && 'strong'] as const;
  return tags.reduce<Html>((drawn, tag) => (tag ? wrap(tag, drawn) : drawn), inner);
}
