import type { ClientCertificate } from './caller.ts';
import type { JsonObject } from './json.ts';

/** JSON-RPC 2.0 request id. MCP forbids null (basic/index § Requests). */
export type JsonRpcId = string | number;

/** `modern`: MCP 2026-07-28, an envelope in every request. `legacy`: 2025-11-25 and earlier. */
export type Era = 'modern' | 'legacy';

/** The door a message came through: all servers, or one server, optionally at one major version. */
export type Endpoint =
  | { readonly kind: 'all'; readonly resource: string }
  | {
      readonly kind: 'server';
      readonly server: string;
      readonly major: number | undefined;
      /** Canonical resource URI (RFC 8707) that a token for this door is issued for; no trailing slash. */
      readonly resource: string;
    };

/** What the transport knows of a message before anything is believed. */
export interface Inbound {
  /** UUID of this message in logs, audit and upstream tokens. */
  readonly callId: string;
  readonly endpoint: Endpoint;
  /** The bearer token as sent, without the scheme. Undefined when no credential came. */
  readonly bearer: string | undefined;
  /** Absent off the mTLS port. */
  readonly certificate?: ClientCertificate;
  readonly userAgent: string | undefined;
  /** W3C trace context: 32 and 16 lower-case hex digits; generated when the client sent none. */
  readonly trace: TraceContext;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

export interface TraceContext {
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly spanId: string;
  readonly flags: string;
  readonly tracestate: string | undefined;
}

/** One JSON-RPC message that passed the transport's checks; nothing in it is believed yet. */
export interface McpMessage extends Inbound {
  readonly era: Era;
  /** `MCP-Protocol-Version` as sent; undefined for legacy clients that omit it. */
  readonly protocolVersion: string | undefined;
  /** Undefined for a notification. */
  readonly id: JsonRpcId | undefined;
  readonly method: string;
  readonly params: JsonObject;
  /** Size of the body in bytes, as received. */
  readonly bodyBytes: number;
  /** `Mcp-Param-*` headers, lower-case names, as sent; forwarded upstream unread. */
  readonly paramHeaders: Readonly<Record<string, string>>;
}

/** What came in: a `tools/call`, unchecked. */
export interface ToolCall extends McpMessage {
  readonly id: JsonRpcId;
  readonly method: 'tools/call';
  /** `params.name` as sent. */
  readonly name: string;
  /** `params.arguments` as sent; `{}` when absent (MCP server/tools § Calling Tools). */
  readonly arguments: JsonObject;
}
