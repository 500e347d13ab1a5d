import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../../runtime/contract/json.ts';
import { redactJson } from '../../../runtime/shared/redact-json.ts';

const ssn = '078-05-1121';

/** Value, and what is left of it. policy.md § 6, group 18. */
const cases: readonly (readonly [string, Json, Json])[] = [
  ['a key that names it', { ssn: '078051121' }, { ssn: '<US_SSN>' }],
  ['a key in camel case', { customerSSN: 78051121 }, { customerSSN: '<US_SSN>' }],
  ['a key in fullwidth letters', { ｓｓｎ: '078051121' }, { ｓｓｎ: '<US_SSN>' }],
  ['a card as a number', { n: 4111111111111111 }, { n: '<CREDIT_CARD>' }],
  ['a phone as a number', { phone: 4155550132 }, { phone: '<PHONE_NUMBER>' }],
  ['a security code', { cvv: 123 }, { cvv: '<CREDIT_CARD>' }],
  ['a date of birth', { dateOfBirth: '1980-02-29' }, { dateOfBirth: '<DATE_TIME>' }],
  [
    'a password of any form',
    { Password: 'x', old_password: 'letmein' },
    { Password: '<PASSWORD>', old_password: '<PASSWORD>' },
  ],
  ['a header', { Authorization: 'Basic YTpi' }, { Authorization: '<BEARER_TOKEN>' }],
  ['a list under a key', { cookies: ['sid=1', 'b=22'] }, { cookies: ['<SESSION_COOKIE>', '<SESSION_COOKIE>'] }],
  ['an object under a key', { api_key: { value: 'abcd' } }, { api_key: { value: '<API_KEY>' } }],
  ['a schema describes, it does not hold', { password: { type: 'string' } }, { password: { type: 'string' } }],
  ['an absent value', { ssn: null, phone: '', email: 'unknown' }, { ssn: null, phone: '', email: 'unknown' }],
  ['a key that is it', { 'ann@example.com': 1, b: 2 }, { '<EMAIL_ADDRESS>': 1, b: 2 }],
  [
    'two keys that are it',
    { 'ann@example.com': 1, 'bob@example.com': 2, 'eve@example.com': 3 },
    { '<EMAIL_ADDRESS>': 1, '<EMAIL_ADDRESS>#2': 2, '<EMAIL_ADDRESS>#3': 3 },
  ],
  [
    'area, group and serial',
    { area: '078', group: '05', serial: '1121' },
    { area: '<US_SSN>', group: '<US_SSN>', serial: '<US_SSN>' },
  ],
  ['pieces in a list', ['078', '05', '1121'], ['<US_SSN>', '<US_SSN>', '<US_SSN>']],
  ['card groups in a list', [['4111', '1111', '1111', '1111']], [Array(4).fill('<CREDIT_CARD>')]],
  [
    'a table, by the name of its column',
    {
      columns: [{ name: 'id' }, { name: 'ssn' }],
      rows: [
        [1, '078051121'],
        [2, null],
      ],
    },
    {
      columns: [{ name: 'id' }, { name: 'ssn' }],
      rows: [
        [1, '<US_SSN>'],
        [2, null],
      ],
    },
  ],
  [
    'JSON in a string, by its key',
    { body: '{"card_number":"4000000000000000"}' },
    { body: '{"card_number":"<CREDIT_CARD>"}' },
  ],
  [
    "numbers that are nobody's",
    { id: 4111111111111112, at: 1700000000000, n: [100, 20, 3000] },
    { id: 4111111111111112, at: 1700000000000, n: [100, 20, 3000] },
  ],
];

for (const [name, value, left] of cases) {
  test(`redacts: ${name}`, () => assert.deepEqual(redactJson(value).value, left));
}

test('a key named __proto__ stays a member', () => {
  const value = JSON.parse(`{"a":"${ssn}","__proto__":{"b":"${ssn}"}}`);
  assert.equal(JSON.stringify(redactJson(value).value), '{"a":"<US_SSN>","__proto__":{"b":"<US_SSN>"}}');
});

test('a value without findings is the very same object, and so are its clean parts', () => {
  const value = { a: { b: [1, 'two', null] }, c: ssn };
  assert.equal(redactJson(value.a).value, value.a);
  assert.equal((redactJson(value).value as typeof value).a, value.a);
  assert.equal(value.c, ssn);
});

test('what nests too deeply to be read does not leave', () => {
  let value: Json = ssn;
  for (let depth = 0; depth < 100_000; depth += 1) value = [value];
  const redacted = redactJson(value);
  assert.equal(redacted.pii.UNSCANNED, 1);
  assert.doesNotMatch(JSON.stringify(redacted.value), /078/);
});

test('JSON inside JSON that nests too deeply does not leave either', () => {
  const text = `${'['.repeat(5000)}"${ssn}"${']'.repeat(5000)}`;
  assert.doesNotMatch(JSON.stringify(redactJson({ text }).value), /078/);
});

test('with a bound on what is read, everything is as without one, or what was not read does not leave and is counted', () => {
  const values: readonly Json[] = [
    { note: `call me: ${ssn}`, [`of ${ssn}`]: 1, list: [`100%41 ${ssn}`, { body: `{"ssn":"${ssn}","a":["${ssn}"]}` }] },
    { columns: [{ name: `id %41 ${ssn}` }, { name: 'ssn' }], rows: [[`x ${ssn}`, ssn]] },
    Array.from({ length: 20 }, (_, i) => ({ [`k\u200b${i}-${ssn}`]: `\u200b${i} ${ssn}` })),
  ];
  for (const value of values) {
    const whole = JSON.stringify(redactJson(value).value);
    let exact = 0;
    for (let readMax = 0; readMax < 3000; readMax += 7) {
      const redacted = redactJson(value, readMax);
      const text = JSON.stringify(redacted.value);
      assert.ok(!text.includes(ssn), text);
      if (redacted.pii.UNSCANNED !== undefined) continue;
      assert.equal(text, whole);
      exact += 1;
    }
    assert.ok(exact > 0 && exact < 420, `${exact}`);
  }
});

test('any JSON is taken, keeps its shape, and does not change when redacted again', () => {
  const personal = fc.constantFrom(
    ssn,
    'ann@example.com',
    '4111 1111 1111 1111',
    '+1 415-555-0132',
    'GB82WEST12345698765432',
  );
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('ssn', 'password', 'rows', 'columns', 'area', 'name', '__proto__'),
    personal,
  );
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.string({ unit: 'binary' }), personal, fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('json')), { maxLength: 4 }).map((members) => Object.fromEntries(members) as Json),
    ),
  }));
  fc.assert(
    fc.property(json, (value) => {
      const once = redactJson(value);
      assert.deepEqual(shapeOf(once.value), shapeOf(value));
      const twice = redactJson(once.value);
      assert.deepEqual(twice.value, once.value);
      assert.deepEqual({ ...twice.pii }, {});
    }),
    { numRuns: 500 },
  );
});

/** Containers and their sizes; a number may become a string. */
function shapeOf(value: Json): unknown {
  if (Array.isArray(value)) return (value as readonly Json[]).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? 'string' : typeof value;
  return Object.values(value).map((member) => shapeOf(member as Json));
}

test('a seeded value survives in no encoding that is claimed', () => {
  const digit = fc.integer({ min: 0, max: 9 });
  const digits = (length: number) =>
    fc.array(digit, { minLength: length, maxLength: length }).map((list) => list.join(''));
  const seeded = fc.oneof(
    fc
      .tuple(fc.integer({ min: 100, max: 665 }), fc.integer({ min: 10, max: 99 }), fc.integer({ min: 1000, max: 9999 }))
      .map((parts) => parts.join('-')),
    fc
      .tuple(fc.stringMatching(/^[a-z]{3,12}$/), fc.stringMatching(/^[a-z]{3,12}$/))
      .map(([a, b]) => `${a}.${b}@${b}.example`),
    digits(14).map((rest) => withLuhn(`4${rest}`)),
    fc
      .tuple(fc.integer({ min: 200, max: 999 }), fc.integer({ min: 200, max: 999 }), digits(4))
      .map(([a, b, c]) => `(${a}) ${b}-${c}`),
  );
  const encoders: readonly ((text: string) => string)[] = [
    (text) => Buffer.from(text).toString('base64'),
    (text) => Buffer.from(text).toString('base64url'),
    (text) => Buffer.from(text).toString('hex'),
    (text) => JSON.stringify({ nested: text }),
    (text) => Buffer.from(text).toString('hex').replace(/../g, '%$&'),
    (text) => text.replace(/[\s\S]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    (text) => text.replace(/[\s\S]/g, (c) => `&#${c.charCodeAt(0)};`),
    (text) => [...text].join('\u200b'),
  ];
  const plain = fc.stringMatching(/^[a-z]{2,8}( [a-z]{2,8}){0,6}$/);
  fc.assert(
    fc.property(
      seeded,
      plain,
      plain,
      fc.array(fc.constantFrom(...encoders), { maxLength: 2 }),
      (value, before, after, chain) => {
        const text = chain.reduce((inner, encode) => encode(inner), `${before} ${value} ${after}`);
        const redacted = redactJson({ list: [{ text }] });
        assert.notDeepEqual({ ...redacted.pii }, {}, `${JSON.stringify(text)} passed`);
        assert.notEqual(JSON.stringify(redacted.value), JSON.stringify({ list: [{ text }] }));
        assert.ok(!JSON.stringify(redacted.value).includes(value));
      },
    ),
    { numRuns: 500 },
  );
});

function withLuhn(start: string): string {
  for (let check = 0; ; check += 1) {
    const digits = [...`${start}${check}`].reverse().map(Number);
    const sum = digits.reduce(
      (total, digit, index) => total + (index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2),
      0,
    );
    if (sum % 10 === 0) return `${start}${check}`;
  }
}
