import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createSafeFetch } from '../../runtime/shared/safe-fetch.ts';
import { selfSigned } from '../support/self-signed.ts';
import { callback } from './world.ts';

/** A host that publishes client metadata documents, over real TLS on this machine. */
export async function startPublisher(
  t: TestContext,
  documentOf: (id: string) => object,
  headers: Record<string, string> = {},
) {
  const { key, cert } = selfSigned(['app.example']);
  const paths: string[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    paths.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(documentOf(id)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const id = `https://app.example:${(server.address() as AddressInfo).port}/client.json`;
  const safeFetch = createSafeFetch({
    allowLoopback: true,
    bodyBytesMax: 64 * 1024,
    timeoutMs: 2000,
    ca: cert,
    lookup: async () => ['127.0.0.1'],
  });
  return { id, paths, safeFetch };
}

export const documentOf = (id: string, more: object = {}) => ({
  client_id: id,
  client_name: 'Published client',
  redirect_uris: ['https://app.example/callback', callback],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  ...more,
});
