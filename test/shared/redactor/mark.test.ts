import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../runtime/contract/json.ts';
import { redactJson } from '../../../runtime/shared/redact-json.ts';

/** What masks cover, and what stands there instead. */
function marked(value: Json) {
  const covered: (readonly string[])[] = [];
  const redacted = redactJson(value, 10_000, ({ type, text, start, end, named }) => {
    covered.push([type, text.slice(start, end), ...(named === undefined ? [] : [named])]);
    return `[${type}]`;
  });
  return { covered, ...redacted };
}

test('whoever writes the masks learns what they cover, and whether a name decided', () => {
  const { value, covered, pii } = marked({
    text: 'mail ada@example.org',
    'ada@example.org': 1,
    password: 'hunter2',
    secret: { inner: ['a b c d'], password: 'x' },
    card: 4111111111111111,
    area: '078',
    group: '05',
    serial: '1120',
    body: '{"password":"in JSON"}',
  });
  assert.deepEqual(value, {
    text: 'mail [EMAIL_ADDRESS]',
    '[EMAIL_ADDRESS]': 1,
    password: '[PASSWORD]',
    secret: { inner: ['[SECRET]'], password: '[PASSWORD]' },
    card: '[CREDIT_CARD]',
    area: '[US_SSN]',
    group: '[US_SSN]',
    serial: '[US_SSN]',
    body: '{"password":"[PASSWORD]"}',
  });
  assert.deepEqual(covered, [
    ['EMAIL_ADDRESS', 'ada@example.org'],
    ['EMAIL_ADDRESS', 'ada@example.org'],
    ['PASSWORD', 'hunter2', 'itself'],
    ['SECRET', 'a b c d', 'around'],
    ['PASSWORD', 'x', 'itself'],
    ['CREDIT_CARD', '4111111111111111', 'itself'],
    ['US_SSN', '078'],
    ['US_SSN', '05'],
    ['US_SSN', '1120'],
    ['PASSWORD', 'in JSON', 'itself'],
  ]);
  assert.deepEqual(pii, { EMAIL_ADDRESS: 2, PASSWORD: 3, SECRET: 1, CREDIT_CARD: 1, US_SSN: 3 });
});

test('what stands in an encoding is marked there', () => {
  const { value } = marked({ text: Buffer.from('mail ada@example.org').toString('base64') });
  assert.equal(Buffer.from((value as { text: string }).text, 'base64').toString(), 'mail [EMAIL_ADDRESS]');
});
