import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactText } from '../../../runtime/shared/redact-json.ts';
import { countSteps } from '../../support/count-steps.ts';

const dense =
  'Ann +1 415-555-0132 ann.lee@example.com 078-05-1121 4111 1111 1111 1111 GB82 WEST 1234 5698 7654 32 10.1.2.3; ';

/** Texts built against each recogniser and decoder. policy.md § 6, group 19. */
const families: Readonly<Record<string, (length: number) => string>> = {
  'dense with personal data': (length) => dense.repeat(length / dense.length),
  'at signs': (length) => 'a@'.repeat(length / 2),
  'brackets after at signs': (length) => '@['.repeat(length / 2),
  'dots and dashes of a domain': (length) => `a@${'b.-'.repeat(length / 3)}`,
  'one run of digits': (length) => '4'.repeat(length),
  'single digits': (length) => '4 '.repeat(length / 2),
  'digits and dots': (length) => '1.'.repeat(length / 2),
  'starts of IBANs': (length) => 'GB82'.repeat(length / 4),
  'hex and colons': (length) => 'ab:'.repeat(length / 3),
  'starts of tokens': (length) => 'eyJ'.repeat(length / 3),
  'starts of keys': (length) => '-----BEGIN PRIVATE KEY'.repeat(length / 22),
  'odd hex': (length) => 'a'.repeat(length - 1),
  base64: (length) =>
    Buffer.from(dense.repeat(length / dense.length))
      .toString('base64')
      .slice(0, length),
  'nested base64': (length) =>
    Array.from({ length: 6 }).reduce<string>(
      (text) => Buffer.from(text).toString('base64'),
      'a@b.example '.repeat(length / 70),
    ),
  percent: (length) => '%25'.repeat(length / 3),
  'HTML entities': (length) => '&#38;'.repeat(length / 5),
  'escaped quotes': (length) => '\\"'.repeat(length / 2),
  'open JSON': (length) => '{"a":'.repeat(length / 5),
  'zero width': (length) => '1\u200b'.repeat(length / 2),
  'direction overrides': (length) => '\u202e1'.repeat(length / 2),
  'characters that expand': (length) => '\ufdfa'.repeat(length),
  'words of context': (length) => 'phone card ssn 1234567 '.repeat(length / 23),
  assignments: (length) => 'password='.repeat(length / 9),
  'URL passwords': (length) => '://a:'.repeat(length / 5),
  quotes: (length) => '"@'.repeat(length / 2),
};

const repeated = (unit: string) => (length: number) => unit.repeat(length / unit.length);
const wrapped = (wrap: (text: string) => string) => (length: number) =>
  [1, 2, 3].reduce(wrap, dense.repeat(length / dense.length));
const members = (member: (index: number) => string) => (length: number) =>
  `{${Array.from({ length: length / member(0).length }, (_, index) => member(index)).join()}}`;

/** Texts for which a step of the redactor could do again what it has done for another part of them. */
const repetitive: Readonly<Record<string, (length: number) => string>> = {
  'overrides that end': repeated('\u202eabcdef\u202c'),
  'overrides that end with their line': repeated('\u202eabcdef\n'),
  'overrides that never end': repeated('\u202eabcdef'),
  'overrides inside overrides': (length) => '\u202eabcdef'.repeat(length / 8) + '\u202c'.repeat(length / 8),
  'one override of many lines': (length) => `\u202e${'a\n'.repeat(length / 2)}`,
  'left-to-right overrides': repeated('\u202dabcdef\u202c'),
  embeddings: repeated('\u202aabcdef\u202c\u202babcdef\u202c'),
  isolates: repeated('\u2066abcdef\u2069\u2067abcdef\u2069\u2068abcdef\u2069'),
  'isolates inside isolates': (length) => '\u2067'.repeat(length / 2) + '\u2069'.repeat(length / 2),
  'direction marks': repeated('\u200e1\u200f1\u061c1'),
  'overrides in percent': repeated('%E2%80%AEabcdef%E2%80%AC'),
  'overrides in HTML entities': repeated('&#x202e;abcdef&#x202c;'),
  'overrides in escapes': repeated('\\u{202e}abcdef\\u{202c}'),
  'combining marks': repeated(`a${'\u0301'.repeat(40)}`),
  'zero width runs': repeated('\u200b'),
  'tag characters': repeated('\u{e0041}'),
  'digits beyond the first plane': repeated('\u{1d7ff}'),
  'JSON in JSON in JSON': wrapped((text) => JSON.stringify([text])),
  'base64 in base64': wrapped((text) => Buffer.from(text).toString('base64')),
  'percent in percent': wrapped(encodeURIComponent),
  'HTML entities in HTML entities': repeated('&amp;amp;'),
  'parts of a path in base64': repeated('aGVsbG8gd29y/'),
  'members of JSON': members((index) => `"k${index}":"a@b.co"`),
  'names of JSON that are masked': members((index) => `"a${index}@b.co":1e400`),
  'one name again and again': members(() => '"a":1'),
  'numbers in another spelling': (length) => `[${'1.0 ,'.repeat(length / 5)}"a@b.co"]`,
  'blanks in JSON': (length) => `[${' '.repeat(length)}"a@b.co"]`,
  'JSON that nests': (length) => `${'['.repeat(length / 2)}${']'.repeat(length / 2)}`,
};

// What is linear takes two steps for one when the text is twice as long, what is quadratic four.
const STEPS_RATIO_MAX = 2.6;

for (const [name, build] of Object.entries({ ...families, ...repetitive })) {
  test(`steps grow with the length and not faster: ${name}`, () => {
    const [steps, ofTwice] = [stepsOf(build(65_536)), stepsOf(build(131_072))] as const;
    assert.ok(ofTwice <= STEPS_RATIO_MAX * steps, `${steps} and ${ofTwice} steps`);
  });
}

test('the steps that are counted are those of the redactor, loops and built-ins', () => {
  assert.ok(stepsOf('a@b.co '.repeat(1000)) > 7000);
});

function stepsOf(text: string): number {
  return countSteps('/runtime/shared/redactor/', () => redactText(text));
}

// Ratios, never absolute times: what is linear takes ten times as long for ten times as much, what is quadratic a hundred times.
// A busy machine can make one measurement slow, not several in a row, so a ratio must be bad every time to count.
const RATIO_MAX = 40;
const ATTEMPTS = 4;

for (const [name, build] of Object.entries(families)) {
  test(`time grows with the length and not faster: ${name}`, () => assertLinear(build, 10_000));
}

test('a text of 1 MB is read in the same time per character', () => {
  for (const name of [
    'dense with personal data',
    'one run of digits',
    'single digits',
    'at signs',
    'starts of IBANs',
  ]) {
    assertLinear(families[name] as (length: number) => string, 100_000);
  }
});

function assertLinear(build: (length: number) => string, length: number): void {
  const [small, large] = [build(length), build(length * 10)];
  const seen: string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const smallMs = Math.max(Math.min(timed(small), timed(small)), 0.25);
    const largeMs = timed(large);
    if (largeMs < RATIO_MAX * smallMs) return;
    seen.push(`${smallMs.toFixed(2)} ms and ${largeMs.toFixed(2)} ms`);
  }
  assert.fail(`${length} and ${length * 10} characters took ${seen.join(', ')}`);
}

function timed(text: string): number {
  const started = performance.now();
  redactText(text);
  return performance.now() - started;
}
