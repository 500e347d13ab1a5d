import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/**
 * What stands between a client and an S3: `pass`; `swallow`, where S3 gets the request and the client no answer; `reset`, the same with a broken
 * socket; `silence`, where nobody gets anything; or an answer that the front makes up.
 */
export type FrontMode =
  | 'pass'
  | 'swallow'
  | 'reset'
  | 'silence'
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

export interface S3Front {
  readonly url: string;
  mode: FrontMode;
  /** Method and path of each request, in order. */
  readonly seen: string[];
  /** Of the last request. */
  headers: IncomingHttpHeaders;
}

/** A front of an S3, for tests of what happens when it does not answer as it should. Ends with the test. */
export async function startS3Front(t: TestContext, behind: string): Promise<S3Front> {
  const server = createServer((incoming, response) => {
    front.seen.push(`${incoming.method} ${incoming.url}`);
    front.headers = incoming.headers;
    void serve(incoming, response, front.mode, behind).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const front: S3Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'pass',
    seen: [],
    headers: {},
  };
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return front;
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  mode: FrontMode,
  behind: string,
): Promise<void> {
  if (mode === 'silence') {
    incoming.resume();
    return;
  }
  if (typeof mode === 'object') {
    await text(incoming);
    response.writeHead(mode.status, mode.headers).end(mode.body);
    return;
  }
  const { hostname, port } = new URL(behind);
  // The headers as they came: they are signed, the host among them.
  const forwarded = request({ hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers });
  incoming.pipe(forwarded);
  const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
  if (mode === 'pass') {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
    return;
  }
  await text(answer);
  if (mode === 'reset') response.destroy();
}
