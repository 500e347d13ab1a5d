import { moment } from '../../approvals/pages/words.ts';
import { type Html, html } from '../../shared/pages/html.ts';

/** Slack's mrkdwn as HTML, as far as our messages use it: links, times, and the four styles. Nothing in it becomes HTML by itself. */
export function drawMrkdwn(text: string): Html {
  return html`${text.split(/(<[^<>]*>)/).map((part) => (/^<.*>$/.test(part) ? drawToken(part.slice(1, -1)) : drawStyled(part)))}`;
}

/** Text with its lines kept. */
export function drawText(text: string): Html {
  return html`${text.split('\n').map((line, index) => (index === 0 ? line : html`<br>${line}`))}`;
}

/** An address that may be a link; anything else would be a way to run something. */
export function isWebAddress(url: string): boolean {
  return ['http:', 'https:'].includes(URL.parse(url)?.protocol ?? '');
}

/** `<!date^…>`, `<url|words>`, `<@U…>`: docs.slack.dev/messaging/formatting-message-text. */
function drawToken(token: string): Html {
  const [, seconds, fallback] = /^!date\^(\d{1,12})\^[^|]*\|(.*)$/s.exec(token) ?? [];
  if (seconds !== undefined) return timeOf(Number(seconds), fallback ?? '');
  const [target = '', words] = token.split(/\|(.*)/s, 2);
  if (isWebAddress(target)) return html`<a href="${target}">${plain(words ?? target)}</a>`;
  return html`${plain(words ?? target.replace(/^[!#]/, ''))}`;
}

/** Slack shows each reader's own time; without a script this is the one that is right for all. */
export function timeOf(seconds: number, fallback: string): Html {
  return Number.isSafeInteger(seconds) && Math.abs(seconds) < 8e12 ? moment(seconds * 1000) : html`${fallback}`;
}

const styles = { '*': 'strong', _: 'em', '~': 's', '`': 'code' } as const;
// A zero-width space behind a sign takes its effect away, in Slack as here.
const styled = /(?<![^\s(])([*_~`])(?![\s\u200B])([^\n]+?)(?<!\s)\1(?![\p{L}\p{N}\u200B])/gu;

function drawStyled(text: string): Html {
  const parts: Html[] = [];
  let from = 0;
  for (const match of text.matchAll(styled)) {
    const inner = drawText(plain(match[2] ?? ''));
    parts.push(drawText(plain(text.slice(from, match.index))), wrap(styles[match[1] as keyof typeof styles], inner));
    from = match.index + match[0].length;
  }
  return html`${[...parts, drawText(plain(text.slice(from)))]}`;
}

export function wrap(tag: 'strong' | 'em' | 's' | 'code', inner: Html): Html {
  switch (tag) {
    case 'strong':
      return html`<strong>${inner}</strong>`;
    case 'em':
      return html`<em>${inner}</em>`;
    case 's':
      return html`<s>${inner}</s>`;
    case 'code':
      return html`<code>${inner}</code>`;
  }
}

/** The three escapes of mrkdwn, and what stands between signs so that they stay signs. */
function plain(text: string): string {
  return text.replaceAll('\u200B', '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
