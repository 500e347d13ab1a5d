import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateField } from '../../runtime/local/evaluate-jsonata.ts';

const states = { input: { a: 1, name: 'n' }, context: { Execution: { Name: 'e' } } };

test('expressions are evaluated wherever they stand, and everything else stays', async () => {
  const field = {
    text: 'as it is',
    sum: '{% $states.input.a + 1 %}',
    list: ['{% $states.context.Execution.Name %}', 7, null],
  };
  assert.deepEqual(await evaluateField(field, states), { text: 'as it is', sum: 2, list: ['e', 7, null] });
  assert.equal(await evaluateField(' {% 1 %}', states), ' {% 1 %}');
});

test('an expression without a value is an error, as in Step Functions', async () => {
  await assert.rejects(evaluateField('{% $states.input.missing %}', states), /\$states\.input\.missing has no value/);
  await assert.rejects(evaluateField({ deep: ['{% $states.result %}'] }, states), /has no value/);
  await assert.rejects(evaluateField('{% $number("x") %}', states));
});
