import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../runtime/contract/json.ts';
import { jsonBeginning, jsonBytes } from '../../runtime/shared/json-beginning.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.constantFrom('\u0001', '"', '\\', 'é', '漢', '😀', '\uD800', 'a'), { maxLength: 60 })
    .map((all) => all.join('')),
);
const json = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(true, null, [], {}),
    fc.array(tie('json'), { maxLength: 6 }),
    fc.dictionary(text, tie('json'), { maxKeys: 6 }),
  ),
})).json;

test('the beginning of a value is within its bytes as JSON text, whatever it holds, and all of it where that fits', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 7, max: 400 }), (value, bytesMax) => {
      const beginning = jsonBeginning(value, bytesMax);
      assert.ok(jsonBytes(beginning) <= bytesMax, `${jsonBytes(beginning)} of ${bytesMax}`);
      assert.equal(beginning === value, jsonBytes(value) <= bytesMax);
    }),
    { numRuns: 2000 },
  );
});

test('a text ends at a whole character, and as much of it is there as fits', () => {
  for (const [character, bytes] of [
    ['a', 1],
    ['é', 2],
    ['漢', 3],
    ['😀', 4],
    ['"', 2],
    ['\u0001', 6],
    ['\uD800', 6],
  ] as const) {
    for (let spare = 0; spare < bytes; spare += 1) {
      const bytesMax = jsonBytes('[cut]') + 5 * bytes + spare;
      assert.equal(jsonBeginning(character.repeat(50), bytesMax), `${character.repeat(5)}[cut]`, character);
    }
  }
});

test('members are whole as far as they fit; of the next there is the beginning, and nothing after it', () => {
  const value = { a: 1, list: ['one', 'x'.repeat(100), 'three'], last: true };
  assert.deepEqual(jsonBeginning(value, 40), { a: 1, list: ['one', 'xxxxxxxxxx[cut]'] });
  assert.equal(jsonBytes(jsonBeginning(value, 40)), 40);
  assert.deepEqual(jsonBeginning([[], [], []], 7), [[], []]);
  assert.deepEqual(jsonBeginning({ ['n'.repeat(100)]: 1 }, 40), {});
});
