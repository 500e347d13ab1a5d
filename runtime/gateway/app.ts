import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Refusal, toRefusal } from '../shared/refusal.ts';
import { checkReadiness } from './check-readiness.ts';
import type { GatewayDeps } from './deps.ts';
import { capabilitiesPath } from './discovery/capabilities.ts';
import { findDocument } from './discovery/find-document.ts';
import type { GatewayEnv } from './env.ts';
import { defaultSenderTimeouts, type GatewaySettings } from './gateway-settings.ts';
import { createDoorPolicy } from './transport/check-origin.ts';
import { findEndpoint } from './transport/find-endpoint.ts';
import { serveCapabilities } from './transport/serve-capabilities.ts';
import { type McpEdge, serveMcp } from './transport/serve-mcp.ts';
import { isFailure, refusalAnswer, statusOf } from './transport/wire-errors.ts';

/** A gateway that answers. */
export interface RunningGateway {
  readonly port: number;
  /** The port for client certificates; undefined when there is none. */
  readonly mtlsPort: number | undefined;
  /** Where it listens; clients may know it by another name, see `publicUrl`. */
  readonly url: string;
  /** Stops accepting, lets calls under way end, ends streams, and returns once nothing is left. */
  close(): Promise<void>;
}

/** Where a gateway listens; a port of 0 takes any free one. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** For a load balancer that verifies client certificates. */
  readonly mtlsPort?: number;
}

/** Listens on one port or two. Rejects with the system's error when it cannot. */
export async function listenGateway(
  settings: GatewaySettings,
  deps: GatewayDeps,
  { host, port, mtlsPort }: ListenOptions,
): Promise<RunningGateway> {
  let isDraining = false;
  let hasBeenReady = false;
  const edge: GatewayEdge = {
    settings,
    deps,
    door: createDoorPolicy(settings.publicUrl, settings.allowedHosts, settings.allowedOrigins),
    isDraining: () => isDraining,
    isMutualTls: false,
    underWay: new Set(),
    subscriptions: new Set(),
    hasBeenReady: () => {
      hasBeenReady ||= checkReadiness(deps).length === 0;
      return hasBeenReady;
    },
  };
  const main = await listen(edge, host, port);
  const servers = [main];
  if (mtlsPort !== undefined) {
    try {
      servers.push(await listen({ ...edge, isMutualTls: true }, host, mtlsPort));
    } catch (error) {
      main.close();
      throw error;
    }
  }
  const [{ address, family, port: ownPort }, certificates] = servers.map(
    (server) => server.address() as AddressInfo,
  ) as [AddressInfo, AddressInfo | undefined];
  return {
    port: ownPort,
    mtlsPort: certificates?.port,
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${ownPort}`,
    close: async () => {
      isDraining = true;
      await drain(servers, edge);
    },
  };
}

/** What both ports share, beside how they take messages. */
interface GatewayEdge extends McpEdge {
  /** True from the first moment on in which nothing was missing. */
  readonly hasBeenReady: () => boolean;
}

async function listen(edge: GatewayEdge, host: string, port: number): Promise<Server> {
  const timeouts = edge.settings.senderTimeouts ?? defaultSenderTimeouts;
  const options = {
    ...serverOptions,
    // A certificate of a few kilobytes comes on top.
    maxHeaderSize: serverOptions.maxHeaderSize * (edge.isMutualTls ? 2 : 1),
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.messageMs,
    connectionsCheckingInterval: timeouts.checkMs,
  };
  const server = createServer(options, (request, response) => route(request, response, edge));
  // Longer than an ALB keeps its side (60 s), or it would send into a connection that we just closed.
  server.keepAliveTimeout = 75_000;
  server.on('clientError', refuseGarbage);
  server.listen(port, host);
  await once(server, 'listening');
  return server;
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
    proxyHops: env.PROXY_HOPS,
  };
  return listenGateway(settings, deps, {
    host: env.HOST,
    port: env.PORT,
    ...(env.MTLS_PORT !== undefined && { mtlsPort: env.MTLS_PORT }),
  });
}

const serverOptions = {
  /** Tokens and trace headers fit; 64 KB of headers do not. */
  maxHeaderSize: 16_384,
  requireHostHeader: true,
  insecureHTTPParser: false,
} as const;

function route(request: IncomingMessage, response: ServerResponse, edge: GatewayEdge): void {
  const { path, query } = splitTarget(request.url ?? '/');
  const endpoint = findEndpoint(path, edge.settings.publicUrl);
  if (endpoint !== undefined) {
    serveMcp(request, response, { endpoint, query }, edge).catch((error: unknown) => {
      edge.deps.logger.error({ err: error }, 'an exchange broke');
      response.destroy();
    });
    return;
  }
  if (path === capabilitiesPath && isRead(request) && hasCredential(request, query)) {
    serveCapabilities(request, response, query, edge).catch((error: unknown) => {
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
  edge: GatewayEdge,
): Promise<void> {
  const { deps, settings } = edge;
  if (!isRead(request)) throw new Refusal('endpoint_not_found');
  if (path === '/healthz') {
    // A replica that never could serve is replaced, and its deployment rolled back; one that cannot right now would only be replaced by another.
    const isUp = edge.hasBeenReady();
    return send(request, response, {
      status: isUp ? 200 : notReady,
      body: isUp ? '{"status":"ok"}' : '{"status":"starting"}',
    });
  }
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
    ...(document.varies === true && { vary: 'authorization' }),
    etag,
  };
  if (request.headers['if-none-match'] === etag) return send(request, response, { status: 304, body: '', headers });
  send(request, response, { status: 200, body, headers });
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Also one in the wrong place: it is refused, not overlooked. */
function hasCredential({ headers }: IncomingMessage, query: string): boolean {
  return headers.authorization !== undefined || new URLSearchParams(query).has('access_token');
}

/** For the refusals of calls that did not end in time: recorded, written and read. */
const farewellMs = 2000;

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

async function drain(servers: readonly Server[], edge: McpEdge): Promise<void> {
  const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const closeIdle = () => {
    for (const server of servers) server.closeIdleConnections();
  };
  closeIdle();
  const end = (exchanges: ReadonlySet<AbortController>) => {
    for (const abort of exchanges) abort.abort(new Refusal('shutting_down'));
  };
  end(edge.subscriptions);
  const timer = setTimeout(() => end(edge.underWay), edge.settings.drainTimeoutMs);
  // A client that does not read its refusal keeps nobody waiting.
  const cut = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, edge.settings.drainTimeoutMs + farewellMs);
  // Connections that fall idle after their last answer are closed as they do.
  const sweep = setInterval(closeIdle, 50);
  await closed;
  clearTimeout(timer);
  clearTimeout(cut);
  clearInterval(sweep);
}
