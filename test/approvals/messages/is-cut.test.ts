import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCut } from '../../../runtime/approvals/messages/is-cut.ts';
import type { Json } from '../../../runtime/contract/json.ts';
import { recordable } from '../../../runtime/gateway/recordable.ts';
import { redactJson } from '../../../runtime/shared/redact-json.ts';

const long = 'lorem ipsum '.repeat(250);
const address = `${'a'.repeat(60)}@${'b'.repeat(60)}.example.com `;

test('arguments that a record has whole, or masked, are not cut', () => {
  for (const value of [
    {},
    { sql: 'select 1', to: 'jane.doe@example.com', ids: [1, null, true] },
    { inside: { a: ['b'] } },
  ]) {
    assert.equal(isCut(recordable(value, redactJson)), false, JSON.stringify(value));
  }
});

test('wherever a record left something out, it says so', () => {
  let deep: Json = 'bottom';
  for (let depth = 0; depth < 40; depth += 1) deep = [deep];
  const rows: Readonly<Record<string, Json>> = {
    'a long text': { sql: long },
    'a long text that masking makes short': { sql: `-- ${address.repeat(8)}\n${long}` },
    'a long text below others': { a: [{ b: long }] },
    'long JSON in a text': { body: JSON.stringify({ note: long.repeat(20) }) },
    'many items': { ids: Array.from({ length: 150 }, (_, item) => item) },
    'many members': Object.fromEntries(Array.from({ length: 150 }, (_, name) => [`k${name}`, name])),
    'a long name': { [long]: 1 },
    'what is deep': { deep },
  };
  for (const [what, value] of Object.entries(rows)) assert.equal(isCut(recordable(value, redactJson)), true, what);
  assert.equal(isCut({ '[not shown]': true }), true);
});
