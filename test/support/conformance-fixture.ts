import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, fromJsonSchema, McpServer, type ServerNotifier } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../runtime/contract/json.ts';
import type { CapabilityManifest, CapabilityTool } from '../../runtime/contract/registry.ts';
import type { TokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { askingTools } from './conformance-fixture/asking-tools.ts';
import { contentTools } from './conformance-fixture/content-tools.ts';
import { registerPrompts, registerResources } from './conformance-fixture/documents.ts';
import { fixtureScope } from './conformance-fixture/fixture-tool.ts';
import { createSeal, type SealState } from './conformance-fixture/round-state.ts';
import { roundsTools } from './conformance-fixture/rounds-tools.ts';

/** The server that the official suite asks for: every tool, prompt and resource that its scenarios name, in both eras, stateless. */
export interface ConformanceFixture {
  /** The MCP endpoint, by address; the suite wants it as `localhost`, see {@link localUrl}. */
  readonly url: string;
  readonly localUrl: string;
  /** Its origin: the manifest is at its `/.well-known/mcp-capabilities`. */
  readonly baseUrl: string;
  readonly manifest: CapabilityManifest;
  readonly tools: readonly CapabilityTool[];
  close(): Promise<void>;
}

export interface ConformanceFixtureOptions {
  /** @default 0, any free one */
  readonly port?: number;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** With it, every message must carry a token that this verifier believes; without it nobody is asked. */
  readonly verifier?: TokenVerifier;
  /** `aud` of those tokens. @default urn:toolgate:fixture */
  readonly audience?: string;
  /** Named in the manifest, which needs one. @default http://localhost */
  readonly issuers?: readonly string[];
}

const fixtureTools = [...contentTools, ...roundsTools, ...askingTools];

/** Names of its tools, for policy data that is written before it runs. */
export const fixtureToolNames: readonly string[] = fixtureTools.map(({ definition }) => definition.name);

const registrations = fixtureTools.map(({ definition, call }) => ({
  definition,
  call,
  inputSchema: fromJsonSchema<JsonObject>(definition.inputSchema),
}));
const cacheHint = { ttlMs: 60_000, cacheScope: 'private' } as const;

/** Starts the fixture. Rejects with the system's error when it cannot listen. */
export async function startConformanceFixture(options: ConformanceFixtureOptions = {}): Promise<ConformanceFixture> {
  const { host = '127.0.0.1', audience = 'urn:toolgate:fixture', verifier } = options;
  const seal = createSeal();
  const handler = createMcpHandler(() => buildServer(seal, handler.notify), { legacy: 'stateless' });
  const serveMcp = toNodeHandler(handler);
  const isHostAllowed = localhostHostValidation();
  const isOriginAllowed = localhostOriginValidation();
  const server = createServer((request, response) => {
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return;
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET' && request.url === manifestPath) return sendJson(response, 200, manifest);
    if (request.url !== '/mcp') return sendJson(response, 404, { error: 'There is nothing here.' });
    if (verifier !== undefined && !(await isBelieved(request, verifier, audience))) {
      return sendJson(
        response,
        401,
        { error: 'invalid_token' },
        { 'www-authenticate': 'Bearer error="invalid_token"' },
      );
    }
    // Node's own type and the SDK's differ in `undefined` of optional members only.
    await serveMcp(request as Parameters<typeof serveMcp>[0], response);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host}:${port}/mcp`;
  const manifest = describe(url, audience, options.issuers ?? ['http://localhost']);
  return {
    url,
    localUrl: `http://localhost:${port}/mcp`,
    baseUrl: `http://${host}:${port}`,
    manifest,
    tools: manifest.tools,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await handler.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const manifestPath = '/.well-known/mcp-capabilities';

function buildServer(seal: SealState, notify: ServerNotifier): McpServer {
  const server = new McpServer(
    { name: 'toolgate-conformance-fixture', version: '1.0.0' },
    {
      capabilities: { logging: {}, resources: { subscribe: true } },
      cacheHints: {
        'server/discover': cacheHint,
        'tools/list': cacheHint,
        'prompts/list': cacheHint,
        'resources/list': cacheHint,
        'resources/templates/list': cacheHint,
        'resources/read': cacheHint,
      },
      requestState: { verify: seal.verify },
    },
  );
  for (const { definition, call, inputSchema } of registrations) {
    const { name, description, annotations } = definition;
    server.registerTool(name, { description, annotations, inputSchema }, (args, context) =>
      call(args, { context, notify, seal }),
    );
  }
  registerPrompts(server);
  registerResources(server);
  // Removed in 2026-07-28, where the SDK refuses them by itself. Nothing here ever changes, so there is nothing to remember.
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
  return server;
}

function describe(url: string, audience: string, issuers: readonly string[]): CapabilityManifest {
  return {
    schemaVersion: '1',
    server: {
      name: 'fixture',
      title: 'Conformance fixture',
      description: 'Everything that the official MCP conformance suite asks of a server.',
      version: '1.0.0',
      owner: 'team-conformance',
      slo: { availability: 99, latencyP95Ms: 1000 },
    },
    transport: { type: 'streamable-http', url },
    auth: { type: 'oauth2', audience, issuers, scopes: [fixtureScope] },
    tools: fixtureTools.map(({ definition }) => definition),
  };
}

async function isBelieved(request: IncomingMessage, verifier: TokenVerifier, audience: string): Promise<boolean> {
  const token = /^Bearer ([^ ]+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return false;
  return verifier.verify(token, audience).then(
    () => true,
    () => false,
  );
}

function sendJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
