import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../runtime/contract/json.ts';
import { compileSchema, createSchemaCache } from '../../runtime/shared/compile-schema.ts';

const isValid = (schema: JsonObject, value: Json) => compileSchema(schema)(value).length === 0;

test('two patterns in one schema are two patterns', () => {
  const schema = { properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } } };
  assert.equal(isValid(schema, { a: 'aa', b: 'bb' }), true);
  assert.equal(isValid(schema, { a: 'bb', b: 'bb' }), false);
  assert.equal(isValid(schema, { a: 'aa', b: 'aa' }), false);
});

test('a catastrophic pattern takes linear time', () => {
  const check = compileSchema({ pattern: '^(a+)+$' });
  const started = performance.now();
  assert.equal(check(`${'a'.repeat(50_000)}!`).length, 1);
  assert.ok(performance.now() - started < 2000, 'a backtracking engine would not end');
});

test('patterns that need backtracking do not compile', () => {
  assert.throws(() => compileSchema({ pattern: '(a)\\1' }));
  assert.throws(() => compileSchema({ pattern: '(?=a)' }));
});

test('uniqueItems is held in one pass, by value', () => {
  const schema = { uniqueItems: true };
  assert.equal(
    isValid(schema, [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ]),
    false,
  );
  assert.equal(isValid(schema, [1, '1', true, null, [1], { a: 1 }]), true);
  const many = Array.from({ length: 20_000 }, (_, i) => ({ i, a: { b: [i] } }));
  const started = performance.now();
  assert.equal(isValid(schema, many), true);
  assert.ok(performance.now() - started < 2000, 'comparing each with each would take minutes');
  assert.equal(isValid({ uniqueItems: false }, [1, 1]), true);
});

test('nothing is fetched: a $ref out of the document does not compile', () => {
  for (const $ref of [
    'http://127.0.0.1/x.json',
    'https://evil.test/#/a',
    'file:///etc/passwd',
    'other.json',
    '//evil.test/x',
  ]) {
    assert.throws(() => compileSchema({ properties: { a: { $ref } } }), $ref);
  }
});

test('a schema that doubles at every step does not compile', () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [
      `d${i}`,
      { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  );
  assert.throws(() => compileSchema({ $ref: '#/$defs/d0', $defs: { ...$defs, d40: { type: 'string' } } }));
});

test('a schema that comes back to itself twice is held at ten levels, once at any', () => {
  const twice = compileSchema({
    anyOf: [
      { properties: { a: { $ref: '#' } }, required: ['b'] },
      { properties: { a: { $ref: '#' } }, required: ['c'] },
    ],
  });
  const once = compileSchema({ type: 'object', properties: { a: { $ref: '#' } } });
  let deep: JsonObject = {};
  for (let i = 0; i < 60; i += 1) deep = { a: deep };
  const started = performance.now();
  assert.match(twice(deep)[0] ?? '', /deeper than 10 levels/);
  assert.deepEqual(once(deep), []);
  assert.ok(performance.now() - started < 2000);
});

test('a value is not changed by being checked', () => {
  const value = Object.freeze({ n: '1', extra: true });
  const check = compileSchema({
    properties: { n: { type: 'integer', default: 3 }, m: { default: 1 } },
    additionalProperties: false,
  });
  assert.equal(check(value).length, 2);
  assert.deepEqual(value, { n: '1', extra: true });
});

test('inherited names are no properties', () => {
  assert.equal(isValid({ required: ['toString'] }, {}), false);
  assert.equal(isValid({ properties: { constructor: { type: 'string' } } }, {}), true);
});

test('formats are held, and two schemas with one $id do not meet', () => {
  assert.equal(isValid({ format: 'date-time' }, 'yesterday'), false);
  assert.equal(isValid({ $id: 'https://x.test/s', type: 'string' }, 'a'), true);
  assert.equal(isValid({ $id: 'https://x.test/s', type: 'number' }, 1), true);
});

test('every violation is told, up to fifty', () => {
  const required = Array.from({ length: 80 }, (_, i) => `p${i}`);
  const violations = compileSchema({ required })({});
  assert.equal(violations.length, 51);
  assert.equal(violations.at(-1), 'and 30 more');
});

test('the cache compiles once, remembers what does not compile, and is bounded', () => {
  const cache = createSchemaCache(2);
  const check = cache.check('a', { type: 'string' });
  assert.equal(cache.check('a', { type: 'string' }), check);
  assert.throws(() => cache.check('b', { pattern: '(' }), /does not compile/);
  assert.throws(() => cache.check('b', { type: 'string' }), /does not compile/);
  cache.check('c', {});
  assert.notEqual(cache.check('a', { type: 'string' }), check);
});

test('a schema that names draft-07 is read by the rules of draft-07', () => {
  const check = compileSchema({
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'integer' }] } },
  });
  assert.deepEqual(check({ pair: ['a', 1] }), []);
  assert.deepEqual(check({ pair: ['a', 'b'] }), ['arguments/pair/1 must be integer.']);
});
