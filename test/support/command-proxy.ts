import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A command to an AWS service, as it came. */
export interface SeenCommand {
  /** e.g. `PutItem`, `StartExecution`. */
  readonly action: string;
  readonly body: string;
}

/** Where a process is to stop: at the first command that this is true of, before it is sent or before its answer comes back. */
export interface StopPoint {
  readonly at: (command: SeenCommand) => boolean;
  readonly isSent: boolean;
}

/** Stands between one process and AWS, and can stop it at a command: from then on nothing passes, as if it were frozen. */
export interface CommandProxy {
  readonly url: string;
  /** Resolves when the process has come there. */
  stop(point: StopPoint): Promise<void>;
  /** For the next process. */
  pass(): void;
  close(): Promise<void>;
}

export async function openCommandProxy(target: string): Promise<CommandProxy> {
  let point: StopPoint | undefined;
  let reached: () => void = () => {};
  let isStopped = false;
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (isStopped) return;
    const action =
      String(request.headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1) ?? '';
    const isHere = point?.at({ action, body: body.toString() }) === true;
    if (isHere) isStopped = true;
    if (!isHere || point?.isSent === true) {
      const { method, url, headers } = request;
      const far = httpRequest(new URL(url ?? '/', target), { method, headers });
      far.end(body);
      const [answer] = (await once(far, 'response')) as [IncomingMessage];
      const said = await buffer(answer);
      if (!isStopped) {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.end(said);
      }
    }
    if (isHere) reached();
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop(next) {
      point = next;
      const { promise, resolve } = Promise.withResolvers<void>();
      reached = resolve;
      return promise;
    },
    pass() {
      point = undefined;
      isStopped = false;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
