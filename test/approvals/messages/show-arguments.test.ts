import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readButtonValue } from '../../../runtime/approvals/messages/button-value.ts';
import { argumentLines, argumentsInBrief, showArguments } from '../../../runtime/approvals/messages/show-arguments.ts';
import { shorten, visibleText } from '../../../runtime/approvals/messages/visible-text.ts';
import type { Json } from '../../../runtime/contract/json.ts';

test('arguments stand one a line, text of several lines below its name with a bar before every line', () => {
  const { text, isWhole } = showArguments(
    { sql: 'UPDATE a\nSET b = 1', limit: 5, tags: ['x', null], 'a: b': true },
    1000,
  );
  assert.equal(text, 'sql:\n  | UPDATE a\n  | SET b = 1\nlimit: 5\ntags: ["x",null]\n"a: b": true');
  assert.ok(isWhole);
});

test('no line of a value can be taken for another argument', () => {
  const { text } = showArguments({ note: 'hello\namount: 1', 'x\namount': 2 }, 1000);
  assert.deepEqual(
    text.split('\n').filter((line) => line.startsWith('amount')),
    [],
  );
});

test('a text of several lines is split wherever it stands, and each part of what holds it has the names that lead to it', () => {
  const { text } = showArguments(
    {
      params: ['update a\nset b = 1', { n: 5 }],
      issue: { title: 'x', body: 'one\n| two', 'a › b': '\n' },
      plain: [['x'], { y: 1 }],
    },
    1000,
  );
  assert.equal(
    text,
    [
      'params[0]:',
      '  | update a',
      '  | set b = 1',
      'params[1]: {"n":5}',
      'issue › title: "x"',
      'issue › body:',
      '  | one',
      '  | | two',
      'issue › "a › b":',
      '  | ',
      '  | ',
      'plain: [["x"],{"y":1}]',
    ].join('\n'),
  );
});

test('from the lines alone one can tell what the arguments are, whatever they hold', () => {
  const unit = fc.constantFrom('a', '\n', ' ', '|', ':', '[', '0', ']', '›', '"', '\\', '{', ',', '.');
  const text = fc.string({ unit, maxLength: 8 });
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(text, tie('value'), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(text, value, { minKeys: 1, maxKeys: 4 }), (given) => {
      assert.deepEqual(readLines(argumentLines(given)), JSON.parse(JSON.stringify(given)));
    }),
    { numRuns: 2000 },
  );
});

test('long names do not make a text of several lines longer than it is over and over', () => {
  const lines = argumentLines({ [`${'n'.repeat(100_000)}`]: Array.from({ length: 1000 }, () => 'a\nb') });
  assert.ok(lines.join('\n').length < 200_000);
});

test('a list has the beginning of the arguments on one line', () => {
  const sql = 'update a\nset b = 1';
  assert.equal(argumentsInBrief({ sql, max: 1 }), 'sql: "update a\\nset b = 1", max: 1');
  assert.equal(argumentsInBrief({ sql: 'x'.repeat(200) }), `sql: "${'x'.repeat(133)}…`);
  assert.equal(argumentsInBrief({}), '(no arguments)');
});

test('arguments that do not fit are shortened and say so, within the bound and without half a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), fc.integer({ min: 100, max: 3000 }), (text, max) => {
      const shown = showArguments({ text }, max);
      assert.ok(shown.text.length <= max);
      assert.ok(shown.text.isWellFormed());
      assert.equal(shown.isWhole, !shown.text.endsWith('the rest is on the page'));
    }),
  );
  assert.equal(shorten('😀😀', 3), '😀…');
});

test('what cannot be seen is written out', () => {
  assert.equal(visibleText('a\u202Eb\u200Bc\u00A0d\uD800\ne'), 'a\\u{202E}b\\u{200B}c\\u{A0}d\\u{D800}\ne');
  assert.equal(visibleText('Grüße, 你好, 👍'), 'Grüße, 你好, 👍');
});

test('a call without arguments says so', () => {
  assert.equal(showArguments({}, 100).text, '(no arguments)');
});

test('a button value that was not written here is none', () => {
  const sha = 'a'.repeat(64);
  assert.deepEqual(readButtonValue(`v1.abc_-1.${sha}`), { id: 'abc_-1', argumentsSha256: sha });
  for (const value of [
    undefined,
    7,
    '',
    'v1',
    `v2.abc.${sha}`,
    `v1..${sha}`,
    `v1.a/b.${sha}`,
    `v1.abc.${sha}x`,
    'v1.abc.AA',
    `v1.abc.${sha}\n`,
  ]) {
    assert.equal(readButtonValue(value), undefined, String(value));
  }
});

/** What a careful reader makes of the lines. */
function readLines(lines: readonly string[]): Json {
  const root: Container = {};
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as string;
    const steps: (string | number)[] = [];
    let rest = line;
    for (let found = stepOf(rest); found !== undefined; found = stepOf(rest)) {
      const [whole, index, quoted, bare = ''] = found;
      steps.push(index === undefined ? (quoted === undefined ? bare : JSON.parse(quoted)) : Number(index));
      rest = rest.slice(whole.length);
    }
    assert.match(rest, /^:( |$)/, line);
    const value = rest.slice(2);
    if (value !== '') {
      put(root, steps, JSON.parse(value));
      continue;
    }
    let end = at + 1;
    while (lines[end]?.startsWith('  | ')) end += 1;
    put(
      root,
      steps,
      lines
        .slice(at + 1, end)
        .map((each) => each.slice(4))
        .join('\n'),
    );
    at = end - 1;
  }
  return root as Json;
}

type Container = Record<string | number, unknown>;

function stepOf(rest: string): RegExpExecArray | undefined {
  return /^(?:\[(\d+)\]|(?: › )?(?:("(?:[^"\\]|\\.)*")|([\w.-]+)))/.exec(rest) ?? undefined;
}

function put(root: Container, steps: readonly (string | number)[], value: unknown): void {
  let node = root;
  for (const [at, step] of steps.entries()) {
    const next = steps[at + 1];
    const made = next === undefined ? value : typeof next === 'number' ? [] : {};
    if (!Object.hasOwn(node, step))
      Object.defineProperty(node, step, { value: made, enumerable: true, writable: true });
    node = node[step] as Container;
  }
}
