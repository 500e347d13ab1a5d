import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requirements } from './requirements.ts';

const textAt = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const isThere = (path: string) => existsSync(fileURLToPath(new URL(path, import.meta.url)));

/** The titles of a test file: whole ones, templates as patterns, and whether a variable names some of its tests. */
interface Titles {
  readonly source: string;
  readonly whole: ReadonlySet<string>;
  readonly patterns: readonly RegExp[];
  readonly hasVariable: boolean;
}

const call = /\b(?:test|it)\(\s*/g;
const quoted = /^(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/;

function titlesOf(source: string): Titles {
  const whole = new Set<string>();
  const patterns: RegExp[] = [];
  let hasVariable = false;
  for (const match of source.matchAll(call)) {
    const rest = source.slice(match.index + match[0].length);
    const [, single, double, template] = quoted.exec(rest) ?? [];
    const plain = single ?? double;
    if (plain !== undefined) whole.add(unescaped(plain));
    else if (template !== undefined) patterns.push(patternOf(template));
    else if (/^\w+[ ,?]/.test(rest)) hasVariable = true;
  }
  return { source: unescaped(source), whole, patterns, hasVariable };
}

function unescaped(text: string): string {
  return text
    .replace(/\\u([0-9a-f]{4})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\(['"`\\])/g, '$1');
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** `refused: ${what}` is a title for every `what` that the file writes down. */
function patternOf(template: string): RegExp {
  const parts = template.split(/\$\{[^}]*\}/).map((part) => escaped(unescaped(part)));
  return new RegExp(`^${parts.join('(.+)')}$`, 's');
}

function isShown(name: string, titles: Titles): boolean {
  if (titles.whole.has(name)) return true;
  // A row's part of the title is a literal in the file, or the name of a row.
  const isWritten = (part: string) =>
    ["'", '"', '`'].some((mark) => titles.source.includes(mark + part + mark)) ||
    new RegExp(`^\\s*${escaped(part)}:`, 'm').test(titles.source);
  if (titles.hasVariable && isWritten(name)) return true;
  return titles.patterns.some((pattern) => pattern.exec(name)?.slice(1).every(isWritten) === true);
}

/** `file: name` and `: name`, which is of the file before it. */
function pairsOf(shownBy: readonly string[]): readonly (readonly [string, string])[] {
  let file = '';
  return shownBy.map((entry) => {
    const [before = '', ...rest] = entry.split(': ');
    if (before !== '') file = before;
    return [file, rest.join(': ')] as const;
  });
}

/** A suite that several test files run stands in a file of its own. */
function pathOf(file: string): string {
  return file.endsWith('-suite') ? `./${file}.ts` : `./${file}.test.ts`;
}

const cache = new Map<string, Titles>();
function titlesIn(file: string): Titles {
  let titles = cache.get(file);
  if (titles === undefined) {
    titles = titlesOf(textAt(pathOf(file)));
    cache.set(file, titles);
  }
  return titles;
}

test('every requirement is shown by tests that exist', () => {
  const missing: string[] = [];
  for (const [id, , ...shownBy] of requirements) {
    if (shownBy.length === 0) missing.push(`${id}: no test`);
    for (const [file, name] of pairsOf(shownBy)) {
      if (!isThere(pathOf(file))) missing.push(`${id}: no file test/${file}.test.ts`);
      else if (!isShown(name, titlesIn(file))) missing.push(`${id}: test/${file}.test.ts has no test "${name}"`);
    }
  }
  assert.deepEqual(missing, []);
});

test('a test that does not exist would be seen', () => {
  const titles = titlesOf(
    `test('one', () => {}); const rows = ['a']; test(\`not \${what}\`, f); for (x of y) test(what, f);`,
  );
  assert.deepEqual(
    ['one', 'two', 'not a', 'not b', 'a', 'b'].filter((name) => isShown(name, titles)),
    ['one', 'not a', 'a'],
  );
});

test('ids are unique and of one form, and each says what must hold', () => {
  const ids = requirements.map(([id]) => id);
  assert.deepEqual(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
  );
  for (const [id, what] of requirements) {
    assert.match(id, /^(?:R-[A-Z]+-\d\d|F-[A-Z]+-\d\d|A-P?\d\d-\d\d)$/);
    assert.ok(what.length > 10, id);
  }
});

test('docs/threat-table.md has every attack row with its test files, and no row of its own', () => {
  const documented = [...textAt('../docs/threat-table.md').matchAll(/^\| (A-\S+) \|.*\| ([^|]+) \|$/gm)].map(
    ([, id, files = '']) => [id, ...files.replaceAll('`', '').split(' ')],
  );
  const known = requirements.flatMap(([id, , ...shownBy]) =>
    id.startsWith('A-') ? [[id, ...[...new Set(pairsOf(shownBy).map(([file]) => file))].sort()]] : [],
  );
  assert.deepEqual(documented, known);
});
