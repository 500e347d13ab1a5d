import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../runtime/contract/json.ts';
import { recordable } from '../../runtime/gateway/recordable.ts';
import { redactJson } from '../../runtime/shared/redact-json.ts';

const record = (value: Json) => recordable(value, redactJson);
const words = (length: number) => 'lorem ipsum '.repeat(Math.ceil(length / 12)).slice(0, length);

test('a small payload without personal data is recorded as it is, the very same object', () => {
  const value = { a: 1, list: ['x', null, true], inside: { text: 'hello' } };
  assert.equal(record(value), value);
});

test('a secret under its key in JSON in a string is not recorded, however long the string is', () => {
  for (const length of [10, 2000, 2400, 20_000, 40_000, 200_000]) {
    for (const text of [
      JSON.stringify({ password: 'hunter2hunter2', note: words(length) }),
      ` ${JSON.stringify([{ note: words(length) }, { password: 'hunter2hunter2' }], null, 2)}`,
    ]) {
      const kept = record({ payload: text }) as { payload: string };
      assert.ok(!JSON.stringify(kept).includes('hunter2'), `${length}`);
      assert.ok(kept.payload.length <= 2048 + '[cut]'.length);
    }
  }
});

test('personal data across the bound of a string is recognised whole', () => {
  const text = `${words(2040)} jane.doe@example.com and more ${words(5000)}`;
  const { text: kept } = record({ text }) as { text: string };
  assert.ok(kept.endsWith('[cut]'));
  assert.ok(!kept.includes('jane'));
});

test('a record of a payload is bounded in characters, items, keys and depth', () => {
  let deep: Json = 'bottom';
  for (let i = 0; i < 40; i += 1) deep = [deep];
  const value: JsonObject = {
    many: Array.from({ length: 5000 }, (_, i) => i),
    texts: Array.from({ length: 50 }, () => words(10_000)),
    [words(4000)]: 1,
    deep,
  };
  const kept = record(value) as Record<string, Json>;
  assert.ok(JSON.stringify(kept).length < 40_000);
  const first = record({ many: value.many as Json }) as { many: Json[] };
  assert.deepEqual(first.many.slice(99), [99, '[4900 more]']);
  const [key] = Object.keys(record({ [words(4000)]: 1 }) as JsonObject);
  assert.equal(key?.length, 256);
  assert.ok(JSON.stringify(record(deep)).includes('[cut]'));
  assert.ok(!JSON.stringify(record(deep)).includes('bottom'));
});

test('names that are cut to the same hide no value of each other', () => {
  const name = words(300);
  const kept = record({ [`${name}a`]: 'drop everything', [`${name}b`]: 'nothing' }) as JsonObject;
  assert.deepEqual(Object.values(kept), ['drop everything', 'nothing']);
});

test('what cannot be redacted is not recorded', () => {
  const broken = () => {
    throw new Error('broken');
  };
  assert.equal(recordable({ a: 1 }, broken), null);
});
