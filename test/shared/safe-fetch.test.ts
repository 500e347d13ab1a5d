import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { addressKind } from '../../runtime/shared/public-address.ts';
import { createSafeFetch, type SafeFetchOptions } from '../../runtime/shared/safe-fetch.ts';
import { refusalCode } from '../support/refusal-code.ts';
import { selfSigned } from '../support/self-signed.ts';

const limits = { bodyBytesMax: 1024, timeoutMs: 2000 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const addresses: readonly (readonly [address: string, kind: string])[] = [
  ['8.8.8.8', 'public'],
  ['2606:4700:4700::1111', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['0.0.0.0', 'forbidden'],
  ['10.0.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['169.254.169.254', 'forbidden'],
  ['169.254.170.2', 'forbidden'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.1', 'forbidden'],
  ['192.0.2.1', 'forbidden'],
  ['192.88.99.1', 'forbidden'],
  ['192.168.0.1', 'private'],
  ['198.18.0.1', 'forbidden'],
  ['198.51.100.1', 'forbidden'],
  ['203.0.113.1', 'forbidden'],
  ['224.0.0.1', 'forbidden'],
  ['240.0.0.1', 'forbidden'],
  ['255.255.255.255', 'forbidden'],
  ['::', 'forbidden'],
  ['::ffff:169.254.169.254', 'forbidden'],
  ['::ffff:8.8.8.8', 'forbidden'],
  ['::127.0.0.1', 'forbidden'],
  ['::a9fe:a9fe', 'forbidden'],
  ['64:ff9b::a9fe:a9fe', 'forbidden'],
  ['64:ff9b:1::a9fe:a9fe', 'forbidden'],
  ['100::1', 'forbidden'],
  ['2001::1', 'forbidden'],
  ['2001:0:a9fe:a9fe::1', 'forbidden'],
  ['2001:20::1', 'forbidden'],
  ['2001:db8::1', 'forbidden'],
  ['2002:a9fe:a9fe::', 'forbidden'],
  ['3fff::1', 'forbidden'],
  ['5f00::1', 'forbidden'],
  ['fc00::1', 'private'],
  ['fd00:ec2::254', 'forbidden'],
  ['fe80::1', 'forbidden'],
  ['fec0::1', 'forbidden'],
  ['ff02::1', 'forbidden'],
  ['not an address', 'forbidden'],
  ['', 'forbidden'],
];

test('an address is public only when it surely is', () => {
  assert.deepEqual(
    addresses.map(([address]) => [address, addressKind(address)]),
    addresses,
  );
});

const refusedUrls: readonly string[] = [
  'http://169.254.169.254/latest/meta-data/',
  'https://169.254.169.254/latest/meta-data/',
  'https://169.254.170.2/v2/credentials',
  'https://[fd00:ec2::254]/',
  'https://[::ffff:169.254.169.254]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[64:ff9b::a9fe:a9fe]/',
  'https://[2002:a9fe:a9fe::]/',
  'https://[::1]/',
  'https://[::]/',
  'https://2852039166/',
  'https://0xa9fea9fe/',
  'https://0251.0376.0251.0376/',
  'https://169.16689662/',
  'https://0x8.0x8.0x8.0x8/',
  'https://134744072/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://0/',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://example.com./',
  'https://app.localhost/',
  'https://user@example.com/',
  'https://user:pass@example.com/',
  'https://example.com@169.254.169.254/',
  'https://169.254.169.254#@example.com/',
  'https://example.com\\@169.254.169.254/',
  'https:\\\\example.com/',
  'https:example.com',
  'https:///example.com/',
  'https://example.com:22/',
  'https://example.com:8443/',
  'http://example.com/',
  'HTTPS://example.com\t/',
  ' https://example.com/',
  'https://exa mple.com/',
  'file:///etc/passwd',
  'gopher://example.com/',
  'ftp://example.com/',
  'data:text/plain,x',
  'javascript:alert(1)',
  '//example.com/',
  'example.com',
  '',
];

test('a URL that is not plainly public is refused before anything is resolved or sent', async () => {
  const resolved: string[] = [];
  const fetch = createSafeFetch({
    ...limits,
    lookup: async (name) => {
      resolved.push(name);
      return ['127.0.0.1'];
    },
  });
  const outcomes = [];
  for (const url of refusedUrls) outcomes.push([url, await refusalCode(fetch(url))]);
  assert.deepEqual(
    outcomes,
    refusedUrls.map((url) => [url, 'address_not_allowed']),
  );
  assert.deepEqual(resolved, []);
});

test('a name that leads to an address that is not public is refused, also when another of its addresses is', async () => {
  const answers: readonly (readonly string[])[] = [
    ['169.254.169.254'],
    ['127.0.0.1'],
    ['::1'],
    ['10.0.0.7'],
    ['fd00:ec2::254'],
    ['::ffff:10.0.0.7'],
    ['8.8.8.8', '169.254.169.254'],
    ['2606:4700:4700::1111', 'fe80::1'],
  ];
  for (const answer of answers) {
    const fetch = createSafeFetch({ ...limits, lookup: async () => answer });
    assert.equal(await refusalCode(fetch('https://169.254.169.254.nip.io/')), 'address_not_allowed', answer.join());
  }
});

test('a name that cannot be resolved is unreachable, and a resolver that hangs is late', async () => {
  const failing = createSafeFetch({ ...limits, lookup: () => Promise.reject(new Error('ENOTFOUND')) });
  assert.equal(await refusalCode(failing('https://nowhere.example/')), 'upstream_unavailable');
  const empty = createSafeFetch({ ...limits, lookup: async () => [] });
  assert.equal(await refusalCode(empty('https://nowhere.example/')), 'upstream_unavailable');
  const hanging = createSafeFetch({ ...limits, timeoutMs: 50, lookup: () => new Promise(() => {}) });
  assert.equal(await refusalCode(hanging('https://nowhere.example/')), 'upstream_timeout');
});

test('the address that was checked is the address that is dialled, and the certificate must be the name’s', async (t) => {
  const { key, cert } = selfSigned(['app.example']);
  const hosts: (string | undefined)[] = [];
  const server = createTlsServer({ key, cert }, (request, response) => {
    hosts.push(request.headers.host);
    response.setHeader('content-type', 'application/json').end('{"ok":true}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  let lookups = 0;
  const options: SafeFetchOptions = {
    ...limits,
    allowLoopback: true,
    ca: cert,
    // The second answer is what a rebinding name server would give to whoever asked again.
    lookup: async () => [lookups++ % 2 === 0 ? '127.0.0.1' : '169.254.169.254'],
  };
  const fetch = createSafeFetch(options);
  const { status, body } = await fetch(`https://app.example:${port}/client.json`);
  assert.deepEqual([status, body.toString(), lookups], [200, '{"ok":true}', 1]);
  assert.deepEqual(hosts, [`app.example:${port}`]);
  lookups = 0;
  assert.equal(await refusalCode(fetch(`https://other.example:${port}/`)), 'upstream_unavailable');
});

test('plain http reaches this machine only when loopback is allowed, and never another', async (t) => {
  const url = await serve(t, (_request, response) => response.end('hello'));
  assert.equal(await refusalCode(createSafeFetch(limits)(url)), 'address_not_allowed');
  const fetch = createSafeFetch({ ...limits, allowLoopback: true, lookup: async () => ['8.8.8.8'] });
  assert.equal((await fetch(url)).body.toString(), 'hello');
  assert.equal(await refusalCode(fetch('http://example.com/')), 'address_not_allowed');
  assert.equal(await refusalCode(fetch('http://10.0.0.1/')), 'address_not_allowed');
  // A localhost that resolves elsewhere would be plain http to a stranger.
  assert.equal(await refusalCode(fetch('http://app.localhost/')), 'address_not_allowed');
});

const internalDomain = 'tools.prod.internal';

test('a name below the internal domain leads to private addresses only: not to this machine, credentials or the internet', async () => {
  const answers: readonly (readonly [addresses: readonly string[], expected: string])[] = [
    [['127.0.0.1'], 'address_not_allowed'],
    [['::1'], 'address_not_allowed'],
    [['169.254.169.254'], 'address_not_allowed'],
    [['169.254.170.2'], 'address_not_allowed'],
    [['fd00:ec2::254'], 'address_not_allowed'],
    [['fe80::1'], 'address_not_allowed'],
    [['::ffff:10.0.0.7'], 'address_not_allowed'],
    [['8.8.8.8'], 'address_not_allowed'],
    [['10.0.0.7', '169.254.169.254'], 'address_not_allowed'],
    [['10.0.0.7', '8.8.8.8'], 'address_not_allowed'],
    [[], 'upstream_unavailable'],
  ];
  for (const [addresses, expected] of answers) {
    const fetch = createSafeFetch({ ...limits, internalDomain, lookup: async () => addresses });
    for (const url of [`http://billing.${internalDomain}/`, `https://billing.${internalDomain}:8443/`]) {
      assert.equal(await refusalCode(fetch(url)), expected, `${url} ${addresses.join()}`);
    }
  }
});

test('only a name below the internal domain may lead to a private address', async () => {
  const fetch = createSafeFetch({ ...limits, timeoutMs: 100, internalDomain, lookup: async () => ['10.255.255.1'] });
  for (const url of [
    `https://${internalDomain}/`,
    `https://evil${internalDomain}/`,
    `https://billing.${internalDomain}.evil.example/`,
    `http://billing.other.internal/`,
    'https://10.255.255.1/',
    'http://10.255.255.1/',
    `http://billing.${internalDomain}./`,
    `http://x@billing.${internalDomain}/`,
  ]) {
    assert.equal(await refusalCode(fetch(url)), 'address_not_allowed', url);
  }
});

test('a server of this network is reached over plain http, on its own port', async (t) => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ address }) => addressKind(address) === 'private');
  if (own === undefined) return t.skip('this machine has no private address');
  const server = createServer((request, response) => response.end(request.headers.host)).listen(0, own.address);
  await once(server, 'listening');
  t.after(() => server.close());
  const host = `billing.${internalDomain}:${(server.address() as AddressInfo).port}`;
  const fetch = createSafeFetch({ ...limits, internalDomain, lookup: async () => [own.address] });
  const { status, body } = await fetch(`http://${host}/`);
  assert.deepEqual([status, body.toString()], [200, host]);
});

test('a redirect is handed back, not followed', async (t) => {
  const paths: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
  });
  const { status } = await createSafeFetch({ ...limits, allowLoopback: true })(`${url}/start`);
  assert.deepEqual([status, paths], [302, ['/start']]);
});

test('an answer that is too large, endless, late, compressed or of another media type is refused', async (t) => {
  const answers: Readonly<Record<string, Answer>> = {
    '/announced': (_, response) => response.writeHead(200, { 'content-length': '10000000000' }).write('x'),
    '/large': (_, response) => response.end('x'.repeat(1025)),
    '/endless': (_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(256)));
      };
      response.on('drain', pour);
      pour();
    },
    '/silent': () => {},
    '/slow': (_, response) => response.write('x'),
    '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    '/html': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    '/no-type': (_, response) => response.writeHead(200).end('{}'),
    '/json': (_, response) => response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{}'),
    '/suffix': (_, response) => response.writeHead(200, { 'content-type': 'application/x+json' }).end('{}'),
    '/exact': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(1024)),
    '/reset': (request) => request.socket.destroy(),
  };
  const url = await serve(t, (request, response) => answers[request.url ?? '']?.(request, response));
  const fetch = createSafeFetch({ ...limits, timeoutMs: 300, allowLoopback: true });
  const outcomes: Record<string, string> = {};
  const asJson = ['/gzip', '/html', '/no-type', '/json', '/suffix', '/exact'];
  for (const path of Object.keys(answers)) {
    const request = asJson.includes(path) ? { contentTypes: ['application/json'] } : {};
    outcomes[path] = await refusalCode(fetch(url + path, request));
  }
  assert.deepEqual(outcomes, {
    '/announced': 'upstream_too_large',
    '/large': 'upstream_too_large',
    '/endless': 'upstream_too_large',
    '/silent': 'upstream_timeout',
    '/slow': 'upstream_timeout',
    '/gzip': 'upstream_invalid',
    '/html': 'upstream_invalid',
    '/no-type': 'upstream_invalid',
    '/json': 'no refusal',
    '/suffix': 'no refusal',
    '/exact': 'no refusal',
    '/reset': 'upstream_unavailable',
  });
});

test('something that is not HTTP, and a port with nobody, are unreachable', async (t) => {
  const server = createTcpServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.6\r\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const fetch = createSafeFetch({ ...limits, allowLoopback: true });
  assert.equal(await refusalCode(fetch(`http://127.0.0.1:${port}/`)), 'upstream_unavailable');
  server.close();
  await once(server, 'close');
  assert.equal(await refusalCode(fetch(`http://127.0.0.1:${port}/`)), 'upstream_unavailable');
  t.after(() => server.close());
});
