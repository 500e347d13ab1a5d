import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ExpectedRefusal, expectRefusal } from '../../support/expect-refusal.ts';
import { exchange, type GatewayWorld, type SendOptions, startGatewayWorld } from '../../support/gateway-world.ts';
import { sendRaw } from '../../support/raw-http.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

const host = { status: 403, rpc: 4038, code: 'host_not_allowed' } as const;
const origin = { status: 403, rpc: 4039, code: 'origin_not_allowed' } as const;
const media = { status: 415, rpc: 4150, code: 'media_type_unsupported' } as const;
const accept = { status: 406, rpc: 4060, code: 'not_acceptable' } as const;
const encoding = { status: 415, rpc: 4151, code: 'encoding_unsupported' } as const;
const large = { status: 413, rpc: 4130, code: 'body_too_large' } as const;
const post = { status: 405, rpc: 4050, code: 'method_not_allowed', headers: { allow: /^POST$/ } } as const;

const rows: readonly [string, SendOptions, ExpectedRefusal][] = [
  ['a rebound host', { headers: { host: 'evil.test' } }, host],
  ['our host under another one', { headers: { host: 'gateway.test.evil.test' } }, host],
  ['a host with credentials in it', { headers: { host: 'gateway.test@evil.test' } }, host],
  ['a host with a path', { headers: { host: 'gateway.test/evil.test' } }, host],
  ['another origin', { headers: { origin: 'http://evil.test' } }, origin],
  ['the null origin', { headers: { origin: 'null' } }, origin],
  ['an empty origin', { headers: { origin: '' } }, origin],
  ['our origin on another scheme', { headers: { origin: 'https://gateway.test' } }, origin],
  ['our origin as a prefix', { headers: { origin: 'http://gateway.test.evil.test' } }, origin],
  ['GET', { httpMethod: 'GET', body: '' }, post],
  ['DELETE', { httpMethod: 'DELETE', body: '' }, post],
  ['PUT', { httpMethod: 'PUT' }, post],
  ['OPTIONS', { httpMethod: 'OPTIONS', body: '' }, post],
  ['no content type', { headers: { 'content-type': null } }, media],
  ['text/plain', { headers: { 'content-type': 'text/plain' } }, media],
  ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }, media],
  ['JSON in another charset', { headers: { 'content-type': 'application/json; charset=utf-16' } }, media],
  ['a type that starts like JSON', { headers: { 'content-type': 'application/json-patch+json' } }, media],
  ['an Accept without event streams', { headers: { accept: 'application/json' } }, accept],
  ['an Accept without JSON', { headers: { accept: 'text/event-stream' } }, accept],
  ['an Accept that rules JSON out', { headers: { accept: 'application/json;q=0, text/event-stream' } }, accept],
  ['gzip', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('{}') }, encoding],
  ['br', { headers: { 'content-encoding': 'br' }, body: '{}' }, encoding],
  ['a body that says it is too large', { headers: { 'content-length': '104857600' }, body: '' }, large],
];

for (const [what, sending, expected] of rows) {
  test(`refused: ${what}`, async () => {
    const answer = await expectRefusal(world, sending, expected);
    assert.equal(answer.json.id, null);
  });
}

test('served: our origin, any Accept, JSON with its charset', async () => {
  for (const headers of [
    { origin: 'http://gateway.test' },
    { accept: '*/*' },
    { accept: null },
    { accept: 'text/*, application/*' },
    { 'content-type': 'application/json; charset=UTF-8' },
    { host: 'gateway.test' },
    { host: 'GATEWAY.test' },
  ]) {
    const answer = await world.send({ headers });
    assert.equal(answer.status, 200, `${JSON.stringify(headers)} ${answer.text}`);
  }
});

test('a body of unknown length is cut off at the bound', async () => {
  const token = world.issuer.token({ aud: 'http://gateway.test/mcp' });
  const head = [
    'POST /mcp HTTP/1.1',
    'host: gateway.test',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    'transfer-encoding: chunked',
    '',
    '',
  ].join('\r\n');
  const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
  const answer = await sendRaw(world.gateway.port, [head, ...Array.from({ length: 20 }, () => chunk)]);
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /connection: close/i);
  assert.match(answer, /More than 1048576 bytes were sent, and 1048576 are read at most\./);
  assert.equal(world.lastEvent().code, 'body_too_large');
});

test('health is told to any host, and messages are not', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    const answer = await exchange(world.gateway, { path, httpMethod: 'GET', headers: { host: '10.0.0.7:8080' } });
    assert.equal(answer.status, 200, path);
  }
});

const duplicates: readonly [string, readonly string[], string][] = [
  ['two hosts', ['host: gateway.test', 'host: evil.test'], 'host_not_allowed'],
  ['two hosts, the bad one first', ['host: evil.test', 'host: gateway.test'], 'host_not_allowed'],
  [
    'two equal origins',
    ['host: gateway.test', 'origin: http://gateway.test', 'origin: http://gateway.test'],
    'origin_not_allowed',
  ],
  [
    'two content types',
    ['host: gateway.test', 'content-type: application/json', 'content-type: text/plain'],
    'media_type_unsupported',
  ],
];

for (const [what, lines, code] of duplicates) {
  test(`refused: ${what}`, async () => {
    const text = ['POST /mcp HTTP/1.1', ...lines, 'content-length: 2', 'connection: close', '', '{}'].join('\r\n');
    const answer = await sendRaw(world.gateway.port, text);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
    assert.match(answer, new RegExp(code));
    assert.equal(world.lastEvent().code, code);
  });
}

const smuggled: readonly [string, readonly string[]][] = [
  ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked']],
  ['two lengths that differ', ['content-length: 5', 'content-length: 0']],
  ['a length with a sign', ['content-length: +5']],
  ['a length in hex', ['content-length: 0x5']],
  ['an encoding that hides chunks', ['transfer-encoding: xchunked']],
  ['chunks that are not the last encoding', ['transfer-encoding: chunked, identity']],
  ['a blank before the colon', ['transfer-encoding : chunked']],
  ['a folded header', ['x-a: b', ' transfer-encoding: chunked']],
];

for (const [what, lines] of smuggled) {
  test(`no second message is found behind ${what}`, async () => {
    const events = world.audit.events.length;
    const token = world.issuer.token({ aud: 'http://gateway.test/mcp' });
    const hidden = 'POST /mcp HTTP/1.1\r\nhost: gateway.test\r\ncontent-length: 0\r\n\r\n';
    const head = ['POST /mcp HTTP/1.1', 'host: gateway.test', `authorization: Bearer ${token}`, ...lines, '', ''];
    const answer = await sendRaw(world.gateway.port, `${head.join('\r\n')}0\r\n\r\n${hidden}`, 1000);
    assert.match(answer, /^HTTP\/1\.1 4(?:00|15) /);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, 'one answer');
    const read = world.audit.events.slice(events).filter(({ event }) => event !== 'http_refusal');
    assert.deepEqual(read, [], 'no message was read');
  });
}

test('a target with a host counts only when that host is ours too', async () => {
  const send = (target: string) =>
    sendRaw(
      world.gateway.port,
      `POST ${target} HTTP/1.1\r\nhost: gateway.test\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
  assert.match(await send('http://evil.test/mcp'), /^HTTP\/1\.1 403 [\s\S]*host_not_allowed/);
  assert.match(await send('http://gateway.test/mcp'), /^HTTP\/1\.1 415 /);
});

test('no dots in a target with a host lead past a proxy that closes paths', async () => {
  for (const path of [
    '/a/../metrics',
    '/./readyz',
    '/a/%2e%2e/metrics',
    '/servers/alpha/mcp/server-card/../../../../mcp',
  ]) {
    const answer = await sendRaw(world.gateway.port, [
      `GET http://gateway.test${path} HTTP/1.1\r\nhost: gateway.test\r\nconnection: close\r\n\r\n`,
    ]);
    assert.match(answer, /^HTTP\/1\.1 404 /, path);
  }
});

test('headers of 64 KB and a request without Host are refused', async () => {
  const long = await sendRaw(
    world.gateway.port,
    `POST /mcp HTTP/1.1\r\nhost: gateway.test\r\nx: ${'a'.repeat(65_536)}\r\n\r\n`,
  );
  assert.match(long, /^HTTP\/1\.1 431 /);
  assert.match(
    await sendRaw(world.gateway.port, 'POST /mcp HTTP/1.1\r\nconnection: close\r\n\r\n'),
    /^HTTP\/1\.1 400 /,
  );
});

test('what proxies say of the client is not believed, and none of it goes upstream', async () => {
  const answer = await world.send({
    headers: {
      'x-forwarded-host': 'evil.test',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.test',
      'x-amzn-mtls-clientcert': 'forged',
      'x-toolgate-tenant': 'globex',
      connection: 'authorization, x-toolgate-tenant',
      cookie: 'a=b',
      'mcp-session-id': 'abc',
      'last-event-id': '7',
    },
  });
  assert.equal(answer.status, 200, answer.text);
  const names = Object.keys(world.upstream.seen.at(-1)?.headers ?? {}).sort();
  assert.deepEqual(names, [
    'accept',
    'authorization',
    'connection',
    'content-length',
    'content-type',
    'host',
    'mcp-method',
    'mcp-name',
    'mcp-protocol-version',
    'traceparent',
  ]);
  assert.equal(world.lastEvent().tenant, 'acme');
});

const strange = [
  '/mcp/',
  '/MCP',
  '/servers/../mcp',
  '/servers/%61lpha/mcp',
  '/servers/alpha%2f..%2fbeta/mcp',
  '/servers/a..%5cb/mcp',
  '/servers//mcp',
  '/servers/alpha/v01/mcp',
  '/servers/alpha/v1.0/mcp',
  '/servers/\u2024\u2024/mcp',
  '/mcp/v1/tools/alpha/rpc/',
  '/servers/alpha/mcp;x',
];

test('a path that is not exactly a door is no door', async () => {
  for (const path of strange) {
    const answer = await exchange(world.gateway, {
      path: encodeURI(path).replaceAll('%25', '%'),
      httpMethod: 'POST',
      headers: {},
      body: '{}',
    });
    assert.equal(answer.status, 404, path);
    assert.equal(answer.json.error.data.code, 'endpoint_not_found');
  }
});

test('a sender that never gets done is sent away, whether in its headers or in its body', async () => {
  const slow = await startGatewayWorld({
    settings: { senderTimeouts: { headersMs: 100, messageMs: 200, checkMs: 20 } },
  });
  assert.match(
    await sendRaw(slow.gateway.port, 'POST /mcp HTTP/1.1\r\nhost: gateway.test\r\nx-a: '),
    /^HTTP\/1\.1 408 /,
  );
  const token = slow.issuer.token({ aud: 'http://gateway.test/mcp' });
  const head = [
    'POST /mcp HTTP/1.1',
    'host: gateway.test',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    'content-length: 100',
    '',
    '{',
  ];
  const started = performance.now();
  const recorded = slow.audit.next();
  await sendRaw(slow.gateway.port, head.join('\r\n'), 4000);
  assert.ok(performance.now() - started < 3000, 'the gateway ends it');
  assert.equal((await recorded).code, 'client_cancelled');
  await slow.close();
});
