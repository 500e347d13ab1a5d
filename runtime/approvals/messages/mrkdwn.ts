import { visibleText } from './visible-text.ts';

/**
 * Somebody's words inside Slack's mrkdwn, as words: no mention, link, emoji, style, code or quote comes of them.
 * Slack, "Formatting text for app surfaces", § Escaping text: only `&`, `<` and `>` have escapes. For the signs that have none a zero-width
 * space breaks what they would do; it stands in our own text, after what was invisible has been written out.
 */
export function escapeMrkdwn(text: string): string {
  return visibleText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[*_~`:@#|]/g, (sign) => `${sign}\u200B`)
    .replaceAll(/\b(https?|mailto|ftp|www)(?=[:.])/gi, (scheme) => `${scheme}\u200B`);
}

/** A time as each reader's own clock shows it; readers without one see RFC 3339. */
export function mrkdwnTime(timeMs: number): string {
  return `<!date^${Math.floor(timeMs / 1000)}^{date_short_pretty} {time}|${new Date(timeMs).toISOString()}>`;
}
