import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactText } from '../../../runtime/shared/redact-json.ts';

const ssn = '078-05-1121';
const card = '4111111111111111';
const email = 'ann.lee@example.com';
const spread = (text: string, between: string) => [...text].join(between);
const digitsAt = (text: string, zero: number) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));

/** Group 16: the same value in other characters. */
const unicode: Readonly<Record<string, string>> = {
  'zero width space': spread(ssn, '\u200b'),
  'zero width joiner': spread(email, '\u200d'),
  'zero width space for a dash': '078\u200b05\u200b1121',
  'soft hyphen inside': spread(card, '\u00ad'),
  'soft hyphen for a dash': '078\u00ad05\u00ad1121',
  'non-breaking hyphen': ssn.replaceAll('-', '\u2011'),
  'figure dash': ssn.replaceAll('-', '\u2012'),
  'minus sign': ssn.replaceAll('-', '\u2212'),
  fullwidth: [...email].map((c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0)).join(''),
  'fullwidth digits': digitsAt(card, 0xff10),
  'Arabic-Indic digits': digitsAt(card, 0x660),
  'Devanagari digits': digitsAt(ssn, 0x966),
  'bold digits': digitsAt(card, 0x1d7ce),
  'superscript digits': '⁰⁷⁸-⁰⁵-¹¹²¹',
  'no-break spaces': '4111\u00a01111\u00a01111\u00a01111',
  'thin spaces': '4111\u20091111\u20091111\u20091111',
  'combining marks': spread(ssn, '\u0301'),
  'enclosing keycaps': spread(card, '\ufe0f\u20e3'),
  'tag characters': [...ssn].map((c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join(''),
  'tag characters inside': spread(card, '\u{e0041}'),
  'right-to-left override': `\u202e${[...ssn].reverse().join('')}\u202c`,
  'Cyrillic lookalikes': 'аnn.lее@ехаmрlе.соm',
  'ideographic full stop': 'ann@example。com',
  NUL: spread(card, '\0'),
  'lone surrogates': spread(card, '\ud800'),
};

for (const [name, text] of Object.entries(unicode)) {
  test(`Unicode does not hide it: ${name}`, () => {
    const redacted = redactText(`it is ${text} here`).text;
    assert.match(redacted, /^it is .{0,2}<[A-Z_]+>.{0,3} here$/u);
  });
}

const hex = (text: string) => Buffer.from(text).toString('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const percent = (text: string) => hex(text).replace(/../g, '%$&');
const json = (text: string) => JSON.stringify({ note: text });
const plain = `mail ${email}, ssn ${ssn}, card ${card} please`;

/** Group 17: the same value in another encoding, with how it is read back. */
const encodings: Readonly<Record<string, readonly [(text: string) => string, ((text: string) => string) | undefined]>> =
  {
    'JSON in a string': [json, (text) => JSON.parse(text).note],
    'JSON in a string, twice': [(t) => json(json(t)), (text) => JSON.parse(JSON.parse(text).note).note],
    'JSON in a string, three times': [(t) => json(json(json(t))), undefined],
    'JSON string literal': [(t) => JSON.stringify(t), (text) => JSON.parse(text)],
    'unicode escapes': [
      (t) => t.replace(/[\s\S]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
      undefined,
    ],
    'escaped at sign': [(t) => t.replace('@', '\\u0040'), undefined],
    base64: [base64, (text) => Buffer.from(text, 'base64').toString()],
    'base64 without padding': [(t) => base64(t).replace(/=+$/, ''), (text) => Buffer.from(text, 'base64').toString()],
    base64url: [
      (t) => Buffer.from(`¿¿${t}??>`).toString('base64url'),
      (text) => Buffer.from(text, 'base64url').toString(),
    ],
    'base64 twice': [
      (t) => base64(base64(t)),
      (text) => Buffer.from(Buffer.from(text, 'base64').toString(), 'base64').toString(),
    ],
    'base64 of UTF-16': [(t) => Buffer.from(t, 'utf16le').toString('base64'), undefined],
    'base64 after non-Latin text': [(t) => base64(`имя ${t}`), (text) => Buffer.from(text, 'base64').toString()],
    hex: [hex, (text) => Buffer.from(text, 'hex').toString()],
    'upper case hex': [(t) => hex(t).toUpperCase(), (text) => Buffer.from(text, 'hex').toString()],
    'bytea output': [(t) => `\\x${hex(t)}`, undefined],
    percent: [percent, undefined],
    'percent, as browsers do': [encodeURIComponent, undefined],
    'form encoding': [(t) => new URLSearchParams({ q: t }).toString(), undefined],
    'percent twice': [(t) => encodeURIComponent(percent(t)), undefined],
    'HTML decimal entities': [(t) => t.replace(/[\s\S]/g, (c) => `&#${c.charCodeAt(0)};`), undefined],
    'HTML hex entities': [(t) => t.replace(/[\s\S]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`), undefined],
    'HTML named entities': [
      (t) => t.replaceAll('@', '&commat;').replaceAll('.', '&period;').replaceAll('-', '&hyphen;'),
      undefined,
    ],
    'data URI': [(t) => `data:text/plain;base64,${base64(t)}`, undefined],
    'base64 in JSON in base64': [(t) => base64(json(base64(t))), undefined],
    CSV: [(t) => `id,note\n1,"${t}"\n`, undefined],
    TSV: [(t) => `1\t${t}\t2`, undefined],
    'Markdown link': [(t) => `[${t}](mailto:${email})`, undefined],
  };

for (const [name, [encode, decode]] of Object.entries(encodings)) {
  test(`an encoding does not hide it: ${name}`, () => {
    const redacted = redactText(encode(plain));
    assert.ok(redacted.pii.EMAIL_ADDRESS, 'the address is found');
    assert.ok(redacted.pii.US_SSN, 'the number is found');
    assert.ok(redacted.pii.CREDIT_CARD, 'the card is found');
    for (const value of [email, ssn, card]) {
      for (const form of [value, encode(value), hex(value)]) assert.ok(!redacted.text.includes(form));
      // Base64 of a value depends on what stands before it: three alignments.
      for (let skip = 0; skip < 3; skip += 1) {
        assert.ok(!redacted.text.includes(base64(' '.repeat(skip) + value).slice(4, -4)));
      }
    }
    if (decode !== undefined)
      assert.match(decode(redacted.text), /mail <EMAIL_ADDRESS>, ssn <US_SSN>, card <CREDIT_CARD> please/);
  });
}

test('bracketed "at" and "dot" are read', () => {
  assert.equal(redactText('ann [at] example (dot) com').text, '<EMAIL_ADDRESS>');
});

test('an encoded text without findings keeps every byte', () => {
  for (const text of [
    base64('nothing to see here, really'),
    percent('quite harmless'),
    '&lt;b&gt;',
    '{ "a" : [1, 2.50] }',
  ]) {
    assert.equal(redactText(text).text, text);
  }
});

test('a member that JSON names twice is not lost to the parser', () => {
  assert.doesNotMatch(redactText(`{"a":"${ssn}","a":"x"}`).text, /078/);
});
