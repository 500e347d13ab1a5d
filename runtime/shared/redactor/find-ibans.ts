import { ibanForm, passesIban } from './checksums.ts';
import type { Hit } from './hits.ts';

const start = /[A-Za-z]{2}[ .\-_/]?\d[ .\-_/]?\d/g;

/** Finds IBANs in any case and grouping; the country's length and the checksum decide. */
export function findIbans(text: string): Hit[] {
  const hits: Hit[] = [];
  start.lastIndex = 0;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    const form = isStart(text, match) ? ibanForm(match[0].slice(0, 2).toUpperCase()) : undefined;
    const end = form === undefined ? undefined : readIban(text, match.index, form);
    if (end !== undefined) hits.push({ start: match.index, end, type: 'IBAN_CODE' });
    // The two letters may be the second and third of three: `xGB82`.
    start.lastIndex = end ?? match.index + 1;
  }
  return hits;
}

/** Not inside a word, unless the word is `IBAN`; and `at 638` or `no 12` are words, where `AT 63` or `at63` may be a country. */
function isStart(text: string, match: RegExpExecArray): boolean {
  const before = text.charCodeAt(match.index - 1);
  const isInWord = (before >= 48 && before <= 57) || (before >= 65 && before <= 90) || (before >= 97 && before <= 122);
  if (isInWord && !/iban$/i.test(text.slice(Math.max(0, match.index - 4), match.index))) return false;
  return /^(?:[A-Z]{2}|[A-Za-z]{2}\d)/.test(match[0]);
}

/** The end of the IBAN of this form at `from`, at most two separators between any two characters; undefined when there is none. */
function readIban(
  text: string,
  from: number,
  form: { readonly length: number; readonly pattern: RegExp },
): number | undefined {
  let iban = '';
  let gap = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isPart = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    if (isPart) {
      iban += text[at];
      gap = 0;
      if (iban.length < form.length) continue;
      const plain = iban.toUpperCase();
      // Groups that go on are those of something longer, such as a UUID.
      const goesOn = at + 1 - from > iban.length && /[0-9A-Za-z]/.test(text[at + 1] ?? '');
      return !goesOn && form.pattern.test(plain) && passesIban(plain) ? at + 1 : undefined;
    }
    gap += 1;
    if (gap > 2 || !/[ .\-_/\n]/.test(text[at] ?? '')) return undefined;
  }
  return undefined;
}
