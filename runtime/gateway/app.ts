import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Refusal, toRefusal } from '../shared/refusal.ts';
import { checkReadiness } from './check-readiness.ts';
import type { GatewayDeps } from './deps.ts';
import { findDocument } from './discovery/find-document.ts';
import type { GatewayEnv } from './env.ts';
import { defaultSenderTimeouts, type GatewaySettings } from './gateway-settings.ts';
import { createDoorPolicy } from './transport/check-origin.ts';
import { findEndpoint } from './transport/find-endpoint.ts';
import { type McpEdge, serveMcp } from './transport/serve-mcp.ts';
import { isFailure, refusalAnswer, statusOf } from './transport/wire-errors.ts';

/** A gateway that answers. */
export interface RunningGateway {
  readonly port: number;
  /** Where it listens; clients may know it by another name, see `publicUrl`. */
  readonly url: string;
  /** Stops accepting, lets calls under way end, ends streams, and returns once nothing is left. */
  close(): Promise<void>;
}

/** Listens on `host` and `port` (0: any free one). Rejects with the system's error when it cannot. */
export async function listenGateway(
  settings: GatewaySettings,
  deps: GatewayDeps,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RunningGateway> {
  let isDraining = false;
  const edge: McpEdge = {
    settings,
    deps,
    door: createDoorPolicy(settings.publicUrl, settings.allowedHosts, settings.allowedOrigins),
    isDraining: () => isDraining,
    underWay: new Set(),
    subscriptions: new Set(),
  };
  const timeouts = settings.senderTimeouts ?? defaultSenderTimeouts;
  const options = {
    ...serverOptions,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.messageMs,
    connectionsCheckingInterval: timeouts.checkMs,
  };
  const server = createServer(options, (request, response) => route(request, response, edge));
  // Longer than an ALB keeps its side (60 s), or it would send into a connection that we just closed.
  server.keepAliveTimeout = 75_000;
  server.on('clientError', refuseGarbage);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: async () => {
      isDraining = true;
      await drain(server, edge);
    },
  };
}

/** Listens as the environment says. */
export function startGateway(env: GatewayEnv, deps: GatewayDeps): Promise<RunningGateway> {
  const settings: GatewaySettings = {
    publicUrl: env.PUBLIC_URL,
    issuers: env.ISSUERS.map(({ issuer }) => issuer),
    allowedHosts: env.ALLOWED_HOSTS,
    allowedOrigins: env.ALLOWED_ORIGINS,
    bodyBytesMax: env.BODY_BYTES_MAX,
    anonymousDiscovery: env.ANONYMOUS_DISCOVERY,
    drainTimeoutMs: env.DRAIN_TIMEOUT_MS,
  };
  return listenGateway(settings, deps, { host: env.HOST, port: env.PORT });
}

const serverOptions = {
  /** Tokens and trace headers fit; 64 KB of headers do not. */
  maxHeaderSize: 16_384,
  requireHostHeader: true,
  insecureHTTPParser: false,
} as const;

function route(request: IncomingMessage, response: ServerResponse, edge: McpEdge): void {
  const { path, query } = splitTarget(request.url ?? '/');
  const endpoint = findEndpoint(path, edge.settings.publicUrl);
  if (endpoint !== undefined) {
    serveMcp(request, response, { endpoint, query }, edge).catch((error: unknown) => {
      edge.deps.logger.error({ err: error }, 'an exchange broke');
      response.destroy();
    });
    return;
  }
  serveRest(request, response, path, edge).catch((error: unknown) => {
    const refusal = toRefusal(error);
    if (isFailure(refusal.code)) edge.deps.failures.note(refusal);
    sendRefusal(response, refusal);
  });
}

/** Operation and discovery. Any Host may ask: a load balancer probes by address. */
async function serveRest(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  edge: McpEdge,
): Promise<void> {
  const { deps, settings } = edge;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refusal('endpoint_not_found');
  if (path === '/healthz') return send(request, response, { status: 200, body: '{"status":"ok"}' });
  if (path === '/readyz') {
    const problems = edge.isDraining() ? ['shutting down'] : checkReadiness(deps);
    const body = JSON.stringify({ status: problems.length === 0 ? 'ready' : 'not ready', problems });
    return send(request, response, { status: problems.length === 0 ? 200 : notReady, body });
  }
  if (path === '/metrics') {
    const { contentType, text } = await deps.metrics.render();
    return send(request, response, { status: 200, body: text, headers: { 'content-type': contentType } });
  }
  const document = await findDocument(path, settings, deps);
  if (document === undefined) throw new Refusal('endpoint_not_found');
  const body = JSON.stringify(document.body);
  const etag = `"${hash('sha256', body, 'hex').slice(0, 32)}"`;
  const headers = {
    'content-type': document.contentType,
    'access-control-allow-origin': '*',
    'cache-control': document.isFresh === true ? 'public, no-cache' : 'public, max-age=60',
    etag,
  };
  if (request.headers['if-none-match'] === etag) return send(request, response, { status: 304, body: '', headers });
  send(request, response, { status: 200, body, headers });
}

const notReady = statusOf(new Refusal('shutting_down'), true);

function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> },
): void {
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
    ...(answer.status !== 304 && { 'content-length': String(Buffer.byteLength(answer.body)) }),
  });
  response.end(request.method === 'HEAD' || answer.status === 304 ? undefined : answer.body);
}

function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const nobody = { id: undefined, method: undefined, isModern: true, metadataUrl: undefined, doorScopes: [] };
  const { status, headers, body } = refusalAnswer(refusal, nobody);
  response.writeHead(status, { ...headers, connection: 'close' });
  response.end(body);
}

/** Bytes that are no HTTP, too large a header, or a sender too slow: one line, and the connection ends. RFC 9112 § 2.2. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const line = garbageLines[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${line}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const garbageLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function splitTarget(target: string): { path: string; query: string } {
  let local = target;
  if (!target.startsWith('/')) {
    const absolute = URL.parse(target);
    local = absolute === null ? '/' : absolute.pathname + absolute.search;
  }
  const mark = local.indexOf('?');
  return mark === -1 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) };
}

async function drain(server: Server, edge: McpEdge): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const end = (exchanges: ReadonlySet<AbortController>) => {
    for (const abort of exchanges) abort.abort(new Refusal('shutting_down'));
  };
  end(edge.subscriptions);
  const timer = setTimeout(() => end(edge.underWay), edge.settings.drainTimeoutMs);
  // Connections that fall idle after their last answer are closed as they do.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(timer);
  clearInterval(sweep);
}
