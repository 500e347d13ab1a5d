import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that reached the upstream, as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly text: string;
  readonly message: { id: string | number; method: string; params: Record<string, unknown> };
}

export type UpstreamReply = (seen: SeenRequest, response: ServerResponse) => void;

/** A tool server that remembers what it was sent and answers as it is told. */
export interface EchoUpstream {
  readonly origin: string;
  readonly url: string;
  readonly seen: SeenRequest[];
  readonly server: Server;
  reply: UpstreamReply;
  /** The last request that came; throws when none did. */
  lastSeen(): SeenRequest;
  close(): Promise<void>;
}

/** Answers with the name and arguments of the call, as text. */
export const echoReply: UpstreamReply = ({ message }, response) => {
  sendJson(response, {
    jsonrpc: '2.0',
    id: message.id,
    result: {
      resultType: 'complete',
      content: [{ type: 'text', text: JSON.stringify(message.params.arguments ?? null) }],
    },
  });
};

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export async function startEchoUpstream(): Promise<EchoUpstream> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const entry: SeenRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        text,
        message: JSON.parse(text),
      };
      seen.push(entry);
      upstream.reply(entry, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream: EchoUpstream = {
    origin,
    url: `${origin}/mcp`,
    seen,
    server,
    reply: echoReply,
    lastSeen: () => {
      const last = seen.at(-1);
      if (last === undefined) throw new Error('nothing reached the upstream');
      return last;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
  return upstream;
}
