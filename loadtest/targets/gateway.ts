import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { listenGateway } from '../../runtime/gateway/app.ts';
import { openApprovals } from '../../runtime/gateway/approval/open-approvals.ts';
import { startsNoWorkflow } from '../../runtime/gateway/approval/start-workflow.ts';
import { createQuotaCounter } from '../../runtime/gateway/clients/quota-counter.ts';
import { createUpstreamClient } from '../../runtime/gateway/clients/upstream.ts';
import type { GatewayDeps } from '../../runtime/gateway/deps.ts';
import { createGatewayMetrics } from '../../runtime/gateway/gateway-metrics.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { openAuditWriter } from '../../runtime/shared/audit/open-audit-writer.ts';
import { createSchemaCache } from '../../runtime/shared/compile-schema.ts';
import { createFailureLog } from '../../runtime/shared/failure-log.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { redactJson } from '../../runtime/shared/redact-json.ts';
import { createMintUpstreamToken } from '../../runtime/shared/signing-keys/mint-upstream-token.ts';
import { ownSigningKeys } from '../../runtime/shared/signing-keys/signing-keys.ts';
import { sampleServer, sampleTool, sampleVersion } from '../../test/support/catalogue.ts';
import { openTestPolicy } from '../../test/support/gateway-world.ts';
import { createTestIssuer } from '../../test/support/test-issuer.ts';
import type { BenchControl, Without } from './controls.ts';
import { announceTarget } from './serve-target.ts';
import { createStoreClient } from './store-client.ts';

/** The gateway of the benchmark: every part is the real one; `WITHOUT` names what is taken out. */
const without = process.env.WITHOUT as Without | '';
const publicUrl = 'http://gateway.bench';
const resource = `${publicUrl}/servers/bench/mcp`;
const now = Date.now;
const folder = mkdtempSync(join(tmpdir(), 'toolgate-bench-'));

const issuer = createTestIssuer(now);
const token = issuer.token({
  aud: resource,
  kind: 'agent',
  roles: ['agent'],
  scope: 'bench:add bench:change',
  exp: Math.floor(now() / 1000) + 86_400,
});
// Limits that no run reaches: what is measured is the counting, not the refusing.
const plenty = 1_000_000_000;
const { policy } = await openTestPolicy({
  acme: {
    tools_by_role: { agent: ['bench.add', 'bench.change'] },
    calls_per_minute: { 'bench.add': plenty, 'bench.change': plenty },
  },
});
// A store of its own process, where more than one gateway or what it costs beside a gateway is of interest.
const { STORE_ENDPOINT: storeEndpoint } = process.env;
const dynamo = storeEndpoint === undefined ? await startDynamo() : undefined;
const dynamodb = dynamo?.createClient() ?? createStoreClient(storeEndpoint ?? '');
if (dynamo !== undefined) await createTables(dynamodb, 'bench-', tables);
const bucket = { perMinute: plenty, burst: plenty };
const signingKeys = ownSigningKeys(now, 86_400_000);
const upstream = createUpstreamClient({ connectionsMax: 64, connectTimeoutMs: 3000, idleTimeoutMs: 60_000 });
const catalogue = {
  version: 1,
  servers: [sampleServer('bench', [sampleVersion(`${process.env.UPSTREAM_ORIGIN}/mcp`, [benchTool(), changeTool()])])],
};

const audit = await openAuditWriter({ directory: join(folder, 'audit'), writer: 'bench', now, logger: silentLogger() });

const everything: GatewayDeps = {
  now,
  logger: silentLogger(),
  verifier: issuer.verifier,
  catalogue: () => catalogue,
  policy,
  quota: createQuotaCounter({
    client: dynamodb,
    tablePrefix: 'bench-',
    now,
    limits: { identity: { human: bucket, agent: bucket, 'tenant-key': bucket }, tenant: bucket },
  }),
  grants: createGrantStore({ client: dynamodb, tablePrefix: 'bench-' }),
  ...openApprovals({
    store: createApprovalStore({ client: dynamodb, tablePrefix: 'bench-' }),
    now,
    signingKeys,
    publicUrl,
    holdMs: Number(process.env.HOLD_MS ?? 0),
  }),
  startWorkflow: startsNoWorkflow,
  audit,
  redactJson,
  schemas: createSchemaCache(),
  signingKeys,
  mint: createMintUpstreamToken({
    now,
    keys: signingKeys,
    issuer: publicUrl,
    actor: 'spiffe://toolgate.bench/gateway',
  }),
  upstream,
  metrics: createGatewayMetrics({ withProcess: false }),
  failures: createFailureLog({ logger: silentLogger(), now }),
  close: () => upstream.close(),
};

const doubles: Record<BenchControl, Partial<GatewayDeps>> = {
  authenticate: { verifier: { verify: await constantly(issuer.verifier.verify(token, resource)) } },
  policy: {
    policy: {
      ...policy,
      decide: () => ({ allow: true, reasons: [], obligations: [{ type: 'redact_pii' }], revision: '000000000000' }),
      quota: () => ({ allow: true, reasons: [], revision: '000000000000' }),
      tenant: () => undefined,
      revision: () => '000000000000',
    },
  },
  quota: { quota: { take: async () => ({ ordinal: 1, remaining: 1 }) } },
  validate: { schemas: { check: () => () => [] } },
  mint: { mint: () => 'none' },
  redact: { redactJson: (value) => ({ value, pii: {} }) },
  audit: { audit: { append: async () => ({}) as AuditRecord, close: async () => {} } },
};

const gateway = await listenGateway(
  {
    publicUrl,
    issuers: [issuer.issuer],
    allowedHosts: ['127.0.0.1'],
    allowedOrigins: [],
    bodyBytesMax: 1_048_576,
    anonymousDiscovery: 'names',
    drainTimeoutMs: 500,
  },
  { ...everything, ...doublesOf(without) },
  { host: '127.0.0.1', port: 0 },
);
announceTarget(gateway.port, { headers: { authorization: `Bearer ${token}` } }, async () => {
  await gateway.close();
  await audit.close();
  policy.close();
  dynamodb.destroy();
  await dynamo?.close();
  rmSync(folder, { recursive: true, force: true });
});

function doublesOf(what: Without | ''): Partial<GatewayDeps> {
  if (what === '') return {};
  return what === 'controls' ? Object.assign({}, ...Object.values(doubles)) : doubles[what];
}

async function constantly<T>(answer: Promise<T>): Promise<() => Promise<T>> {
  const settled = Promise.resolve(await answer);
  return () => settled;
}

function benchTool() {
  return sampleTool({
    name: 'bench.add',
    scopes: ['bench:add'],
    inputSchema: {
      type: 'object',
      properties: {
        a: { type: 'number' },
        b: { type: 'number' },
        unit: { type: 'string', maxLength: 20 },
        note: { type: 'string' },
      },
      required: ['a', 'b'],
      additionalProperties: false,
    },
  });
}

/** One that waits for a person. */
function changeTool() {
  const inputSchema = { type: 'object', properties: { order: { type: 'number' } }, required: ['order'] };
  return sampleTool({ name: 'bench.change', scopes: ['bench:change'], destructive: true, inputSchema });
}
