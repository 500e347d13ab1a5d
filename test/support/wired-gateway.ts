import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import type { TenantSettings } from '../../runtime/contract/decision.ts';
import type { ServerEntry } from '../../runtime/contract/registry.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { type RunningGateway, startGateway } from '../../runtime/gateway/app.ts';
import { createGatewayDeps, type GatewayDeps } from '../../runtime/gateway/deps.ts';
import { gatewayEnv } from '../../runtime/gateway/env.ts';
import { createTables, type LocalDynamo, startDynamo } from '../../runtime/local/dynamo.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { type Logger, silentLogger } from '../../runtime/shared/logger.ts';
import { assemblePolicyBundle } from '../../runtime/shared/policy-bundle.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { sampleServer, sampleTool, sampleVersion } from './catalogue.ts';
import { type EchoUpstream, sendJson, startEchoUpstream } from './echo-upstream.ts';
import { type Answer, exchange, modernMeta, publicUrl } from './gateway-world.ts';
import { openRelay, type Relay } from './tcp-relay.ts';
import { createTestIssuer, type TestIssuer } from './test-issuer.ts';

/** Everything that a gateway needs around it, real, and each part can be taken away. */
export interface WiredParts {
  /** The environment of a gateway in the middle of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly issuer: TestIssuer;
  readonly upstream: EchoUpstream;
  readonly dynamo: LocalDynamo;
  /** Stands between the gateway and DynamoDB. */
  readonly relay: Relay;
  readonly folder: string;
  readonly policyDir: string;
  readonly auditDir: string;
  /** How the key endpoint answers. */
  answerKeys: RequestListener;
}

/** A gateway as its process wires it. */
export interface WiredGateway extends WiredParts {
  readonly gateway: RunningGateway;
  readonly deps: GatewayDeps;
  /** Every durable record of a message, in order. */
  readonly records: readonly AuditRecord[];
  send(options?: WiredSend): Promise<Answer>;
  /** What `GET /readyz` says is missing. */
  problems(): Promise<readonly string[]>;
}

export interface WiredSend {
  readonly tool?: string;
  readonly arguments?: Record<string, unknown>;
  readonly method?: string;
  readonly token?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface WiredOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly servers?: (upstreamUrl: string) => readonly ServerEntry[];
  readonly tenants?: Readonly<Record<string, TenantSettings>>;
  readonly logger?: Logger;
  readonly hasPolicy?: boolean;
  /** Runs when everything but the gateway stands. */
  readonly beforeStart?: (world: Pick<WiredGateway, 'dynamo' | 'relay' | 'policyDir'>) => Promise<void>;
  /** Puts other parts in the place of the wired ones. */
  readonly replace?: (deps: GatewayDeps, world: Pick<WiredGateway, 'folder'>) => Promise<Partial<GatewayDeps>>;
}

export const wiredPrefix = 'wired-';
const policiesFolder = fileURLToPath(new URL('../../policies', import.meta.url));
const toolNames = ['echo.say', 'echo.change'];

export function wiredServers(upstreamUrl: string): readonly ServerEntry[] {
  const tools = [sampleTool({ name: 'echo.say' }), sampleTool({ name: 'echo.change', destructive: true })];
  return [sampleServer('alpha', [sampleVersion(upstreamUrl, tools)])];
}

/** Starts it all; everything ends with the test. */
export async function openWiredGateway(t: TestContext, options: WiredOptions = {}): Promise<WiredGateway> {
  // One object throughout: what a test changes in it is what the key endpoint sees.
  const parts = await openParts(t, options);
  const { issuer, closing } = parts;
  const records: AuditRecord[] = [];
  const onRecord = (record: AuditRecord) => {
    if (!record.event.startsWith('writer_')) records.push(record);
  };
  const env = readEnv(gatewayEnv, parts.env);
  const { logger = silentLogger() } = options;
  const deps = await createGatewayDeps(env, { logger, onRecord, withProcessMetrics: false });
  closing.push(() => deps.close());
  Object.assign(deps, await options.replace?.(deps, parts));
  const gateway = await startGateway(env, deps);
  closing.push(() => gateway.close());
  return Object.assign(parts, {
    gateway,
    deps,
    records,
    send: (sending: WiredSend = {}) => sendTo(gateway, issuer, sending),
    problems: async () => {
      const answer = await exchange(gateway, { path: '/readyz', httpMethod: 'GET', headers: {} });
      return answer.json.problems;
    },
  });
}

/** The parts without a gateway, for one that is a process of its own. */
export function openWiredParts(t: TestContext, options: WiredOptions = {}): Promise<WiredParts> {
  return openParts(t, options);
}

async function openParts(
  t: TestContext,
  options: WiredOptions,
): Promise<WiredParts & { readonly closing: (() => unknown)[] }> {
  const closing: (() => unknown)[] = [];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-wired-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const upstream = await startEchoUpstream();
  closing.push(() => upstream.close());
  const dynamo = await startDynamo();
  let hasStopped: Promise<void> | undefined;
  const stopDynamo = () => {
    hasStopped ??= dynamo.close();
    return hasStopped;
  };
  closing.push(stopDynamo);
  const relay = await openRelay(Number(new URL(dynamo.endpoint).port));
  closing.push(() => relay.close());
  const client = dynamo.createClient();
  await createTables(client, wiredPrefix, tables);
  const store = createCatalogueStore({ client, tablePrefix: wiredPrefix });
  for (const server of (options.servers ?? wiredServers)(upstream.url)) await store.put(server);
  client.destroy();

  const policyDir = join(folder, 'policy');
  if (options.hasPolicy !== false) await assembleWiredPolicy(policyDir, options.tenants);
  const issuer = createTestIssuer();
  const world = {
    answerKeys: ((_request, response) => sendJson(response, issuer.jwks)) as RequestListener,
  };
  const keysUrl = await openKeyEndpoint((request, response) => world.answerKeys(request, response), closing);
  const parts = { folder, policyDir, dynamo: { ...dynamo, close: stopDynamo }, relay };
  await options.beforeStart?.(parts);

  const auditDir = join(folder, 'audit');
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    PUBLIC_URL: publicUrl,
    ALLOWED_HOSTS: '127.0.0.1',
    ISSUERS: `${issuer.issuer}=${keysUrl}`,
    POLICY_DIR: policyDir,
    AUDIT_DIR: auditDir,
    TABLE_PREFIX: wiredPrefix,
    DYNAMODB_ENDPOINT: new URL(new URL(dynamo.endpoint).pathname, relay.url).href,
    CATALOGUE_POLL_MS: '100',
    DRAIN_TIMEOUT_MS: '200',
    APPROVAL_HOLD_MS: '0',
    ...options.env,
  };
  return Object.assign(world, { ...parts, env, issuer, upstream, auditDir, closing });
}

export async function assembleWiredPolicy(
  policyDir: string,
  tenants: Readonly<Record<string, TenantSettings>> = {
    acme: { tools_by_role: { reader: toolNames }, servers_by_role: { reader: ['alpha'] } },
  },
): Promise<void> {
  const tenantsFile = `${policyDir}-tenants.json`;
  await writeFile(tenantsFile, JSON.stringify({ tenants }));
  await assemblePolicyBundle(policiesFolder, policyDir, { tenantsFile });
}

/** A modern `tools/call` of `echo.say` unless told otherwise. */
function sendTo(gateway: RunningGateway, issuer: TestIssuer, sending: WiredSend): Promise<Answer> {
  const { tool = 'echo.say', method = 'tools/call' } = sending;
  const params = method === 'tools/call' ? { name: tool, arguments: sending.arguments ?? { text: 'hello' } } : {};
  const token = sending.token ?? issuer.token({ aud: `${publicUrl}/mcp`, ...sending.claims });
  return exchange(gateway, {
    path: '/mcp',
    httpMethod: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': method === 'tools/call' ? tool : null,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: modernMeta, ...params } }),
  });
}

async function openKeyEndpoint(answer: RequestListener, closing: (() => unknown)[]): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
}
