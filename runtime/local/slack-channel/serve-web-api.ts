import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerMethod, type MethodFields, type SlackFault } from './answer-method.ts';
import type { SlackWorkspace } from './workspace.ts';

/** Slack's Web API on a loopback port of this machine. */
export interface ServedWebApi {
  /** Base URL of the methods, with the slash at its end. */
  readonly apiUrl: string;
  readonly server: Server;
  close(): Promise<void>;
}

export interface WebApiOptions {
  /** The bot token, the only one that is let in. */
  readonly token: string;
  /** Answers in place of the workspace, for as long as it returns something. @default never */
  readonly instead?: (method: string, fields: MethodFields, authorization: string | undefined) => object | undefined;
}

const bodyBytesMax = 256 * 1024;

export async function serveWebApi(workspace: SlackWorkspace, { token, instead }: WebApiOptions): Promise<ServedWebApi> {
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const { authorization } = request.headers;
    const fields = Object.fromEntries(new URLSearchParams(await readBody(request)));
    send(response, instead?.(method, fields, authorization) ?? answerOf(method, fields, authorization));
  }

  function answerOf(method: string, fields: MethodFields, authorization: string | undefined): object {
    if (authorization === undefined) return { error: 'not_authed' };
    if (authorization !== `Bearer ${token}`) return { error: 'invalid_auth' };
    return answerMethod(method, fields, workspace);
  }

  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    server,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Of the bot token; Slack names them beside each answer. */
const botScopes = 'chat:write,users:read,users:read.email';

function send(response: ServerResponse, answer: object): void {
  const isFault = 'error' in answer;
  const { status = 200, retryAfterS } = isFault ? (answer as SlackFault) : {};
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-oauth-scopes': 'scopes' in answer ? String(answer.scopes) : botScopes,
    ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
  });
  response.end(JSON.stringify(isFault ? { ok: false, error: answer.error } : { ok: true, ...answer }));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error('more than a method of Slack takes');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
