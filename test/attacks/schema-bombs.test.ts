import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../../runtime/contract/json.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { type ExpectedRefusal, expectRefusal } from '../support/expect-refusal.ts';
import { type GatewayWorld, startGatewayWorld } from '../support/gateway-world.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

const object = (a: JsonObject, more: JsonObject = {}) => ({ type: 'object', properties: { a }, ...more });
const doubling = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [
    `n${i}`,
    i === 39 ? { type: 'string' } : { anyOf: [{ $ref: `#/$defs/n${i + 1}` }, { $ref: `#/$defs/n${i + 1}` }] },
  ]),
);
const disabled = { status: 403, rpc: 4032, code: 'tool_disabled', event: 'mcp_call' } as const;
const invalid = { status: 200, rpc: 'result', code: 'arguments_invalid', event: 'mcp_call' } as const;
const tree = { type: 'object', properties: { next: { $ref: '#/$defs/tree' } }, additionalProperties: false };
let deep: JsonObject = { stray: 1 };
for (let i = 0; i < 50; i += 1) deep = { next: deep };

const bombs: readonly (readonly [string, JsonObject, unknown, ExpectedRefusal])[] = [
  ['a reference to another host', object({ $ref: 'https://evil.test/schema.json' }), 'x', disabled],
  ['a reference to a file', object({ $ref: 'file:///etc/passwd' }), 'x', disabled],
  ['a schema that doubles forty times', object({ $ref: '#/$defs/n0' }, { $defs: doubling }), 'x', disabled],
  ['a pattern that looks ahead', object({ type: 'string', pattern: '^(?=a)a$' }), 'x', disabled],
  ['a pattern that backtracks', object({ type: 'string', pattern: '^(a+)+$' }), `${'a'.repeat(60_000)}!`, invalid],
  [
    'a list that must be unique',
    object({ type: 'array', uniqueItems: true }),
    [...Array(15_000).keys(), 14_999],
    invalid,
  ],
  ['a schema that holds itself', object({ $ref: '#/$defs/tree' }, { $defs: { tree } }), deep, invalid],
  ['a huge enum', object({ enum: Array.from({ length: 5000 }, (_, i) => `v${i}`) }), 'x', invalid],
];

for (const [what, inputSchema, a, expected] of bombs) {
  test(`${what}: ${expected.code}, soon, recorded, and the next call is served`, async () => {
    const tools = [sampleTool({ name: 'echo.say', inputSchema }), sampleTool({ name: 'echo.shout' })];
    const version = world.catalogue.version + 1;
    world.catalogue = { version, servers: [sampleServer('alpha', [sampleVersion(world.upstream.url, tools)])] };
    const started = performance.now();
    await expectRefusal(world, { params: { name: 'echo.say', arguments: { a } } }, expected);
    assert.ok(performance.now() - started < 2000, 'it is not worked on for long');
    assert.equal((await world.send({ params: { name: 'echo.shout' } })).status, 200);
  });
}
