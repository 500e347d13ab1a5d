import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint, McpMessage } from '../../contract/tool-call.ts';
import { type Refusal, toRefusal } from '../../shared/refusal.ts';
import { describeTools } from '../describe-tools.ts';
import { doorScopes, metadataUrlOf } from '../discovery/protected-resource.ts';
import { recordHttpRefusal } from '../record-http-refusal.ts';
import { checkOrigin } from './check-origin.ts';
import { certificatePart } from './read-certificate.ts';
import { readCredential } from './read-credential.ts';
import { readHeaders } from './read-headers.ts';
import type { McpEdge } from './serve-mcp.ts';
import { traceContextOf } from './trace-context.ts';
import { isFailure, refusalAnswer, statusOf } from './wire-errors.ts';

/** Serves the gateway's manifest to a caller with a token for the door to all servers. Never throws. */
export async function serveCapabilities(
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  edge: McpEdge,
): Promise<void> {
  const { deps, settings, door } = edge;
  const headers = readHeaders(request.rawHeaders);
  const endpoint: Endpoint = { kind: 'all', resource: `${settings.publicUrl}/mcp` };
  const trace = traceContextOf(headers.values.traceparent, headers.values.tracestate);
  const startedMs = performance.now();
  const about = { callId: randomUUID(), userAgent: headers.values['user-agent'] };
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  let isRecorded = false;

  async function refuse(refusal: Refusal): Promise<void> {
    let told = refusal;
    if (!isRecorded) {
      const status = statusOf(refusal, true);
      const known = { ...about, traceId: trace.traceId, caller: undefined, method: 'tools/list', server: null };
      await recordHttpRefusal({ ...known, startedMs, status }, refusal, deps).catch((error: unknown) => {
        told = toRefusal(error);
      });
    }
    if (isFailure(told.code)) deps.failures.note(told);
    const answer = refusalAnswer(told, {
      id: undefined,
      method: 'tools/list',
      isModern: true,
      metadataUrl: metadataUrlOf(endpoint, settings.publicUrl),
      doorScopes: doorScopes(endpoint, settings, deps),
    });
    response.writeHead(answer.status, { ...answer.headers, 'cache-control': 'no-store', 'x-call-id': about.callId });
    response.end(answer.body);
  }

  try {
    checkOrigin(headers, request.url ?? '/', door);
    const bearer = readCredential(headers, query);
    const message: McpMessage = {
      ...about,
      endpoint,
      bearer,
      ...certificatePart(headers, edge),
      trace,
      signal: abort.signal,
      era: 'modern',
      protocolVersion: undefined,
      id: 0,
      method: 'tools/list',
      params: {},
      bodyBytes: 0,
      paramHeaders: {},
    };
    isRecorded = true;
    const { text } = await describeTools(message, settings, deps);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      // What one caller may call is nobody else's to know.
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-call-id': about.callId,
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  } catch (error) {
    await refuse(toRefusal(error));
  }
}
