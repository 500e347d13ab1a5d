import { ibanLength, passesIban } from './checksums.ts';
import type { Hit } from './hits.ts';

const start = /[A-Za-z]{2}[ .\-_/]?\d[ .\-_/]?\d/g;

/** Finds IBANs in any case and grouping; the country's length and the checksum decide. */
export function findIbans(text: string): Hit[] {
  const hits: Hit[] = [];
  start.lastIndex = 0;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    const length = ibanLength(match[0].slice(0, 2).toUpperCase());
    const end = length === undefined ? undefined : readIban(text, match.index, length);
    if (end !== undefined) hits.push({ start: match.index, end, type: 'IBAN_CODE' });
    // The two letters may be the second and third of three: `xGB82`.
    start.lastIndex = end ?? match.index + 1;
  }
  return hits;
}

/** The end of the IBAN of `length` characters at `from`, at most two separators between any two; undefined when it is none. */
function readIban(text: string, from: number, length: number): number | undefined {
  let iban = '';
  let gap = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isPart = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    if (isPart) {
      iban += text[at];
      gap = 0;
      if (iban.length === length) return passesIban(iban.toUpperCase()) ? at + 1 : undefined;
    } else {
      gap += 1;
      if (gap > 2 || !/[ .\-_/\n]/.test(text[at] ?? '')) return undefined;
    }
  }
  return undefined;
}
