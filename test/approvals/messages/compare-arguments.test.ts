import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Comparison,
  compareArguments,
  comparisonText,
  comparisonWords,
} from '../../../runtime/approvals/messages/compare-arguments.ts';
import type { JsonObject } from '../../../runtime/contract/json.ts';
import { closedQuestion, hostileText } from '../../support/question.ts';

function compare(then: JsonObject | undefined, now: JsonObject, isSameHash = false): Comparison {
  return compareArguments(
    { arguments: now, argumentsSha256: 'b'.repeat(64) },
    closedQuestion({ arguments: then, argumentsSha256: (isSameHash ? 'b' : 'a').repeat(64) }),
  );
}

function textOf(comparison: Comparison, lengthMax = 10_000): string {
  return comparison.kind === 'changed' ? comparisonText(comparison.lines, lengthMax) : comparison.kind;
}

const sql = ['update invoices', "set state = 'open'", 'where customer = 4711'].join('\n');

test('lines that are gone, new and the same are marked in text, and what did not change far around is counted', () => {
  assert.equal(
    textOf(compare({ limit: 5, sql, tags: [1] }, { sql: sql.replace('4711', '4712'), tags: [1], force: true })),
    [
      '- limit: 5',
      '  sql:',
      '    | update invoices',
      "    | set state = 'open'",
      '-   | where customer = 4711',
      '+   | where customer = 4712',
      '  tags: [1]',
      '+ force: true',
    ].join('\n'),
  );
  const lines = Array.from({ length: 9 }, (_, i) => `line ${i}`).join('\n');
  assert.match(textOf(compare({ lines }, { lines: `${lines}\nend` })), /^… 8 lines are the same\n {4}\| line 7\n/);
});

test('of a long line what changed is there, with a little around it and the name of the argument', () => {
  const long = `update invoices set note = '${'very '.repeat(40)}' where customer = 4711 and due < '2026-01-01'`;
  assert.equal(
    textOf(compare({ sql: long }, { sql: long.replace('4711', '4711 or 1 = 1') })),
    [
      `- sql: "update invoices se … ' where customer = 4711 and due < '2026-01-01'"`,
      `+ sql: "update invoices se … ' where customer = 4711 or 1 = 1 and due < '2026-01-01'"`.slice(0, 78),
      `+ ↳ ${`+ sql: "update invoices se … ' where customer = 4711 or 1 = 1 and due < '2026-01-01'"`.slice(78)}`,
    ].join('\n'),
  );
});

test('words that changed within a line are known', () => {
  const compared = compare({ sql }, { sql: sql.replace('4711', '4712') });
  assert.ok(compared.kind === 'changed');
  assert.deepEqual(
    compared.lines.flatMap(({ mark, pieces }) => pieces.filter((p) => p.isChanged).map(({ text }) => mark + text)),
    ['-4711', '+4712'],
  );
});

test('the same is said to be the same only when every byte is', () => {
  const masked = { to: '[email]' };
  assert.equal(compare(masked, masked, true).kind, 'same');
  assert.equal(compare(masked, masked).kind, 'same-but-masked');
  assert.equal(compare(undefined, masked).kind, 'not-kept');
});

test('whatever differs, it is said that what is masked does or may', () => {
  assert.equal(comparisonWords['same-but-masked'], 'what is shown is the same; what is masked differs');
  assert.match(comparisonWords.changed, /what is masked may differ, too$/);
});

test('what has too many lines to be compared is said to be too long, on either side', () => {
  const long = { to: 'x\n'.repeat(3000) };
  assert.equal(compare(long, { to: 'me' }).kind, 'too-long');
  assert.equal(compare({ to: 'me' }, long).kind, 'too-long');
  assert.equal(compare(long, long, true).kind, 'same');
  const other = (name: string) => Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`${name}${i}`, i]));
  assert.equal(compare(other('a'), other('b')).kind, 'too-different');
});

test('every line begins with a mark of ours, whatever the arguments hold, and fits', () => {
  const forged = fc.oneof(
    hostileText,
    fc
      .array(fc.constantFrom('- where id = 1', '+ where id = 2', '… 3 lines are the same', '  same', '↳ x'), {
        maxLength: 8,
      })
      .map((lines) => lines.join('\n')),
  );
  const args = fc.dictionary(forged, forged, { maxKeys: 4 });
  fc.assert(
    fc.property(args, args, fc.integer({ min: 100, max: 3000 }), (then, now, lengthMax) => {
      const compared = compare(then, now);
      if (compared.kind !== 'changed') return;
      const text = comparisonText(compared.lines, lengthMax);
      assert.ok(text.length <= lengthMax && text.isWellFormed());
      const whole = comparisonText(compared.lines, Number.POSITIVE_INFINITY).split('\n');
      const marks = new Map<string, number>();
      for (const line of whole) {
        assert.match(line, /^[-+ …] /);
        assert.ok([...line].length <= 80, line);
        if (!/^. ↳ /.test(line)) marks.set(line.slice(0, 1), (marks.get(line.slice(0, 1)) ?? 0) + 1);
      }
      for (const mark of ['-', '+', ' ', '…']) {
        const expected = compared.lines.filter((line) => line.mark === mark).length;
        assert.ok((marks.get(mark) ?? 0) <= expected, `${mark} is there ${marks.get(mark)} times`);
      }
    }),
    { numRuns: 60 },
  );
});
