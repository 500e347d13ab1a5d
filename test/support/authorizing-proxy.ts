import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy in front of one origin that adds a bearer token and changes nothing else: not Host, not Origin, not a byte of a stream. */
export interface AuthorizingProxy {
  /** Its own origin, by the name `localhost`, which the official suite demands. */
  readonly origin: string;
  close(): Promise<void>;
}

/** For clients that cannot send a token. Asks for it at every request, so that one that ran out can be replaced. */
export async function startAuthorizingProxy(
  target: string,
  token: () => string | Promise<string>,
): Promise<AuthorizingProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer(async (inbound, response) => {
    try {
      const headers = { ...inbound.headers, authorization: `Bearer ${await token()}` };
      const options = { host: hostname, port, method: inbound.method, path: inbound.url, headers, setHost: false };
      const outbound = request(options, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.on('error', () => response.destroy());
        answer.pipe(response);
      });
      outbound.on('error', () => response.destroy());
      response.on('close', () => outbound.destroy());
      inbound.pipe(outbound);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
