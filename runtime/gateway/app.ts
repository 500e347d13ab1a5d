import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Refusal, toRefusal } from '../shared/refusal.ts';
import { checkReadiness } from './check-readiness.ts';
import type { GatewayDeps } from './deps.ts';
import { capabilitiesPath } from './discovery/capabilities.ts';
import type { GatewayEnv } from './env.ts';
import { defaultSenderTimeouts, type GatewaySettings } from './gateway-settings.ts';
import { type GatewayEdge, sendRefusal, serveDocuments } from './serve-documents.ts';
import { createDoorPolicy } from './transport/check-origin.ts';
import { findEndpoint } from './transport/find-endpoint.ts';
import { serveCapabilities } from './transport/serve-capabilities.ts';
import { type McpEdge, serveMcp } from './transport/serve-mcp.ts';
import { isFailure } from './transport/wire-errors.ts';

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
    problems: () => {
      const problems = checkReadiness(deps);
      hasBeenReady ||= problems.length === 0;
      return problems;
    },
    hasBeenReady: () => hasBeenReady || edge.problems().length === 0,
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
      // Whoever waits for a person comes back to a replica that stays.
      deps.decisions.release();
      await drain(servers, edge);
    },
  };
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
  // Longer than an ALB may be told to keep its side (4000 s), or it would send into a connection that we just closed.
  server.keepAliveTimeout = 4_030_000;
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
  serveDocuments(request, response, path, edge).catch((error: unknown) => {
    const refusal = toRefusal(error);
    if (isFailure(refusal.code)) edge.deps.failures.note(refusal);
    sendRefusal(response, refusal);
  });
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Also one in the wrong place: it is refused, not overlooked. */
function hasCredential({ headers }: IncomingMessage, query: string): boolean {
  return headers.authorization !== undefined || new URLSearchParams(query).has('access_token');
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

/** Of an absolute target (RFC 9112 § 3.2.2) the path as it was sent: a parser would follow its dots, past a proxy that closes paths. */
function splitTarget(target: string): { path: string; query: string } {
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*\/?/i, '/');
  const mark = local.indexOf('?');
  return mark === -1 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) };
}

/** For the refusals of calls that did not end in time: recorded, written and read. */
const farewellMs = 2000;

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
