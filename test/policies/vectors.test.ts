import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onlyResult } from '../../runtime/shared/policy-answer.ts';
import { entrypoints } from '../../scripts/policy-opa.mjs';
import { createEvaluator, readVectors, revision } from './samples.ts';

const vectors = readVectors();
const evaluator = await createEvaluator();

test('there are vectors for each entrypoint, with distinct names', () => {
  const counted = Map.groupBy(vectors, ({ entrypoint }) => entrypoint);
  assert.deepEqual([...counted.keys()].sort(), entrypoints.toSorted());
  assert.ok(vectors.length > 80, `${vectors.length} vectors`);
  assert.equal(new Set(vectors.map(({ name }) => name)).size, vectors.length);
});

for (const { name, entrypoint, input, expect } of vectors) {
  test(`${entrypoint}: ${name}`, () => {
    const answer = onlyResult(evaluator.evaluate(input, entrypoint));
    if (Array.isArray(expect)) assert.deepEqual((answer as string[]).toSorted(), expect);
    else assert.deepEqual(answer, { ...expect, revision });
  });
}
