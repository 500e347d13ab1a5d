import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readButtonValue } from '../../../runtime/approvals/messages/button-value.ts';
import { showArguments } from '../../../runtime/approvals/messages/show-arguments.ts';
import { shorten, visibleText } from '../../../runtime/approvals/messages/visible-text.ts';

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
