import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ExpectedRefusal, expectRefusal } from '../../support/expect-refusal.ts';
import { type GatewayWorld, modernMeta, startGatewayWorld } from '../../support/gateway-world.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

const meta = JSON.stringify(modernMeta);
const withArguments = (text: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":${meta},"name":"echo.say","arguments":${text}}}`;
const withId = (text: string) => withArguments('{}').replace('"id":1', `"id":${text}`);

const malformed = { status: 400, rpc: -32700, code: 'json_malformed' } as const;
const unsafe = { status: 400, rpc: -32600, code: 'json_unsafe' } as const;
const complex = { status: 400, rpc: -32600, code: 'json_too_complex' } as const;
const invalid = { status: 400, rpc: -32600, code: 'message_invalid' } as const;
const batch = { status: 400, rpc: -32600, code: 'batch_refused' } as const;

const rows: readonly [string, string | Buffer, ExpectedRefusal][] = [
  ['an empty body', '', malformed],
  ['half a message', withArguments('{}').slice(0, -1), malformed],
  ['two messages', withArguments('{}').repeat(2), malformed],
  ['a byte order mark', `\ufeff${withArguments('{}')}`, malformed],
  [
    'bytes that are no UTF-8',
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    malformed,
  ],
  [
    'an overlong slash',
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    malformed,
  ],
  ['UTF-16', Buffer.from(withArguments('{}'), 'utf16le'), malformed],
  ['a raw control character', withArguments('{"a":"\u0001"}'), malformed],
  ['a comment', withArguments('{} /* x */'), malformed],
  ['NaN', withArguments('{"a":NaN}'), malformed],
  ['a leading zero', withArguments('{"a":01}'), malformed],
  ['the same key twice', withArguments('{"a":1,"a":2}'), unsafe],
  ['the same key twice, once escaped', withArguments('{"role":1,"r\\u006fle":2}'), unsafe],
  ['the method twice', withArguments('{}').replace('"id":1', '"id":1,"method":"tools/list"'), unsafe],
  ['the name twice', withArguments('{}').replace('"arguments"', '"name":"echo.admin","arguments"'), unsafe],
  ['the same key twice, deep down', withArguments('{"a":[{"b":{"c":1,"c":1}}]}'), unsafe],
  ['the same key twice around quotes and backslashes', withArguments('{"a\\\\\\"":1,"a\\\\\\"":"}"}'), unsafe],
  ['an empty key twice', withArguments('{"":1,"":2}'), unsafe],
  ['__proto__', withArguments('{"__proto__":{"admin":true}}'), unsafe],
  ['__proto__, escaped', withArguments('{"\\u005f_proto__":{"admin":true}}'), unsafe],
  ['constructor.prototype', withArguments('{"constructor":{"prototype":{"admin":true}}}'), unsafe],
  ['half a surrogate pair', withArguments('{"a":"\\ud800"}'), unsafe],
  ['half a surrogate pair in a key', withArguments('{"\\udc00":1}'), unsafe],
  ['surrogates in the wrong order', withArguments('{"a":"\\udc00\\ud800"}'), unsafe],
  ['a NUL', withArguments('{"a":"x\\u0000y"}'), unsafe],
  ['a NUL in a key', withArguments('{"a\\u0000":1}'), unsafe],
  ['2^53', withArguments('{"a":9007199254740992}'), unsafe],
  ['2^53 + 1, which a double cannot hold', withArguments('{"a":9007199254740993}'), unsafe],
  ['-2^53 - 1', withArguments('{"a":-9007199254740993}'), unsafe],
  ['1e400', withArguments('{"a":1e400}'), unsafe],
  ['65 levels', withArguments(`${'['.repeat(65)}${']'.repeat(65)}`), complex],
  ['10^5 levels', withArguments(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), complex],
  ['10^5 items', withArguments(`[${'0,'.repeat(100_000)}0]`), complex],
  [
    '10^4 keys and more',
    withArguments(`{${Array.from({ length: 12_000 }, (_, i) => `"k${i}":0`).join(',')}}`),
    complex,
  ],
  ['a batch of one', `[${withArguments('{}')}]`, batch],
  ['an empty batch', '[]', batch],
  ['a batch of notifications', '[{"jsonrpc":"2.0","method":"notifications/cancelled"}]', batch],
  ['a string', '"tools/call"', invalid],
  ['null', 'null', invalid],
  ['no jsonrpc', withArguments('{}').replace('"jsonrpc":"2.0",', ''), invalid],
  ['jsonrpc 1.0', withArguments('{}').replace('"2.0"', '"1.0"'), invalid],
  ['an id that is null', withId('null'), invalid],
  ['an id with a fraction', withId('1.5'), invalid],
  ['an id that is an object', withId('{}'), invalid],
  ['an id that is a list', withId('[1]'), invalid],
  ['an id that is true', withId('true'), invalid],
  ['a request without an id', withArguments('{}').replace('"id":1,', ''), invalid],
  ['a notification with an id', '{"jsonrpc":"2.0","id":1,"method":"notifications/cancelled"}', invalid],
  ['params that are a list', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', invalid],
  ['a method that is a number', '{"jsonrpc":"2.0","id":1,"method":7}', invalid],
  ['an empty method', '{"jsonrpc":"2.0","id":1,"method":""}', invalid],
  ['a response', '{"jsonrpc":"2.0","id":1,"result":{}}', invalid],
  ['a request that is a response too', withArguments('{}').replace('"id":1', '"id":1,"result":{}'), invalid],
  ['arguments that are a list', withArguments('[]'), { status: 200, rpc: -32602, code: 'params_invalid' }],
];

for (const [what, body, expected] of rows) {
  test(`refused: ${what}`, async () => {
    await expectRefusal(world, { body }, expected);
    if (expected === batch) await expectRefusal(world, { body, era: 'legacy' }, expected);
  });
}

test('a refused message is answered with its id when it has one', async () => {
  const answer = await world.send({ id: 'abc', method: 'no/such' });
  assert.equal(answer.json.id, 'abc');
  assert.equal((await world.send({ body: '{' })).json.id, null);
});

test('what is odd but reads one way is served, and goes upstream as it was decided', async () => {
  const odd = {
    toJSON: 'x',
    hasOwnProperty: 1,
    constructor: 'c',
    prototype: {},
    'a"b\\': '\\"',
    'e\u0301': '\u{1f600}',
    n: [-0, 1.5, 1e-7, 9007199254740991, -9007199254740991],
    '': null,
  };
  const text = JSON.stringify(odd);
  const answer = await world.send({ body: withArguments(text) });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(world.upstream.seen.at(-1)?.message.params.arguments, JSON.parse(text));
});

test('bytes are never forwarded: the upstream reads what was decided, even if it takes the first of two keys', async () => {
  const body = withArguments('{ "a" : "\\u0062" }');
  await world.send({ body });
  assert.match(world.upstream.seen.at(-1)?.text ?? '', /"arguments":\{"a":"b"\}/);
});

test('poison does no harm to the calls after it', async () => {
  for (let i = 0; i < 50; i += 1) {
    assert.equal((await world.send({ body: withArguments('{"a":"\\ud800"}') })).status, 400);
  }
  assert.equal((await world.send()).status, 200);
});
