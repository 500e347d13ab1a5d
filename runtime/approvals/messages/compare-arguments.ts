import { type ChangeObject, diffArrays, diffWordsWithSpace } from 'diff';
import type { Json } from '../../contract/json.ts';
import type { ClosedQuestion } from './precedents.ts';
import { argumentLines } from './show-arguments.ts';
import { shorten } from './visible-text.ts';

/** What changed since people last said yes to the same asker about the same tool. */
export type Comparison =
  /** Not a byte; or nothing but what is masked; or more than can be laid side by side; or nobody knows any more. */
  | { readonly kind: 'same' | 'same-but-masked' | 'too-long' | 'too-different' | 'not-kept' }
  | { readonly kind: 'changed'; readonly lines: readonly ComparedLine[] };

/** A line of then (`-`), of now (`+`), of both (a space), or so many lines of both that are left out (`…`). */
export interface ComparedLine {
  readonly mark: '-' | '+' | ' ' | '…';
  readonly pieces: readonly Piece[];
}

export interface Piece {
  readonly text: string;
  readonly isChanged: boolean;
}

/** Beyond these a comparison says less than it costs. */
const linesMax = 2000;
const editsMax = 400;
const wordEditsMax = 100;
const wordLineLengthMax = 4000;
/** Lines of one run that are compared word by word. */
const wordLinesMax = 40;

/** Lines around a change. */
const contextLines = 2;

/** Compares the arguments that people are shown, line by line and within a line word by word. */
export function compareArguments(
  now: { readonly arguments: Json; readonly argumentsSha256: string },
  then: ClosedQuestion,
): Comparison {
  if (now.argumentsSha256 === then.argumentsSha256) return { kind: 'same' };
  if (then.arguments === undefined) return { kind: 'not-kept' };
  const [before, after] = [argumentLines(then.arguments), argumentLines(now.arguments)];
  if (before.length > linesMax || after.length > linesMax) return { kind: 'too-long' };
  const changes = diffArrays([...before], [...after], { maxEditLength: editsMax });
  if (changes === undefined) return { kind: 'too-different' };
  if (changes.every(({ added, removed }) => !added && !removed)) {
    return { kind: 'same-but-masked' };
  }
  return { kind: 'changed', lines: withoutFarContext(changes.flatMap(linesOf)) };
}

/** A removed run and the added one after it are laid side by side. */
function linesOf(
  change: ChangeObject<string[]>,
  index: number,
  all: readonly ChangeObject<string[]>[],
): readonly ComparedLine[] {
  if (!change.added && !change.removed) return change.value.map((text) => ({ mark: ' ', pieces: [same(text)] }));
  const other = change.removed ? all[index + 1] : all[index - 1];
  const isPaired = change.removed ? other?.added === true : other?.removed === true;
  const mark = change.removed ? '-' : '+';
  return change.value.map((text, line) => {
    const counterpart = isPaired && line < wordLinesMax ? other?.value[line] : undefined;
    if (counterpart === undefined) return { mark, pieces: [{ text, isChanged: true }] };
    const pieces = change.removed ? piecesOf(text, counterpart, 'removed') : piecesOf(counterpart, text, 'added');
    return { mark, pieces };
  });
}

function piecesOf(then: string, now: string, side: 'removed' | 'added'): readonly Piece[] {
  const whole = [{ text: side === 'removed' ? then : now, isChanged: true }];
  if (then.length > wordLineLengthMax || now.length > wordLineLengthMax) return whole;
  const words = diffWordsWithSpace(then, now, { maxEditLength: wordEditsMax });
  if (words === undefined) return whole;
  const ours = words.filter((word) => !(side === 'removed' ? word.added : word.removed));
  const kept = ours.filter((word) => !word[side]).reduce((length, { value }) => length + value.trim().length, 0);
  // Two lines that have but a few words in common are two lines.
  if (kept * 3 < (whole[0]?.text.length ?? 0)) return whole;
  return ours.map((word) => ({ text: word.value, isChanged: word[side] }));
}

function withoutFarContext(lines: readonly ComparedLine[]): readonly ComparedLine[] {
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(({ mark }) => mark !== ' '),
  );
  const shown: ComparedLine[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as ComparedLine;
    if (isNear[at]) {
      shown.push(line);
      continue;
    }
    let end = at;
    while (end < lines.length && !isNear[end]) end += 1;
    const count = end - at;
    if (count === 1) shown.push(line);
    else shown.push({ mark: '…', pieces: [same(`${count} lines are the same`)] });
    at = end - 1;
  }
  return shown;
}

function same(text: string): Piece {
  return { text, isChanged: false };
}

/** What a comparison comes to, after "Compared with the last yes: ". */
export const comparisonWords: Readonly<Record<Comparison['kind'], string>> = {
  same: 'exactly the same arguments',
  'same-but-masked': 'what is shown is the same; what is masked differs',
  'too-long': 'too long to be laid side by side',
  'too-different': 'very different arguments',
  'not-kept': 'its arguments are not kept any more',
  changed: 'these lines changed (- then, + now); what is masked may differ, too',
};

/** Columns of a line of text; Slack wraps longer ones where it likes, and what it wraps has no mark. */
const columns = 76;
/** Characters that are left of what did not change, on each side of what did. */
const nearLength = 24;

/**
 * As plain text. The first column of every line is ours: whatever stands in an argument, a line of it begins with its own mark. Of long lines
 * only what changed is there, with a little around it.
 */
export function comparisonText(lines: readonly ComparedLine[], lengthMax: number): string {
  const text = lines.flatMap(({ mark, pieces }) => broken(mark, pieces.map(nearChanges).join(''))).join('\n');
  if (text.length <= lengthMax) return text;
  const note = '\n… the rest is on the page';
  return `${shorten(text, lengthMax - note.length)}${note}`;
}

function nearChanges({ text, isChanged }: Piece, at: number, all: readonly Piece[]): string {
  if (isChanged || all.length === 1 || text.length <= 2 * nearLength + 10) return text;
  const characters = [...text];
  const start = characters.slice(0, nearLength).join('');
  const end = at === all.length - 1 ? '' : characters.slice(-nearLength).join('');
  return `${start} … ${end}`;
}

function broken(mark: string, text: string): readonly string[] {
  const characters = [...text];
  const lines = [`${mark} ${characters.slice(0, columns).join('')}`];
  for (let from = columns; from < characters.length; from += columns) {
    lines.push(`${mark} ↳ ${characters.slice(from, from + columns).join('')}`);
  }
  return lines;
}
