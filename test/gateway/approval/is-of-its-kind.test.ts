import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { test } from 'node:test';
import type { Json } from '../../../runtime/contract/json.ts';
import { isOfItsKind } from '../../../runtime/gateway/approval/is-of-its-kind.ts';
import { redactJson } from '../../../runtime/shared/redact-json.ts';

/** What masks cover in a value, by whether a yes may be to it unseen. */
function judge(value: Json): readonly (readonly [isOfKind: boolean, type: string, text: string])[] {
  const judged: (readonly [boolean, string, string])[] = [];
  redactJson(value, 262_144, (covered) => {
    const { type, text, start, end } = covered;
    judged.push([isOfItsKind(covered), type, text.slice(start, end)]);
    return `<${type}>`;
  });
  return judged;
}

const pemOf = ({ privateKey }: KeyPairKeyObjectResult) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();
const rsa = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const ed25519 = pemOf(generateKeyPairSync('ed25519'));
const base64 = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = `${base64({ alg: 'ES256' })}.${base64({ sub: 'ada' })}.${'a--b'.repeat(20)}`;
const github = `ghp_${'a1B2'.repeat(9)}`;

test('personal data and secrets are masked wherever they have the form of their kind', () => {
  const texts: Readonly<Record<string, string>> = {
    "password='old-pass.word+1'": 'PASSWORD',
    'host=db password=hunter2 user=ada': 'PASSWORD',
    'postgres://ada:aB3-x!y@localhost/db': 'PASSWORD',
    'postgres://ada:hunter2@db.example.org/x': 'EMAIL_ADDRESS',
    [`send Bearer ${'aB3-'.repeat(10)} along`]: 'BEARER_TOKEN',
    [`with ${jwt} in it`]: 'JWT',
    [`with ${github} in it`]: 'API_KEY',
    [rsa]: 'PRIVATE_KEY',
    [ed25519]: 'PRIVATE_KEY',
    [`key: ${rsa.replaceAll('\n', '\\n')}`]: 'PRIVATE_KEY',
    "where mail = 'ada.o-brien+x@mail.example.org'": 'EMAIL_ADDRESS',
    "where mail = 'ädä@exämple.org'": 'EMAIL_ADDRESS',
    "where iban = 'DE89 3704 0044 0532 0130 00'": 'IBAN_CODE',
    "where iban = 'DE89370400440532013000'": 'IBAN_CODE',
    "where card = '4111 1111 1111 1111'": 'CREDIT_CARD',
    "where ssn = '078-05-1120'": 'US_SSN',
    'call +1 (415) 555-2671 x12': 'PHONE_NUMBER',
    'from 203.0.113.9 only': 'IP_ADDRESS',
    'from 2001:db8::8a2e:370:7334 only': 'IP_ADDRESS',
    'card 3c:22:fb:12:34:56': 'MAC_ADDRESS',
    'nino AB 12 34 56 C': 'UK_NINO',
    'passport no X1234567': 'US_PASSPORT',
    'pay 0x52908400098527886E0F7030069857D2E4169EE7': 'CRYPTO',
  };
  for (const [text, type] of Object.entries(texts)) {
    const judged = judge({ text });
    assert.ok(judged.length > 0, `nothing is masked in ${text}`);
    assert.deepEqual([...new Set(judged.map(([isOfKind, found]) => `${isOfKind} ${found}`))], [`true ${type}`], text);
  }
});

test('what a language may calculate with, name, comment out or decode is of no kind', () => {
  const texts = [
    'where password=users.password',
    'where password=10=10',
    'where password=id+1',
    "where note='password='+name1+'x'",
    "where note='password='like'x'",
    `where "a'b"='password='+id+0='x'`,
    "where 1=1 /*'*/ and note='password='=id+0='x'",
    "where 1=1 -- '\nand note='password='=id+0='x'",
    `where password='abc--def'`,
    `where password='a%27or%271'`,
    'where password=name%20or%201',
    "where u='http://'||a:xxxx@b",
    "where mail='or+1--@b.co",
    'where mail="a or b"@b.co',
    `${'lorem ipsum '.repeat(350)} password='old-pass'`,
    'mail ann [at] example (dot) com',
    'select basic customers123--',
    `-----BEGIN PRIVATE KEY-----\nOR\ntrue\n-----END PRIVATE KEY-----${' '.repeat(4)}aaaaaaaaaaaaaa`,
    rsa.replace(/\n([^\n]{40})/, '\n$1\n'),
    rsa.replace('MII', 'MIA'),
    rsa.slice(0, -10),
    `-----BEGIN PRIVATE KEY-----\n${`${'QUFB'.repeat(16)}\n`.repeat(260)}-----END PRIVATE KEY-----`,
    `eyJ${'abcd'.repeat(5)}.or-1.or--1`,
  ];
  for (const text of texts) {
    const judged = judge({ text });
    assert.ok(judged.length > 0, `nothing is masked in ${text}`);
    assert.ok(
      judged.some(([isOfKind]) => !isOfKind),
      `${text}: ${JSON.stringify(judged)}`,
    );
  }
});

test('the value of a member named as a secret is masked whatever its characters, on one line of 512 that can be seen', () => {
  const isShown = (value: Json) => judge(value).every(([isOfKind]) => isOfKind);
  assert.ok(isShown({ password: 'correct horse; battery -- staple' }));
  assert.ok(isShown({ token: jwt, authorization: `Bearer ${jwt}`, private_key: rsa, secret_key: 12345678 }));
  assert.ok(isShown({ password: 'x'.repeat(512) }));
  assert.ok(isShown({ token: 'a-b.'.repeat(2000), authorization: `Bearer ${'a-b.'.repeat(2000)}` }));
  assert.ok(!isShown({ token: 'a-b.'.repeat(2100) }));
  for (const password of [`${'x y '.repeat(128)}z`, 'two\nlines', 'a\u200bb', 'a\u2028b'])
    assert.ok(!isShown({ password }), JSON.stringify(password));
  assert.ok(!isShown({ private_key: 'drop all tables' }));
});

test('below such a member only tokens are masked, and under a name of personal data only its form', () => {
  const isShown = (value: Json) => judge(value).every(([isOfKind]) => isOfKind);
  assert.ok(isShown({ password: { old: 'hunter2', new: 'hunter-3' } }));
  assert.ok(!isShown({ password: { op: 'drop database' } }));
  assert.ok(
    isShown({ phone: '+1 415 555 2671', dob: '1 January 1990', iban: 'DE89370400440532013000', ssn: 78051120 }),
  );
  assert.ok(!isShown({ phone: 'drop 5551234 all' }));
  assert.ok(!isShown({ dob: '1990 or all of them' }));
  assert.ok(!isShown({ email: 'everybody at once' }));
});
