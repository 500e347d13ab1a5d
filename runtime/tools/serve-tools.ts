import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CapabilityManifest } from '../contract/registry.ts';
import type { JsonRpcId } from '../contract/tool-call.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { Logger } from '../shared/logger.ts';
import { Refusal, toRefusal } from '../shared/refusal.ts';
import { authenticatePlatform, type PlatformTrust } from './authenticate-platform.ts';
import { authorizeCall, readMessage } from './authorize-call.ts';
import { type CallsUnderWay, createCallsUnderWay } from './calls-under-way.ts';
import { capabilityManifest } from './capability-manifest.ts';
import { checkHost, createHostPolicy, type HostPolicy } from './check-host.ts';
import { createMcpEndpoint, type McpEndpoint } from './mcp-endpoint.ts';
import { readPost } from './read-post.ts';
import { type RefusedMessage, refusalEvent } from './record-refusal.ts';
import { refusalAnswer, statusOf } from './refusal-answer.ts';
import type { CallContext, ServedTool, ServerIdentity } from './served-tool.ts';

export interface ToolServerOptions extends PlatformTrust {
  readonly identity: ServerIdentity;
  readonly tools: readonly ServedTool[];
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** URL that the gateway calls, without the path; undefined: where it listens. */
  readonly publicUrl: string | undefined;
  /** Further Host headers to answer to. */
  readonly allowedHosts: readonly string[];
  readonly bodyBytesMax: number;
  /** For calls under way at the end. */
  readonly drainTimeoutMs: number;
  readonly audit: AuditWriter;
  readonly logger: Logger;
  readonly now: () => number;
  /** Sentences about what is not well; empty when calls can be served. */
  readonly problems: () => Promise<readonly string[]>;
}

/** A tool server that answers. */
export interface RunningToolServer {
  readonly port: number;
  /** Its MCP endpoint. */
  readonly url: string;
  readonly manifest: CapabilityManifest;
  /** Stops accepting, lets calls under way end, then cancels the rest. */
  close(): Promise<void>;
}

/** What every step of one server may use. */
interface Room {
  readonly options: ToolServerOptions;
  readonly tools: ReadonlyMap<string, ServedTool>;
  readonly mcp: McpEndpoint;
  readonly hosts: HostPolicy;
  readonly calls: CallsUnderWay;
  readonly manifest: string;
  readonly isDraining: () => boolean;
}

/** Starts a tool server. Rejects with the system's error when it cannot listen. */
export async function serveTools(options: ToolServerOptions): Promise<RunningToolServer> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 });
  // Longer than the gateway's pool keeps an idle connection, so that it never sends into one that was just closed.
  server.keepAliveTimeout = 75_000;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin =
    options.publicUrl ?? `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  const url = `${origin}/mcp`;
  const manifest = capabilityManifest(options.identity, options.tools, {
    url,
    audience: options.audience,
    issuers: [options.gateway.issuer],
  });
  let isDraining = false;
  const room: Room = {
    options,
    tools: new Map(options.tools.map((tool) => [tool.definition.name, tool])),
    mcp: createMcpEndpoint(options.identity, options.tools, options.logger),
    hosts: createHostPolicy(origin, options.allowedHosts),
    calls: createCallsUnderWay(),
    manifest: JSON.stringify(manifest),
    isDraining: () => isDraining,
  };
  server.on('request', (request, response) => route(request, response, room));

  return {
    port,
    url,
    manifest,
    async close() {
      isDraining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // Streams that wait for changes end with their last message; they would never fall idle.
      await room.mcp.close();
      const end = setTimeout(() => {
        room.calls.abortAll();
        server.closeAllConnections();
      }, options.drainTimeoutMs);
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      await closed;
      clearTimeout(end);
      clearInterval(sweep);
    },
  };
}

function route(request: IncomingMessage, response: ServerResponse, room: Room): void {
  const path = (request.url ?? '/').split('?', 1)[0];
  const work =
    path === '/mcp' ? servePost(request, response, room) : serveDocument(request, response, path ?? '/', room);
  work.catch((error: unknown) => {
    room.options.logger.error({ err: error }, 'an exchange broke');
    response.destroy();
  });
}

/** One MCP message. A step may use only what the steps above it proved. */
async function servePost(request: IncomingMessage, response: ServerResponse, room: Room): Promise<void> {
  const { options } = room;
  let known: RefusedMessage = {
    callId: randomUUID(),
    caller: undefined,
    method: undefined,
    tool: undefined,
    userAgent: request.headers['user-agent'],
    traceId: traceIdOf(request.headers.traceparent),
    startedAtMs: options.now(),
  };
  let id: JsonRpcId | null = null;
  try {
    checkHost(request, room.hosts);
    if (request.method !== 'POST') throw new Refusal('method_not_allowed');
    if (room.isDraining()) throw new Refusal('shutting_down');
    const caller = await authenticatePlatform(request, options);
    known = { ...known, caller, callId: caller.callId };
    const body = await readPost(request, options.bodyBytesMax);
    const message = readMessage(body);
    id = message.id ?? null;
    known = { ...known, method: message.method, traceId: metaTraceId(message.params._meta) ?? known.traceId };
    if (message.method === 'tools/call' && room.tools.has(String(message.params.name))) {
      known = { ...known, tool: String(message.params.name) };
    }
    authorizeCall(message, caller, room.tools);

    if (message.method === 'notifications/cancelled') room.calls.cancel(caller, message.params.requestId);
    const call = room.calls.begin(caller, message.id);
    const leave = () => call.abort();
    response.on('close', leave);
    const context: CallContext = {
      caller,
      signal: call.signal,
      logger: options.logger.child({ call_id: caller.callId, trace_id: known.traceId, tenant: caller.tenant }),
    };
    try {
      await room.mcp.serve(request, response, body, context);
    } finally {
      call.end();
    }
  } catch (error) {
    await refuse(toRefusal(error), known, id, response, room);
  }
}

/** No refusal is answered before it is recorded; one that cannot be recorded is answered as such. */
async function refuse(
  refusal: Refusal,
  known: RefusedMessage,
  id: JsonRpcId | null,
  response: ServerResponse,
  { options }: Room,
): Promise<void> {
  const { audit, logger, now, identity } = options;
  let said = refusal;
  if (refusal.code === 'internal_error') logger.error({ err: refusal }, 'a message broke the server');
  try {
    await audit.append(refusalEvent(refusal, known, identity.name, now()));
  } catch (error) {
    logger.error({ err: error, code: refusal.code }, 'a refusal could not be recorded');
    said = new Refusal('audit_unavailable', {}, { cause: error });
  }
  logger.info({ call_id: known.callId, code: refusal.code, status: statusOf(said) }, 'refused');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const answer = refusalAnswer(said, id);
  // What is left of an unread body is not worth reading.
  response.writeHead(answer.status, { ...answer.headers, connection: 'close' });
  response.end(answer.body);
}

/** Operation and discovery. Any Host may ask: a load balancer probes by address. */
async function serveDocument(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  room: Room,
): Promise<void> {
  const { options } = room;
  if (!['GET', 'HEAD'].includes(request.method ?? '')) return send(response, 404, '{"error":"not found"}');
  if (path === '/healthz') return send(response, 200, '{"status":"ok"}');
  if (path === '/.well-known/mcp-capabilities') return send(response, 200, room.manifest);
  if (path !== '/readyz') return send(response, 404, '{"error":"not found"}');
  const problems = room.isDraining() ? ['shutting down'] : await options.problems();
  const isReady = problems.length === 0;
  send(response, isReady ? 200 : 503, JSON.stringify({ status: isReady ? 'ready' : 'not ready', problems }));
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function metaTraceId(meta: unknown): string | undefined {
  return typeof meta === 'object' && meta !== null
    ? traceIdOf((meta as { traceparent?: unknown }).traceparent)
    : undefined;
}

/** W3C Trace Context § 3.2.2. */
function traceIdOf(traceparent: unknown): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const id = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.[1];
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}
