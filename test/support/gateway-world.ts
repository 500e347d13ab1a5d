import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import type { TenantSettings } from '../../runtime/contract/decision.ts';
import type { CatalogueSnapshot, ServerEntry } from '../../runtime/contract/registry.ts';
import { listenGateway, type RunningGateway } from '../../runtime/gateway/app.ts';
import { openApprovals } from '../../runtime/gateway/approval/open-approvals.ts';
import { startsNoWorkflow } from '../../runtime/gateway/approval/start-workflow.ts';
import { createUpstreamClient } from '../../runtime/gateway/clients/upstream.ts';
import type { GatewayDeps } from '../../runtime/gateway/deps.ts';
import { createGatewayMetrics } from '../../runtime/gateway/gateway-metrics.ts';
import type { GatewaySettings } from '../../runtime/gateway/gateway-settings.ts';
import { createSchemaCache } from '../../runtime/shared/compile-schema.ts';
import { createFailureLog } from '../../runtime/shared/failure-log.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { createPolicyClient, type PolicyClient } from '../../runtime/shared/policy-client.ts';
import { redactJson } from '../../runtime/shared/redact-json.ts';
import { createMintUpstreamToken } from '../../runtime/shared/signing-keys/mint-upstream-token.ts';
import { ownSigningKeys } from '../../runtime/shared/signing-keys/signing-keys.ts';
import { askedApprovals } from './approvals.ts';
import { sampleServer, sampleTool, sampleVersion } from './catalogue.ts';
import { type EchoUpstream, startEchoUpstream } from './echo-upstream.ts';
import { createMemoryAudit, type MemoryAudit } from './memory-audit.ts';
import { createTestIssuer, type TestIssuer } from './test-issuer.ts';

/** A gateway on a free port with real policy, real tokens and a real upstream; only the stores are doubles. */
export interface GatewayWorld {
  readonly gateway: RunningGateway;
  readonly deps: GatewayDeps;
  readonly settings: GatewaySettings;
  readonly issuer: TestIssuer;
  readonly audit: MemoryAudit;
  readonly upstream: EchoUpstream;
  /** The catalogue that the gateway sees; a new object for each change. */
  catalogue: CatalogueSnapshot;
  /** Sends one modern request with its headers; anything may be changed. */
  send(options?: SendOptions): Promise<Answer>;
  /** The event that the last exchange left. */
  lastEvent(): AuditEvent;
  /** Puts doubles in the place of parts; the answer puts the parts back. */
  override(parts: Partial<GatewayDeps>): () => void;
  close(): Promise<void>;
}

export interface SendOptions {
  readonly path?: string;
  readonly httpMethod?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly id?: unknown;
  /** Takes the place of the whole body. */
  readonly body?: string | Buffer;
  /** `null` leaves a header out. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly token?: string | null;
  readonly era?: 'modern' | 'legacy';
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
  readonly json: any;
}

export interface WorldOptions {
  readonly servers?: (upstreamUrl: string) => readonly ServerEntry[];
  readonly tenants?: Readonly<Record<string, TenantSettings>>;
  readonly deps?: Partial<GatewayDeps>;
  readonly settings?: Partial<GatewaySettings>;
  readonly upstreamIdleTimeoutMs?: number;
}

export const publicUrl = 'http://gateway.test';
const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));

/** Servers `alpha` (echo.say, echo.shout, echo.admin) and `beta` (beta.secret). */
export function sampleServers(upstreamUrl: string): readonly ServerEntry[] {
  const tools = [
    sampleTool({ name: 'echo.say' }),
    sampleTool({
      name: 'echo.shout',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', pattern: '^[a-z ]+$' }, times: { type: 'integer', maximum: 3 } },
        required: ['text'],
        additionalProperties: false,
      },
    }),
    sampleTool({ name: 'echo.admin', scopes: ['echo:admin', 'echo:read'] }),
  ];
  return [
    sampleServer('alpha', [sampleVersion(upstreamUrl, tools)]),
    sampleServer('beta', [sampleVersion(upstreamUrl, [sampleTool({ name: 'beta.secret' })])]),
  ];
}

export const sampleTenants: Readonly<Record<string, TenantSettings>> = {
  acme: {
    tools_by_role: {
      reader: ['echo.say', 'echo.shout', 'echo.admin'],
      operator: ['echo.say', 'echo.shout', 'beta.secret'],
    },
    servers_by_role: { reader: ['alpha'], operator: ['alpha', 'beta'] },
  },
  globex: { tools_by_role: { reader: ['echo.say'] }, servers_by_role: {} },
};

/** Real policy with the tenants of a test. */
export async function openTestPolicy(
  tenants: Readonly<Record<string, TenantSettings>>,
): Promise<{ policy: PolicyClient; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-world-'));
  const tenantsFile = join(folder, 'tenants-of-test.json');
  await writeFile(tenantsFile, JSON.stringify({ tenants }));
  const bundle = join(folder, 'bundle');
  await assemblePolicyBundle(policiesFolder, bundle, { tenantsFile });
  const policy = await createPolicyClient({ folder: bundle, pollMs: 0 });
  const { fault } = policy.status();
  if (fault !== undefined) throw new Error(`the policy bundle of the test is refused: ${fault}`);
  return {
    policy,
    close: async () => {
      policy.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startGatewayWorld(options: WorldOptions = {}): Promise<GatewayWorld> {
  const upstream = await startEchoUpstream();
  const { policy, close: closePolicy } = await openTestPolicy(options.tenants ?? sampleTenants);
  const audit = createMemoryAudit();
  const now = Date.now;
  const issuer = createTestIssuer(now);
  const signingKeys = ownSigningKeys(now, 86_400_000);
  const client = createUpstreamClient({
    connectionsMax: 64,
    connectTimeoutMs: 500,
    idleTimeoutMs: options.upstreamIdleTimeoutMs ?? 5000,
  });
  const deps: GatewayDeps = {
    now,
    logger: silentLogger(),
    verifier: issuer.verifier,
    catalogue: () => world.catalogue,
    policy,
    quota: {
      take: async (_caller, _tool, window) => ({ ordinal: window === undefined ? undefined : 1, remaining: 99 }),
    },
    grants: {
      put: async () => {},
      find: async () => undefined,
      consume: async () => false,
      findWindow: async () => undefined,
      consumeOne: async () => undefined,
    },
    ...openApprovals({ store: askedApprovals(), now, signingKeys, publicUrl, holdMs: 0 }),
    startWorkflow: startsNoWorkflow,
    audit,
    redactJson,
    schemas: createSchemaCache(),
    signingKeys,
    mint: createMintUpstreamToken({
      now,
      keys: signingKeys,
      issuer: publicUrl,
      actor: 'spiffe://toolgate.test/gateway',
    }),
    upstream: client,
    metrics: createGatewayMetrics({ withProcess: false }),
    failures: createFailureLog({ logger: silentLogger(), now }),
    close: () => client.close(),
    ...options.deps,
  };
  const settings: GatewaySettings = {
    publicUrl,
    issuers: [issuer.issuer],
    allowedHosts: ['127.0.0.1'],
    allowedOrigins: [],
    bodyBytesMax: 1_048_576,
    anonymousDiscovery: 'names',
    drainTimeoutMs: 500,
    ...options.settings,
  };
  const gateway = await listenGateway(settings, deps, { host: '127.0.0.1', port: 0 });
  const world: GatewayWorld = {
    gateway,
    deps,
    settings,
    issuer,
    audit,
    upstream,
    catalogue: { version: 1, servers: (options.servers ?? sampleServers)(upstream.url) },
    send: (sending) => sendTo(world, sending),
    lastEvent: () => {
      const event = audit.events.at(-1);
      if (event === undefined) throw new Error('there is no event');
      return event;
    },
    override: (parts) => {
      const before = { ...deps };
      Object.assign(deps, parts);
      return () => Object.assign(deps, before);
    },
    close: async () => {
      await gateway.close();
      await deps.close();
      await upstream.close();
      await closePolicy();
    },
  };
  return world;
}

export const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
};

/** A tools/call of `echo.say` unless told otherwise. */
function sendTo(world: GatewayWorld, options: SendOptions = {}): Promise<Answer> {
  const { path = '/mcp', era = 'modern', method = 'tools/call', id = 1 } = options;
  const params: Record<string, unknown> =
    options.params ?? (method === 'tools/call' ? { name: 'echo.say', arguments: { text: 'hello' } } : {});
  const whole = era === 'modern' ? { _meta: modernMeta, ...params } : params;
  const body = options.body ?? JSON.stringify({ jsonrpc: '2.0', id, method, params: whole });
  const resource = path === '/' ? `${publicUrl}/mcp` : publicUrl + (path.split('?')[0] as string);
  const token = options.token === undefined ? world.issuer.token({ aud: resource, ...options.claims }) : options.token;
  const headers: Record<string, string | readonly string[] | null> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(era === 'modern' && {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof params.name === 'string' && method !== 'tools/list' && { 'mcp-name': params.name }),
    }),
    ...options.headers,
  };
  return exchange(world.gateway, {
    path,
    httpMethod: options.httpMethod ?? 'POST',
    headers,
    body,
    ...(options.signal !== undefined && { signal: options.signal }),
  });
}

/** One HTTP exchange, with headers exactly as given. */
export function exchange(
  gateway: Pick<RunningGateway, 'port'>,
  sending: {
    readonly path: string;
    readonly httpMethod: string;
    readonly headers: Readonly<Record<string, string | readonly string[] | null>>;
    readonly body?: string | Buffer;
    readonly signal?: AbortSignal;
  },
): Promise<Answer> {
  const headers = Object.fromEntries(Object.entries(sending.headers).filter(([, value]) => value !== null)) as Record<
    string,
    string | string[]
  >;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: gateway.port,
        path: sending.path,
        method: sending.httpMethod,
        headers,
        agent: false,
        ...(sending.signal !== undefined && { signal: sending.signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(sending.body);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
