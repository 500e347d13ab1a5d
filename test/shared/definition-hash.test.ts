import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Json } from '../../runtime/contract/json.ts';
import { canonicalJson, canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { definitionHash, type ToolDefinition } from '../../runtime/shared/definition-hash.ts';

const tool: ToolDefinition = {
  name: 'postgres.readonly',
  description: 'Reads rows.',
  inputSchema: { type: 'object', properties: { sql: { type: 'string' } }, required: ['sql'] },
  annotations: { readOnlyHint: true },
};

test('the canonical text is the one that RFC 8785 prints', () => {
  const value: Json = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  assert.equal(
    canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test('keys are sorted by UTF-16 code unit, RFC 8785 § 3.2.3', () => {
  const value: Json = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, ö: 7 };
  assert.equal(canonicalJson(value), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
});

test('minus zero is zero, and what JSON cannot hold has no text', () => {
  assert.equal(canonicalJson(-0), '0');
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udfff': 1 }]) {
    assert.throws(() => canonicalJson(value as Json));
  }
  assert.throws(() => canonicalJson(undefined as unknown as Json), /no JSON text/);
});

test('the hash is SHA-256 of the canonical text in UTF-8', () => {
  const value: Json = { b: 'é', a: [1] };
  assert.equal(canonicalSha256(value), createHash('sha256').update('{"a":[1],"b":"é"}', 'utf8').digest('hex'));
});

test('the order of keys makes no other definition', () => {
  const reordered = {
    annotations: { readOnlyHint: true },
    inputSchema: { required: ['sql'], properties: { sql: { type: 'string' } }, type: 'object' },
    description: 'Reads rows.',
    name: 'postgres.readonly',
  };
  assert.equal(definitionHash(reordered), definitionHash(tool));
});

const changes: Readonly<Record<string, Partial<ToolDefinition>>> = {
  'the name': { name: 'postgres.read_only' },
  'a title where there was none': { title: '' },
  'one word of the description': { description: 'Reads row.' },
  'a wider input schema': { inputSchema: { type: 'object', properties: { sql: {} }, required: ['sql'] } },
  'an optional argument that was required': {
    inputSchema: { type: 'object', properties: { sql: { type: 'string' } } },
  },
  'an output schema where there was none': { outputSchema: { type: 'object' } },
  'a flipped hint': { annotations: { readOnlyHint: true, destructiveHint: false } },
};
for (const [what, change] of Object.entries(changes)) {
  test(`${what} makes another definition`, () => {
    assert.notEqual(definitionHash({ ...tool, ...change }), definitionHash(tool));
  });
}

test('what is not part of the definition does not change its hash', () => {
  assert.equal(definitionHash({ ...tool, scopes: ['a'] } as ToolDefinition), definitionHash(tool));
});
