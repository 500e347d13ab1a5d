import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayEnv } from '../../runtime/gateway/env.ts';

test('the mask key is 43 characters of base64, so a generated secret of letters and digits is one', () => {
  const { parse } = gatewayEnv.MASK_KEY;
  assert.equal(parse('A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v')?.length, 32);
  assert.deepEqual(parse(`${Buffer.alloc(32, 7).toString('base64')}`), Buffer.alloc(32, 7));
  assert.deepEqual(parse(`${Buffer.alloc(32, 255).toString('base64url')}`), Buffer.alloc(32, 255));
});

test('a mask key that is none is told by its length alone', () => {
  for (const text of ['short', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}!`, ` ${'x'.repeat(43)}`]) {
    assert.throws(
      () => gatewayEnv.MASK_KEY.parse(text),
      ({ message }: Error) => /expected 43 characters of base64/.test(message) && !message.includes(text),
    );
  }
});

test('there is no mTLS port and no believed proxy unless somebody says so', () => {
  assert.equal(gatewayEnv.MTLS_PORT.fallback, undefined);
  assert.equal(gatewayEnv.PROXY_HOPS.fallback, 0);
  assert.throws(() => gatewayEnv.MTLS_PORT.parse('http'), /whole number/);
});

test('one caller opens 100 new questions to people in an hour unless somebody says otherwise, and never none or any number', () => {
  const { fallback, parse } = gatewayEnv.QUESTIONS_PER_HOUR_MAX;
  assert.equal(fallback, 100);
  assert.deepEqual([parse('1'), parse('100000')], [1, 100_000]);
  for (const text of ['0', '100001', 'many']) assert.throws(() => parse(text), /whole number/);
});
