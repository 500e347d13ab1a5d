import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { CapabilityManifest, CapabilityTool } from '../../runtime/contract/registry.ts';

/** A tool with everything that a manifest needs. */
export function sampleCapability(changes: Partial<CapabilityTool> & { readonly name: string }): CapabilityTool {
  return {
    description: `The tool ${changes.name}.`,
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    annotations: { readOnlyHint: true },
    scopes: ['echo:read'],
    version: '1.0.0',
    destructive: false,
    ...changes,
  };
}

export function sampleManifest(
  origin: string,
  tools: readonly CapabilityTool[],
  server: Partial<CapabilityManifest['server']> = {},
): CapabilityManifest {
  const name = server.name ?? 'echo';
  return {
    schemaVersion: '1',
    server: {
      name,
      title: `Server ${name}`,
      description: `The server ${name}.`,
      version: '1.0.0',
      owner: 'team-test',
      slo: { availability: 99.9, latencyP95Ms: 500 },
      ...server,
    },
    transport: { type: 'streamable-http', url: `${origin}/mcp` },
    auth: {
      type: 'oauth2',
      audience: `urn:upstream:${name}`,
      issuers: ['https://gateway.test'],
      scopes: [...new Set(tools.flatMap(({ scopes }) => scopes))],
    },
    tools,
  };
}

/** A tool server as the registry meets it: a manifest and `tools/list`. Both are the test's to change. */
export interface SampleToolServer {
  readonly origin: string;
  manifest: unknown;
  /** What `tools/list` has; the tools of the manifest unless the test says otherwise. */
  tools: readonly unknown[] | undefined;
  pageSize: number;
  asStream: boolean;
  /** Answers instead of the server when it returns true. */
  interfere: (request: IncomingMessage, response: ServerResponse, body: string) => boolean;
  /** Bearer tokens and protocol headers of every POST. */
  readonly posts: { authorization: string | undefined; method: string | undefined; version: string | undefined }[];
}

export async function startToolServer(t: { after(fn: () => Promise<void>): void }): Promise<SampleToolServer> {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const sample: SampleToolServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    manifest: undefined,
    tools: undefined,
    pageSize: 2,
    asStream: false,
    interfere: () => false,
    posts: [],
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (sample.interfere(request, response, body)) return;
    if (request.method === 'GET') {
      const isManifest = request.url === '/.well-known/mcp-capabilities';
      send(response, isManifest ? 200 : 404, isManifest ? sample.manifest : {});
      return;
    }
    sample.posts.push({
      authorization: request.headers.authorization,
      method: request.headers['mcp-method']?.toString(),
      version: request.headers['mcp-protocol-version']?.toString(),
    });
    const { id, params } = JSON.parse(body) as { id: number; params: { cursor?: string } };
    const tools = sample.tools ?? (sample.manifest as CapabilityManifest).tools.map(listed);
    const start = Number(params.cursor ?? 0);
    const end = start + sample.pageSize;
    const result = {
      resultType: 'complete',
      tools: tools.slice(start, end),
      ...(end < tools.length && { nextCursor: String(end) }),
    };
    const message = { jsonrpc: '2.0', id, result };
    if (!sample.asStream) return send(response, 200, message);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const notification = { jsonrpc: '2.0', method: 'notifications/progress', params: {} };
    response.end(
      `: hello\n\ndata: ${JSON.stringify(notification)}\n\nevent: message\r\ndata: ${JSON.stringify(message)}\n\n`,
    );
  }
  return sample;
}

/** A tool as `tools/list` has it. */
export function listed({ name, title, description, inputSchema, outputSchema, annotations }: CapabilityTool): object {
  return { name, title, description, inputSchema, outputSchema, annotations, _meta: { 'test/any': true } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
