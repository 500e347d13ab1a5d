import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '../shared/refusal.ts';
import { findDocument } from './discovery/find-document.ts';
import type { McpEdge } from './transport/serve-mcp.ts';
import { refusalAnswer, statusOf } from './transport/wire-errors.ts';

/** What both ports share, beside how they take messages. */
export interface GatewayEdge extends McpEdge {
  /** What is missing right now. */
  readonly problems: () => readonly string[];
  /** True from the first moment on in which nothing was missing. */
  readonly hasBeenReady: () => boolean;
}

/** Operation and discovery. Any Host may ask: a load balancer probes by address. */
export async function serveDocuments(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  edge: GatewayEdge,
): Promise<void> {
  const { deps, settings } = edge;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refusal('endpoint_not_found');
  if (path === '/healthz') {
    // A replica that never could serve is replaced, and its deployment rolled back; one that cannot right now would only be replaced by another.
    const isUp = edge.hasBeenReady();
    return send(request, response, {
      status: isUp ? 200 : notReady,
      body: isUp ? '{"status":"ok"}' : '{"status":"starting"}',
    });
  }
  if (path === '/readyz') {
    const problems = edge.isDraining() ? ['shutting down'] : edge.problems();
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

export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const nobody = { id: undefined, method: undefined, isModern: true, metadataUrl: undefined, doorScopes: [] };
  const { status, headers, body } = refusalAnswer(refusal, nobody);
  response.writeHead(status, { ...headers, connection: 'close' });
  response.end(body);
}
