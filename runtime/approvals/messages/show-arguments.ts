import type { Json } from '../../contract/json.ts';
import { shorten, visibleLine, visibleText } from './visible-text.ts';

/** What of the arguments fits, and whether that is all of them. */
export interface ShownArguments {
  readonly text: string;
  readonly isWhole: boolean;
}

/** Arguments as lines to read, one below the other. */
export function showArguments(value: Json, lengthMax: number): ShownArguments {
  const all = argumentLines(value).join('\n');
  if (all.length <= lengthMax) return { text: all, isWhole: true };
  const note = `\n… ${lengthOf(value)} in all; the rest is on the page`;
  return { text: `${shorten(all, lengthMax - note.length)}${note}`, isWhole: false };
}

/** The one count of arguments: as JSON, however they are laid out. */
export function lengthOf(value: Json): string {
  return `${JSON.stringify(value).length.toLocaleString('en')} characters`;
}

/** Where a text of several lines stands deeper than names of so many characters, it stays in its JSON: every line below repeats them. */
const pathLengthMax = 200;

/**
 * All lines of them, with nothing in a line that cannot be seen. A text of several lines, such as SQL or the body of an issue, stands below its
 * name with `| ` before every line, so that no line of it can be taken for another argument. What holds such a text is taken apart, and each
 * part has the names that lead to it: `params[0]`, `issue › body`. A name that has more than letters, digits, `_`, `.` and `-` is quoted.
 */
export function argumentLines(value: Json): readonly string[] {
  if (!isObject(value)) return [visibleJson(value)];
  const members = Object.entries(value);
  if (members.length === 0) return ['(no arguments)'];
  return members.flatMap(([name, member]) => linesAt(shownName(name), member));
}

const briefLengthMax = 140;

/** The beginning of the same on one line: what tells one question about a tool from another in a list. */
export function argumentsInBrief(value: Json): string {
  if (!isObject(value)) return shorten(visibleJson(value), briefLengthMax);
  const members = Object.entries(value).map(([name, member]) => `${shownName(name)}: ${visibleJson(member)}`);
  return shorten(members.join(', ') || '(no arguments)', briefLengthMax);
}

function linesAt(path: string, value: Json): readonly string[] {
  if (typeof value === 'string' && value.includes('\n')) {
    return [`${path}:`, ...visibleText(value).replaceAll(/^/gm, '  | ').split('\n')];
  }
  const parts = path.length > pathLengthMax || !hasTextOfLines(value) ? [] : partsAt(path, value);
  return parts.length === 0 ? [`${path}: ${visibleJson(value)}`] : parts.flatMap(([at, part]) => linesAt(at, part));
}

function partsAt(path: string, value: Json): readonly (readonly [path: string, part: Json])[] {
  if (Array.isArray(value)) return value.map((part, index) => [`${path}[${index}]`, part]);
  if (!isObject(value)) return [];
  return Object.entries(value).map(([name, part]) => [`${path} › ${shownName(name)}`, part]);
}

function hasTextOfLines(value: Json | undefined): boolean {
  if (typeof value === 'string') return value.includes('\n');
  return typeof value === 'object' && value !== null && Object.values(value).some(hasTextOfLines);
}

function shownName(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : visibleJson(name);
}

/** JSON on one line; what it leaves invisible is written out. */
function visibleJson(value: Json): string {
  return visibleLine(JSON.stringify(value));
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
