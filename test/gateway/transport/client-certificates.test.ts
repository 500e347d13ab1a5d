import assert from 'node:assert/strict';
import { hash, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { listenGateway, type RunningGateway } from '../../../runtime/gateway/app.ts';
import { exchange, type GatewayWorld, modernMeta, publicUrl, startGatewayWorld } from '../../support/gateway-world.ts';
import { selfSigned } from '../../support/self-signed.ts';

let world: GatewayWorld;
let gateway: RunningGateway;
before(async () => {
  world = await startGatewayWorld();
  gateway = await listenGateway(world.settings, world.deps, { host: '127.0.0.1', port: 0, mtlsPort: 0 });
});
after(async () => {
  await gateway.close();
  await world.close();
});

const workload = 'spiffe://acme.test/agents/billing';
const certificate = selfSigned([workload]).cert;
const thumbprint = hash('sha256', new X509Certificate(certificate).raw, 'base64url');
/** As an ALB writes it: URL-encoded, with `+`, `=` and `/` as they are. */
const leaf = (pem: string) =>
  encodeURIComponent(pem).replaceAll('%2B', '+').replaceAll('%3D', '=').replaceAll('%2F', '/');
const bound = { cnf: { 'x5t#S256': thumbprint } };

interface Sending {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly port?: 'main' | 'mtls';
}

/** A call, on the mTLS port with a verified certificate unless told otherwise. */
function send({ claims = {}, headers = { 'x-amzn-mtls-clientcert-leaf': leaf(certificate) }, port = 'mtls' }: Sending) {
  return exchange(
    { port: (port === 'mtls' ? gateway.mtlsPort : gateway.port) as number },
    {
      path: '/mcp',
      httpMethod: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${world.issuer.token({ aud: `${publicUrl}/mcp`, ...claims })}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'echo.say',
        ...headers,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { _meta: modernMeta, name: 'echo.say', arguments: { text: 'hello' } },
      }),
    },
  );
}

test('a token that is bound to a certificate is good with it on the mTLS port', async () => {
  assert.equal((await send({ claims: bound })).status, 200);
  assert.equal((await send({})).status, 200, 'and one that is bound to nothing too');
});

const refused: readonly (readonly [string, RegExp, Sending])[] = [
  [
    'a token that is bound to another certificate',
    /bound to another client certificate/,
    { claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } },
  ],
  ['a bound token on the other port', /use the mTLS port/, { claims: bound, headers: {}, port: 'main' }],
  [
    'a bound token on the other port, with a certificate that anybody could write',
    /use the mTLS port/,
    { claims: bound, port: 'main' },
  ],
  ['a token that is bound to a DPoP key', /cannot be checked here/, { claims: { cnf: { jkt: thumbprint } } }],
  [
    'a token that is bound to a certificate and something else',
    /cannot be checked here/,
    { claims: { cnf: { ...bound.cnf, jkt: thumbprint } } },
  ],
  ['a token whose binding is no object', /cannot be checked here/, { claims: { cnf: thumbprint } }],
  ['a token whose binding is null', /cannot be checked here/, { claims: { cnf: null } }],
  [
    'a token of another workload than the certificate',
    /of another workload/,
    { claims: { sub: 'spiffe://acme.test/agents/other' } },
  ],
  [
    'an expired certificate',
    /certificate has expired/,
    { headers: { 'x-amzn-mtls-clientcert-leaf': leaf(selfSigned(['a.test'], { endsAtMs: Date.now() - 1000 }).cert) } },
  ],
  ['what is no certificate', /cannot be read/, { headers: { 'x-amzn-mtls-clientcert-leaf': 'leaf' } }],
  ['what is no URL encoding', /cannot be read/, { headers: { 'x-amzn-mtls-clientcert-leaf': '%E0%A4%A' } }],
  [
    'two certificates in one header',
    /cannot be read/,
    { headers: { 'x-amzn-mtls-clientcert-leaf': leaf(certificate + certificate) } },
  ],
];

for (const [what, why, sending] of refused) {
  test(`${what} is refused, before anything is read`, async () => {
    const answer = await send(sending);
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.json.error.data.code, 'token_invalid');
    assert.match(answer.json.error.message, why);
    assert.equal(world.lastEvent().outcome, 'refused');
  });
}

test('the mTLS port takes nobody without a certificate that was verified', async () => {
  for (const headers of [
    {},
    { 'x-amzn-mtls-clientcert-subject': 'CN=admin' },
    { 'x-amzn-mtls-clientcert': leaf(certificate) },
    { 'x-amzn-mtls-clientcert': leaf(certificate), 'x-amzn-mtls-clientcert-leaf': leaf(certificate) },
  ]) {
    const answer = await send({ headers });
    assert.equal(answer.json.error.data.code, 'credentials_missing', answer.text);
    assert.match(answer.json.error.message, /No verified client certificate/);
  }
  const twice = await send({ headers: { 'x-amzn-mtls-clientcert-leaf': [leaf(certificate), leaf(certificate)] } });
  assert.equal(twice.json.error.data.code, 'credentials_ambiguous');
});

test('a workload with its own certificate and token comes in', async () => {
  assert.equal((await send({ claims: { ...bound, sub: workload } })).status, 200);
});

test('headers about certificates change nothing on the main port, and go to no tool server from either', async () => {
  const spoofed = {
    'x-amzn-mtls-clientcert-leaf': leaf(certificate),
    'x-amzn-mtls-clientcert-subject': 'CN=admin',
    'x-amzn-mtls-clientcert-serial-number': '01',
    'X-Amzn-Mtls-Clientcert': 'anything',
  };
  const plain = await send({ headers: {}, port: 'main' });
  const told = await send({ headers: spoofed, port: 'main' });
  assert.deepEqual([told.status, told.text], [plain.status, plain.text]);
  const { 'X-Amzn-Mtls-Clientcert': _, ...verified } = spoofed;
  assert.equal((await send({ headers: verified })).status, 200);
  for (const { headers } of world.upstream.seen) {
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('x-')),
      [],
    );
  }
});

test('both ports tell health, and neither is told apart by the documents', async () => {
  for (const port of [gateway.port, gateway.mtlsPort as number]) {
    for (const path of ['/healthz', '/readyz', '/.well-known/jwks.json']) {
      assert.equal((await exchange({ port }, { path, httpMethod: 'GET', headers: {} })).status, 200, path);
    }
  }
});

test('the door stands for one resource, whatever port the Host header names', async () => {
  const headers = { host: 'gateway.test:8443', 'x-amzn-mtls-clientcert-leaf': leaf(certificate) };
  assert.equal((await send({ headers })).status, 200);
  assert.equal((await send({ headers: { ...headers, host: 'evil.test:8443' } })).status, 403);
});
