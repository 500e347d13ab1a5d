import { SEPARATORS_MAX } from './survey.ts';

/** A run of digits and what stands between it and the next one. */
export interface Group {
  readonly start: number;
  readonly end: number;
  /** Characters between this group and the next; empty for the last. */
  readonly after: string;
}

/** Groups of digits that may be one written number: `+46 (0)8 928 571 38`. */
export interface Cluster {
  readonly groups: readonly Group[];
  /** All digits, and where each group starts in them. */
  readonly digits: string;
  readonly offsets: readonly number[];
  /** `+` or `(`, or both, right before the first digit. */
  readonly lead: string;
  /** A letter touches the first or the last digit: a part of a hash, a UUID, a version. */
  readonly isAttached: boolean;
}

/** Reads the clusters of a folded text that have enough digits to be anything, in order, each once. */
export function readClusters(text: string): Cluster[] {
  const clusters: Cluster[] = [];
  const { length } = text;
  let at = 0;
  while (at < length) {
    if (!isDigit(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const first = at;
    const groups: Group[] = [];
    const offsets: number[] = [];
    let digits = '';
    while (true) {
      const start = at;
      while (at < length && isDigit(text.charCodeAt(at))) at += 1;
      offsets.push(digits.length);
      digits += text.slice(start, at);
      const next = nextGroup(text, at);
      groups.push({ start, end: at, after: next < 0 ? '' : text.slice(at, next) });
      if (next < 0) break;
      at = next;
    }
    const isEnough = digits.length >= 7 || (digits.length >= 4 && groups.length >= 4);
    if (!isEnough) continue;
    const lead = leadBefore(text, first);
    clusters.push({
      groups,
      digits,
      offsets,
      lead,
      isAttached: isLetter(text.charCodeAt(first - 1 - lead.length)) || isLetter(text.charCodeAt(at)),
    });
  }
  return clusters;
}

/** Index of the digit that continues the number after `end`; -1 when it ends there. */
function nextGroup(text: string, end: number): number {
  let lines = 0;
  for (let at = end; at < end + SEPARATORS_MAX + 1; at += 1) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) return at === end ? -1 : at;
    if (code === 0x0a) lines += 1;
    // A plus starts a new number, unless it stands for a space between digits, as forms encode it.
    const isPlus = code === 0x2b && at === end && isDigit(text.charCodeAt(at + 1));
    if (lines > 1 || !(isPlus || isSeparator(code))) return -1;
  }
  return -1;
}

function leadBefore(text: string, first: number): string {
  let from = first;
  while (from > 0 && first - from < 2 && (text[from - 1] === '(' || text[from - 1] === '+')) from -= 1;
  // In a form's encoding the plus after a word is a space.
  const isSpace = text[from] === '+' && /[A-Za-z0-9]/.test(text[from - 1] ?? '');
  return isSpace ? '' : text.slice(from, first);
}

const separators = new Set([...' -./()_\n'].map((character) => character.charCodeAt(0)));

function isSeparator(code: number): boolean {
  return separators.has(code);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}
