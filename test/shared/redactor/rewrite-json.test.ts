import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../../runtime/contract/json.ts';
import { redactJson, redactText } from '../../../runtime/shared/redact-json.ts';
import { NESTING_MAX } from '../../../runtime/shared/redactor/redact-value.ts';
import { rewriteJson } from '../../../runtime/shared/redactor/rewrite-json.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A JSON text, and what is left of it. */
const cases: readonly (readonly [string, string, string])[] = [
  [
    'a number that JavaScript rounds',
    '{"account":12345678901234567890,"mail":"a@b.co"}',
    '{"account":12345678901234567890,"mail":"<EMAIL_ADDRESS>"}',
  ],
  [
    'a number that JavaScript takes for infinite, beside a secret',
    '{"password":"hunter2","n":1e400}',
    '{"password":"<PASSWORD>","n":1e400}',
  ],
  [
    'numbers and strings in another spelling',
    '[2.50,-0,1E2,"a\\/\\u00e9","a@b.co"]',
    '[2.50,-0,1E2,"a\\/\\u00e9","<EMAIL_ADDRESS>"]',
  ],
  [
    'blanks',
    '{ "a" :\t[ 1 , true,null ] ,\r\n"mail" : "a@b.co" , "e":{ } , "f":[ ]}\n',
    '{ "a" :\t[ 1 , true,null ] ,\r\n"mail" : "<EMAIL_ADDRESS>" , "e":{ } , "f":[ ]}\n',
  ],
  [
    'the order of names that are indexes',
    '{"b":"a@b.co","7":1,"c@d.co":[2],"1":3,"e@f.co":4}',
    '{"b":"<EMAIL_ADDRESS>","7":1,"<EMAIL_ADDRESS>":[2],"1":3,"<EMAIL_ADDRESS>#2":4}',
  ],
  ['a member named __proto__', '{"__proto__":{"ssn":"078051121"}}', '{"__proto__":{"ssn":"<US_SSN>"}}'],
  [
    'what stands beside a list of pieces and strings with quotes',
    '{"s":["078","05","1121"],"t":"\\"}\\\\","u":1.0}',
    '{"s":["<US_SSN>","<US_SSN>","<US_SSN>"],"t":"\\"}\\\\","u":1.0}',
  ],
  [
    'JSON in a string of JSON',
    '{"n":1e400,"body":"{\\"n\\":1e400,\\"ssn\\":\\"078051121\\"}"}',
    '{"n":1e400,"body":"{\\"n\\":1e400,\\"ssn\\":\\"<US_SSN>\\"}"}',
  ],
];

for (const [name, text, left] of cases) {
  test(`JSON in a text keeps, beside what is masked: ${name}`, () => {
    assert.equal(redactText(text).text, left);
    assert.equal(redactText(left).text, left);
    assert.equal(Buffer.from(redactText(base64(text)).text, 'base64').toString(), left);
  });
}

test('JSON in which a name stands twice is not shown, in whole or in part, since parsers differ in which one they take', () => {
  for (const text of [
    '{"op":"delete_everything","op":"read","mail":"a@b.co"}',
    '{"op":"delete_everything","op":"read"}',
    '{"password":"hunter2","password":null}',
    '{"dob":"1990-01-01","d\\u006fb":null}',
    '[1,{"a":{"__proto__":1,"__proto__":2}},"a@b.co"]',
  ]) {
    const redacted = redactText(text);
    const inBase64 = redactText(base64(text));
    assert.deepEqual(redacted, { text: '<UNSCANNED>', pii: { UNSCANNED: 1 } });
    assert.equal(Buffer.from(inBase64.text, 'base64').toString(), redacted.text);
    assert.deepEqual(inBase64.pii, redacted.pii);
  }
});

test('one name in two objects is no name twice', () => {
  const text = '[{"a":1},{"a":{"a":[{"a":2.0}]}}]';
  assert.equal(redactText(text).text, text);
});

test('a number that JavaScript rounds is read as it was sent', () => {
  const text = '{"mail":"a@b.co","n":4111111111111111110}';
  assert.deepEqual(redactText(text), {
    text: '{"mail":"<EMAIL_ADDRESS>","n":<CREDIT_CARD>}',
    pii: { EMAIL_ADDRESS: 1, CREDIT_CARD: 1 },
  });
});

test('what nests too deeply in a JSON text is replaced where it stands', () => {
  const deep = (inner: string) =>
    `{"n":1e400,"deep":${'['.repeat(NESTING_MAX - 1)}${inner}${']'.repeat(NESTING_MAX - 1)}}`;
  const redacted = redactText(deep('[{"a":"]}","a":{}}, 1.0 ]'));
  assert.equal(redacted.text, deep('"<UNSCANNED>"'));
  assert.equal(redacted.pii.UNSCANNED, 1);
});

test('any JSON text says after it was redacted what its redacted value says', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('078-05-1121', 'ann@example.com', '"}', '\\', '[1,2.50]'),
  );
  const key = fc.oneof(text, fc.constantFrom('ssn', 'password', '1', '20', '__proto__'));
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('json')), { maxLength: 4 }).map((members) => Object.fromEntries(members) as Json),
    ),
  }));
  fc.assert(
    fc.property(json, fc.constantFrom('', ' ', '\n\t '), (value, indent) => {
      const written = JSON.stringify(value, null, indent);
      const before = JSON.parse(written) as Json;
      const after = redactJson(before).value;
      const rewritten = rewriteJson(written, before, after);
      assert.deepEqual(JSON.parse(rewritten?.text ?? ''), JSON.parse(JSON.stringify(after)));
      if (after === before) assert.equal(rewritten?.text, written);
    }),
    { numRuns: 500 },
  );
});

test('an index that gets another name moves what stands after it, so nothing is written', () => {
  const before: JsonObject = { 5: 1, 7: 'x', b: 2 };
  assert.equal(rewriteJson('{"5":1,"7":"x","b":2}', before, { 7: 'x', b: 2, '<X>': 1 }), undefined);
});
