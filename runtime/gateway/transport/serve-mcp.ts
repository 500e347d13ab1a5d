import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../../contract/caller.ts';
import type { Endpoint, Inbound, McpMessage } from '../../contract/tool-call.ts';
import { Refusal, toRefusal } from '../../shared/refusal.ts';
import { callTool } from '../call-tool.ts';
import type { GatewayDeps } from '../deps.ts';
import { doorScopes, metadataUrlOf } from '../discovery/protected-resource.ts';
import type { GatewaySettings } from '../gateway-settings.ts';
import { listTools } from '../list-tools.ts';
import { recordHttpRefusal } from '../record-http-refusal.ts';
import { noteNotification, relayMessage } from '../relay-message.ts';
import type { RecordedReply } from '../safe-reply.ts';
import { authenticate } from '../steps/authenticate.ts';
import { chargeRefused } from '../steps/spend-quota.ts';
import { checkOrigin, type DoorPolicy } from './check-origin.ts';
import { clientAddress } from './client-address.ts';
import { isModernVersion } from './protocol-versions.ts';
import { checkBodyHeaders, readBody } from './read-body.ts';
import { certificatePart } from './read-certificate.ts';
import { readCredential } from './read-credential.ts';
import { type RequestHeaders, readHeaders } from './read-headers.ts';
import { type Glimpse, readMessage, toToolCall } from './read-message.ts';
import { createReplyWriter, type ReplyWriter } from './send-reply.ts';
import { traceContextOf } from './trace-context.ts';
import { isFailure, refusalAnswer, refusalMessage, statusOf } from './wire-errors.ts';

/** The edge that MCP messages come in through. */
export interface McpEdge {
  readonly settings: GatewaySettings;
  readonly door: DoorPolicy;
  readonly deps: GatewayDeps;
  readonly isDraining: () => boolean;
  /** A load balancer stands before this port that verifies client certificates; elsewhere its headers are anybody's. */
  readonly isMutualTls: boolean;
  /** Messages under way, each with what ends it. */
  readonly underWay: Set<AbortController>;
  /** Those of them that last until someone ends them. */
  readonly subscriptions: Set<AbortController>;
}

/** Serves one POST to an MCP door, from its headers to its answer. Never throws. */
export async function serveMcp(
  request: IncomingMessage,
  response: ServerResponse,
  target: { readonly endpoint: Endpoint; readonly query: string },
  edge: McpEdge,
): Promise<void> {
  const exchange = new Exchange(request, response, target.endpoint, edge);
  edge.underWay.add(exchange.abort);
  try {
    await exchange.serve(target.query);
  } catch (error) {
    await exchange.refuse(toRefusal(error));
  } finally {
    edge.underWay.delete(exchange.abort);
  }
}

/** One HTTP exchange: what is known of it so far, so that a refusal can say as much as is true. */
class Exchange {
  readonly abort = new AbortController();
  #request: IncomingMessage;
  #endpoint: Endpoint;
  #edge: McpEdge;
  #startedMs = performance.now();
  #callId = randomUUID();
  #headers: RequestHeaders;
  #glimpse: Glimpse;
  #caller: Caller | undefined;
  #traceId: string | null = null;
  #isRecorded = false;
  #isBodyRead = false;
  #writer: ReplyWriter;

  constructor(request: IncomingMessage, response: ServerResponse, endpoint: Endpoint, edge: McpEdge) {
    this.#request = request;
    this.#endpoint = endpoint;
    this.#edge = edge;
    this.#headers = readHeaders(request.rawHeaders);
    const isModern = isModernVersion(this.#headers.values['mcp-protocol-version'] ?? '');
    this.#glimpse = { id: undefined, method: undefined, isModern };
    this.#writer = createReplyWriter(response, this.#callId, edge.isDraining);
    // MCP streamable HTTP § Cancellation: closing the response is the cancellation.
    response.on('close', () => {
      if (!response.writableEnded) this.abort.abort();
    });
  }

  async serve(query: string): Promise<void> {
    const { deps, settings, door } = this.#edge;
    const { values } = this.#headers;
    checkOrigin(this.#headers, this.#request.url ?? '/', door);
    if (this.#request.method !== 'POST') throw new Refusal('method_not_allowed');
    const bearer = readCredential(this.#headers, query);
    checkBodyHeaders(this.#headers, settings.bodyBytesMax);
    const trace = traceContextOf(values.traceparent, values.tracestate);
    this.#traceId = trace.traceId;
    const inbound: Inbound = {
      callId: this.#callId,
      endpoint: this.#endpoint,
      bearer,
      ...certificatePart(this.#headers, this.#edge),
      userAgent: values['user-agent'],
      trace,
      signal: this.abort.signal,
    };
    // Strangers do not get their body read.
    this.#caller = await authenticate(inbound, deps);
    const body = await readBody(this.#request, settings.bodyBytesMax);
    this.#isBodyRead = true;
    const message = readMessage(body, this.#headers, inbound, this.#glimpse);
    this.#glimpse.isModern = message.era === 'modern';
    await this.#dispatch(withTraceOfMeta(message, values.traceparent));
  }

  async #dispatch(message: McpMessage): Promise<void> {
    const { deps } = this.#edge;
    if (message.id === undefined) {
      this.#isRecorded = true;
      await noteNotification(message, deps);
      this.#writer.sendRefusal({ status: 202, headers: {}, body: undefined }, {});
      return;
    }
    let reply: RecordedReply;
    if (message.method === 'tools/call') {
      const call = toToolCall(message);
      this.#isRecorded = true;
      reply = await callTool(call, this.#writer, deps);
    } else {
      this.#isRecorded = true;
      if (message.method === 'tools/list') reply = await listTools(message, deps);
      else reply = await this.#relay(message);
    }
    this.#writer.sendReply(message.id, reply);
  }

  /** A stream outlives the token that opened it no more than a call does. */
  async #relay(message: McpMessage): Promise<RecordedReply> {
    const { deps } = this.#edge;
    if (message.method !== 'subscriptions/listen') return relayMessage(message, this.#writer, deps);
    const leftMs = Math.min((this.#caller?.expiresAtMs ?? 0) - deps.now(), 2 ** 31 - 1);
    const timer = setTimeout(() => this.abort.abort(new Refusal('token_expired')), Math.max(0, leftMs));
    this.#edge.subscriptions.add(this.abort);
    try {
      return await relayMessage(message, this.#writer, deps);
    } finally {
      clearTimeout(timer);
      this.#edge.subscriptions.delete(this.abort);
    }
  }

  /** Records what nobody recorded yet, and answers. */
  async refuse(refusal: Refusal): Promise<void> {
    const { deps, settings } = this.#edge;
    let told = refusal;
    if (!this.#isRecorded) {
      told = await chargeRefused(refusal, this.#caller, deps);
      try {
        await this.#record(told);
      } catch (error) {
        told = toRefusal(error);
      }
    }
    if (isFailure(told.code)) deps.failures.note(told);
    else if (this.#caller === undefined) deps.strangers?.note(told.code, this.#address());
    const about = {
      ...this.#glimpse,
      metadataUrl: metadataUrlOf(this.#endpoint, settings.publicUrl),
      doorScopes: doorScopes(this.#endpoint, settings, deps),
    };
    const answer = refusalAnswer(told, about);
    // What is left of a body is not read on: the next message would be looked for in it.
    if (!this.#isBodyRead && this.#request.method === 'POST') answer.headers.connection = 'close';
    this.#writer.sendRefusal(answer, refusalMessage(told, about));
  }

  #address(): string | undefined {
    const { headersDistinct, socket } = this.#request;
    const { proxyHops = 0 } = this.#edge.settings;
    return clientAddress(headersDistinct['x-forwarded-for'] ?? [], socket.remoteAddress, proxyHops);
  }

  async #record(refusal: Refusal): Promise<void> {
    const { deps } = this.#edge;
    await recordHttpRefusal(
      {
        callId: this.#callId,
        userAgent: this.#headers.values['user-agent'],
        traceId: this.#traceId,
        caller: this.#caller,
        method: this.#glimpse.method ?? null,
        server: this.#endpoint.kind === 'server' ? this.#endpoint.server : null,
        startedMs: this.#startedMs,
        status: statusOf(refusal, this.#glimpse.isModern),
      },
      refusal,
      deps,
    );
  }
}

/** A trace that only `_meta` carries counts too; the header comes first. MCP basic/index § Trace context. */
function withTraceOfMeta(message: McpMessage, header: string | undefined): McpMessage {
  const meta = message.params._meta as { traceparent?: unknown; tracestate?: unknown } | undefined;
  if (header !== undefined || meta?.traceparent === undefined) return message;
  return { ...message, trace: traceContextOf(meta.traceparent, meta.tracestate) };
}
