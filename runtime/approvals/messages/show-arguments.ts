import type { Json } from '../../contract/json.ts';
import { shorten, visibleLine, visibleText } from './visible-text.ts';

/** What of the arguments fits, and whether that is all of them. */
export interface ShownArguments {
  readonly text: string;
  readonly isWhole: boolean;
}

/**
 * Arguments as lines to read. A text of several lines, such as SQL or the body of an issue, stands below its name with `| ` before every line,
 * so that no line of it can be taken for another argument.
 */
export function showArguments(value: Json, lengthMax: number): ShownArguments {
  const all = argumentLines(value).join('\n');
  if (all.length <= lengthMax) return { text: all, isWhole: true };
  const note = `\n… ${all.length} characters in all; the rest is on the page`;
  return { text: `${shorten(all, lengthMax - note.length)}${note}`, isWhole: false };
}

/** All lines of them, with nothing in a line that cannot be seen. */
export function argumentLines(value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [visibleJson(value)];
  const entries = Object.entries(value);
  if (entries.length === 0) return ['(no arguments)'];
  return entries.flatMap(([name, member]) => {
    const shown = /^[\w.-]+$/.test(name) ? name : visibleJson(name);
    if (typeof member !== 'string' || !member.includes('\n')) return [`${shown}: ${visibleJson(member)}`];
    return [
      `${shown}:`,
      ...visibleText(member)
        .split('\n')
        .map((line) => `  | ${line}`),
    ];
  });
}

/** JSON on one line; what it leaves invisible is written out. */
function visibleJson(value: Json | undefined): string {
  return visibleLine(JSON.stringify(value ?? null));
}
