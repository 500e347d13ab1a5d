// The two listeners of the public edge, played by HAProxy: TLS with client certificates on one, without on the other.
import assert from 'node:assert/strict';
import { hash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { listenGateway, type RunningGateway } from '../../../runtime/gateway/app.ts';
import { freePort } from '../../support/free-port.ts';
import { type GatewayWorld, modernMeta, publicUrl, startGatewayWorld } from '../../support/gateway-world.ts';
import { type LoadBalancer, startLoadBalancer } from '../../support/load-balancer.ts';
import { selfSigned } from '../../support/self-signed.ts';

const server = selfSigned(['localhost']);
const agent = selfSigned(['spiffe://acme.test/agents/billing']);
const stranger = selfSigned(['spiffe://elsewhere.test/agents/billing']);
const thumbprintOf = (pem: string) => hash('sha256', new X509Certificate(pem).raw, 'base64url');

let world: GatewayWorld;
let gateway: RunningGateway;
let balancer: LoadBalancer;
const ports = { main: 0, mtls: 0 };

before(async () => {
  world = await startGatewayWorld();
  gateway = await listenGateway({ ...world.settings, allowedHosts: ['localhost'] }, world.deps, {
    host: '127.0.0.1',
    port: 0,
    mtlsPort: 0,
  });
  Object.assign(ports, { main: await freePort(), mtls: await freePort() });
  const certificate = server.cert + server.key;
  const to = (port: number | undefined) => [
    { conditions: [], action: { type: 'forward' as const, addresses: [`127.0.0.1:${port}`] } },
  ];
  balancer = await startLoadBalancer([
    { localPort: ports.main, certificate, rules: to(gateway.port) },
    { localPort: ports.mtls, certificate, clientAuthorities: agent.cert, rules: to(gateway.mtlsPort) },
  ]);
});
after(async () => {
  await balancer?.close();
  await gateway?.close();
  await world?.close();
});

interface Sending {
  readonly port: keyof typeof ports;
  readonly client?: { readonly key: string; readonly cert: string };
  readonly boundTo?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status of a call; rejects when the handshake fails. */
async function send({ port, client, boundTo, headers = {} }: Sending): Promise<number> {
  const claims = boundTo === undefined ? {} : { cnf: { 'x5t#S256': thumbprintOf(boundTo) } };
  const outgoing = request({
    host: '127.0.0.1',
    servername: 'localhost',
    port: ports[port],
    path: '/mcp',
    method: 'POST',
    ca: server.cert,
    agent: false,
    ...client,
    headers: {
      host: 'localhost',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${world.issuer.token({ aud: `${publicUrl}/mcp`, ...claims })}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo.say',
      ...headers,
    },
  });
  outgoing.end(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { _meta: modernMeta, name: 'echo.say', arguments: { text: 'hello' } },
    }),
  );
  const [answer] = (await once(outgoing, 'response')) as [{ statusCode: number; resume(): void }];
  answer.resume();
  return answer.statusCode;
}

test('a token that is bound to the certificate of the connection is good with it', async () => {
  assert.equal(await send({ port: 'mtls', client: agent, boundTo: agent.cert }), 200);
});

test('the same token is good for nobody who has another certificate, or none', async () => {
  assert.equal(await send({ port: 'mtls', client: agent, boundTo: stranger.cert }), 401);
  assert.equal(await send({ port: 'main', boundTo: agent.cert }), 401);
});

test('a certificate that a client writes into a header is worth nothing on either listener', async () => {
  const forged = { 'x-amzn-mtls-clientcert-leaf': encodeURIComponent(stranger.cert) };
  assert.equal(await send({ port: 'main', boundTo: stranger.cert, headers: forged }), 401);
  // The load balancer writes over it.
  assert.equal(await send({ port: 'mtls', client: agent, boundTo: stranger.cert, headers: forged }), 401);
  assert.equal(await send({ port: 'mtls', client: agent, boundTo: agent.cert, headers: forged }), 200);
});

test('a certificate of an authority that is not trusted does not get through the handshake', async () => {
  await assert.rejects(send({ port: 'mtls', client: stranger }));
  await assert.rejects(send({ port: 'mtls' }));
});
