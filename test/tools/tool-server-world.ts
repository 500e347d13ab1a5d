import { silentLogger } from '../../runtime/shared/logger.ts';
import { type RunningToolServer, serveTools, type ToolServerOptions } from '../../runtime/tools/serve-tools.ts';
import type { CallContext, ServedTool } from '../../runtime/tools/served-tool.ts';
import { createMemoryAudit, type MemoryAudit } from '../support/memory-audit.ts';
import { createUpstreamTokens, type UpstreamTokens } from '../support/upstream-token.ts';

export const audience = 'urn:toolgate:server:test';

/** A tool server with two tools, one harmless and one destructive, and what they were called with. */
export interface ToolServerWorld {
  readonly server: RunningToolServer;
  readonly tokens: UpstreamTokens;
  readonly audit: MemoryAudit;
  readonly calls: { readonly tool: string; readonly args: unknown; readonly context: CallContext }[];
  /** What the tools do; by default they answer at once. */
  onCall: (context: CallContext) => void | Promise<void>;
  /** Posts one message as the gateway would, with the rights to call `echo.read`. */
  post(message: unknown, options?: PostOptions): Promise<Response>;
}

export interface PostOptions {
  /** Null sends none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export async function startToolServerWorld(overrides: Partial<ToolServerOptions> = {}): Promise<ToolServerWorld> {
  const tokens = createUpstreamTokens();
  const audit = createMemoryAudit();
  const world: Omit<ToolServerWorld, 'server' | 'post'> = { tokens, audit, calls: [], onCall: () => {} };
  const tool = (name: string, scope: string, destructive: boolean): ServedTool => ({
    definition: {
      name,
      title: name,
      description: `The tool ${name}.`,
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', maxLength: 20 } },
        required: ['text'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: !destructive, destructiveHint: destructive },
      scopes: [scope],
      version: '1.0.0',
      destructive,
    },
    async call(args, context) {
      world.calls.push({ tool: name, args, context });
      await world.onCall(context);
      return { content: [{ type: 'text', text: String(args.text) }] };
    },
  });
  const server = await serveTools({
    identity: {
      name: 'test',
      title: 'Test',
      description: 'Echoes.',
      version: '1.0.0',
      owner: 'testers',
      slo: { availability: 99, latencyP95Ms: 100 },
    },
    tools: [tool('echo.read', 'echo:read', false), tool('echo.write', 'echo:write', true)],
    host: '127.0.0.1',
    port: 0,
    publicUrl: undefined,
    allowedHosts: [],
    audience,
    gateway: { issuer: tokens.issuer, actors: [tokens.actor] },
    registry: { issuer: tokens.registry.issuer, actors: [tokens.registry.actor] },
    verifier: tokens.verifier,
    audit,
    bodyBytesMax: 65_536,
    drainTimeoutMs: 2_000,
    logger: silentLogger(),
    now: Date.now,
    problems: async () => [],
    ...overrides,
  });
  return Object.assign(world, {
    server,
    post(message: unknown, { token, headers, signal }: PostOptions = {}) {
      const bearer = token === undefined ? tokens.token(audience, { scope: 'echo:read' }) : token;
      return fetch(server.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
          ...headers,
        },
        body: typeof message === 'string' ? message : JSON.stringify(message),
        ...(signal !== undefined && { signal }),
      });
    },
  });
}

export function callMessage(name: string, args: unknown = { text: 'hello' }, id: string | number = 1): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}
