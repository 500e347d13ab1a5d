import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactText } from '../../../runtime/shared/redact-json.ts';

/** Text, and what is left of it. */
const found: readonly (readonly [string, string])[] = [
  ['mail ann.lee+x@mail.example.co.uk now', 'mail <EMAIL_ADDRESS> now'],
  ['"ann lee"@example.com', '<EMAIL_ADDRESS>'],
  ['ann@[192.0.2.7]', '<EMAIL_ADDRESS>'],
  ['ann@xn--bcher-kva.example', '<EMAIL_ADDRESS>'],
  ['пётр@почта.рф', '<EMAIL_ADDRESS>'],
  ['write to ann@example.com.', 'write to <EMAIL_ADDRESS>.'],
  ['SSN 078-05-1121', 'SSN <US_SSN>'],
  ['078.05.1121 and 078 05 1121', '<US_SSN> and <US_SSN>'],
  ['her social security number is 078051121', 'her social security number is <US_SSN>'],
  ['ITIN 912-70-1234', 'ITIN <US_ITIN>'],
  ['4111111111111111', '<CREDIT_CARD>'],
  ['4111 1111 1111 1111', '<CREDIT_CARD>'],
  ['4111-1111-1111-1111', '<CREDIT_CARD>'],
  ['4111.1111.1111.1111', '<CREDIT_CARD>'],
  ['4111 1111\n1111 1111', '<CREDIT_CARD>'],
  ['4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1', '<CREDIT_CARD>'],
  ['3782 822463 10005', '<CREDIT_CARD>'],
  ['3056 930902 5904', '<CREDIT_CARD>'],
  ['2223003122003222', '<CREDIT_CARD>'],
  ['3530111333300000', '<CREDIT_CARD>'],
  ['6304000000000000', '<CREDIT_CARD>'],
  ['pay_4111111111111111', 'pay_<CREDIT_CARD>'],
  ['card number 9999999999999995', 'card number <CREDIT_CARD>'],
  ['GB82WEST12345698765432', '<IBAN_CODE>'],
  ['IBAN: gb82 west 1234 5698 7654 32.', 'IBAN: <IBAN_CODE>.'],
  ['GB82-WEST-1234-5698-7654-32', '<IBAN_CODE>'],
  ['DE 89 370400440532013000', '<IBAN_CODE>'],
  ['from 203.0.113.9 and 2001:db8::8a2e:370:7334', 'from <IP_ADDRESS> and <IP_ADDRESS>'],
  ['host 192.168.1.57/24', 'host <IP_ADDRESS>/24'],
  ['00:1B:44:11:3A:B7', '<MAC_ADDRESS>'],
  ['(415) 555-0132 or 415.555.0132x12', '<PHONE_NUMBER> or <PHONE_NUMBER>'],
  ['+44 20 7946 0958', '<PHONE_NUMBER>'],
  ['+46 (0)8 928 571 38', '<PHONE_NUMBER>'],
  ['0049 30 901820', '<PHONE_NUMBER>'],
  ['01.84.17.61.18', '<PHONE_NUMBER>'],
  ['tel 5550132', 'tel <PHONE_NUMBER>'],
  ['781 1704 office', '<PHONE_NUMBER> office'],
  ["driver's license F162823540116", "driver's license <US_DRIVER_LICENSE>"],
  ['passport no. C03005988', 'passport no. <US_PASSPORT>'],
  ['bank account 12345678901', 'bank account <US_BANK_NUMBER>'],
  ['routing 021000021', 'routing <ABA_ROUTING_NUMBER>'],
  ['NI number QQ 12 34 56 C is no number, AB 12 34 56 C is', 'NI number QQ 12 34 56 C is no number, <UK_NINO> is'],
  ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '<CRYPTO>'],
  ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', '<CRYPTO>'],
  ['0x52908400098527886E0F7030069857D2E4169EE7', '<CRYPTO>'],
  // Credentials.
  ['Authorization: Bearer abcDEF123456.ghi', 'Authorization: Bearer <BEARER_TOKEN>'],
  ['eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.c2ln', '<JWT>'],
  ['postgres://app:s3cr3t@db:5432/shop', 'postgres://app:<PASSWORD>@db:5432/shop'],
  ['DB_PASSWORD=correct-horse', 'DB_PASSWORD=<PASSWORD>'],
  ['{"api_key": "abcd1234",', '{"api_key": "<SECRET>",'],
  [`AKIA${'A'.repeat(16)}`, '<AWS_ACCESS_KEY>'],
  [`ghp_${'a1'.repeat(18)}`, '<API_KEY>'],
  [`token SG.${'a'.repeat(22)}.${'b'.repeat(43)} end`, 'token <API_KEY> end'],
  ['x -----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx\n-----END RSA PRIVATE KEY----- y', 'x <PRIVATE_KEY> y'],
  ['-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEAx cut off', '<PRIVATE_KEY>'],
];

for (const [text, left] of found) {
  test(`finds: ${JSON.stringify(text).slice(0, 70)}`, () => assert.equal(redactText(text).text, left));
}

/** Nothing in these is anybody's. policy.md § 6, group 21. */
const clean: readonly string[] = [
  '550e8400-e29b-41d4-a716-446655440000',
  '0190163d-8694-739b-aea5-966c26f8ad90',
  'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7',
  '2026-11-21T07:20:00.123Z',
  '2026-11-21 07:20:00+01:00',
  '21.11.2026, 11/21/2026, 20261121, 20261121072030',
  'at 1700000000, 1700000000000 and 1700000000000000',
  'node 24.21.0, chrome 120.0.6099.109, v1.2.3.4, version 10.0.1.2',
  'lodash@4.17.21 react@18.3.1-rc.1 @scope/pkg',
  '10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 203.0.113.0/24',
  '127.0.0.1 0.0.0.0 255.255.255.0 ::1',
  'order 1234567, invoice 2026-0001234, order number 40-1234567',
  'ISBN 978-3-16-148410-0, 0-306-40615-2, 978-92-9003-123-9',
  'tracking 1Z999AA10123456784',
  '1 234 567 rows, 12,345,678.90 EUR, 3.141592653589793',
  'zip 94103-1234, 10115 Berlin',
  'git@github.com:team/repo.git',
  'std::vector<int> a::b add::bed 12:34:56',
  'password: string, "password": "<PASSWORD>", secret = null',
  'SELECT email, ssn FROM customers WHERE id = $1',
  'arn:aws:s3:::bucket/key-2026-11-21.json',
  'https://example.com/a/b?page=2&size=100#top',
  'a bearer of good news',
  'W/"67ab43", ETag 5d8c72a5edda8d6a:3239',
];

for (const text of clean) {
  test(`leaves alone: ${JSON.stringify(text).slice(0, 70)}`, () => {
    assert.equal(redactText(text).text, text);
    assert.equal(redactText(JSON.stringify({ value: text })).text, JSON.stringify({ value: text }));
  });
}

test('overlapping and nested findings become one, named by the longest', () => {
  assert.equal(redactText('4155550132@example.com').text, '<EMAIL_ADDRESS>');
  assert.equal(redactText('https://ann:pw12@example.com').text.includes('pw12'), false);
});

test('offsets hold after astral characters and for findings at both ends', () => {
  const { text } = redactText('078-05-1121 😀𝕏 ann@example.com 😀 4111111111111111');
  assert.equal(text, '<US_SSN> 😀𝕏 <EMAIL_ADDRESS> 😀 <CREDIT_CARD>');
  assert.equal(redactText('ﷺﬁ078-05-1121ﷺ').text, 'ﷺﬁ<US_SSN>ﷺ');
});

test('counts say how many of each kind were found', () => {
  assert.deepEqual({ ...redactText('a@b.example, c@d.example, 078-05-1121').pii }, { EMAIL_ADDRESS: 2, US_SSN: 1 });
});

test('a text has as many findings as it has', () => {
  const redacted = redactText('a@b.co '.repeat(200_000));
  assert.deepEqual(redacted.pii, { EMAIL_ADDRESS: 200_000 });
  assert.doesNotMatch(redacted.text, /a@b/);
});
