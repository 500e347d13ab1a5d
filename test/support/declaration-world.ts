import type { TestContext } from 'node:test';
import type { CapabilityManifest, VersionStatus } from '../../runtime/contract/registry.ts';
import type { ServerDeclaration } from '../../runtime/contract/server-declaration.ts';
import { createReconciliation, type ReconcileDeps } from '../../runtime/registry/declarations/reconcile.ts';
import { createRegistryDeps } from '../../runtime/registry/deps.ts';
import { createLease } from '../../runtime/shared/lease.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { openTestDynamo, type TestDynamo, tablePrefix } from './local-dynamo.ts';
import { createMemoryAudit, type MemoryAudit } from './memory-audit.ts';
import { type SampleToolServer, sampleCapability, sampleManifest, startToolServer } from './tool-server.ts';

export const leaseMs = 30_000;
export const recheckMs = 300_000;
export const retryMs = 1000;

/** Tool servers, what is declared of them, and replicas that bring the catalogue to it. */
export interface DeclarationWorld {
  readonly dynamo: TestDynamo;
  /** By name, as they would be written in SSM; a test writes here. */
  readonly declared: Map<string, string>;
  /** Time of every replica; a test may move it. */
  readonly clock: { ms: number };
  /** A tool server with one tool that reads and one that changes, as `declare` declares it. */
  addServer(name: string, version?: string): Promise<SampleToolServer>;
  declare(server: SampleToolServer, changes?: object): void;
  addReplica(changes?: Partial<ReconcileDeps>): Replica;
  /** `name version status`, in the order of the catalogue. */
  catalogue(): Promise<readonly string[]>;
}

export interface Replica extends ReturnType<typeof createReconciliation> {
  readonly deps: ReconcileDeps;
  readonly audit: MemoryAudit;
  /** What went into the record, as `server outcome`. */
  recorded(): readonly string[];
}

export async function startDeclarationWorld(t: TestContext): Promise<DeclarationWorld> {
  const dynamo = await openTestDynamo(t);
  const declared = new Map<string, string>();
  const clock = { ms: 1_795_000_000_000 };
  const now = () => clock.ms;

  function addReplica(changes: Partial<ReconcileDeps> = {}): Replica {
    const client = dynamo.createClient();
    const audit = createMemoryAudit();
    const deps = {
      ...createRegistryDeps({
        client,
        tablePrefix,
        logger: silentLogger(),
        audit,
        reservedOrigins: ['https://gateway.test'],
        mintToken: (audience) => `token-for-${audience}`,
        allowLoopback: true,
        now,
      }),
      lease: createLease({
        client,
        now,
        table: `${tablePrefix}catalogue`,
        key: { pk: 'lease', sk: 'declarations' },
        code: 'catalogue_unavailable',
        heldMs: leaseMs,
      }),
      declarations: async () => new Map(declared),
      ...changes,
    };
    const options = { path: '/toolgate/test/servers', toolDomain: undefined, recheckMs, retryMs };
    const reconciliation = createReconciliation(deps, options);
    const recorded = () => audit.events.map(({ server, code, response }) => `${server} ${code ?? response}`);
    return { ...reconciliation, deps, audit, recorded };
  }

  return {
    dynamo,
    declared,
    clock,
    addReplica,
    async addServer(name, version = '1.0.0') {
      const server = await startToolServer(t);
      server.manifest = sampleManifest(server.origin, toolsOf(name), { name, version });
      return server;
    },
    declare: (server, changes) => {
      const declaration = declarationOf(server, changes);
      declared.set(declaration.name, JSON.stringify(declaration));
    },
    async catalogue() {
      const { servers } = await addReplica().deps.store.read();
      return servers.flatMap(({ name, versions }) =>
        versions.map(
          ({ version, status }: { version: string; status: VersionStatus }) => `${name} ${version} ${status}`,
        ),
      );
    },
  };
}

function toolsOf(name: string) {
  return [
    sampleCapability({ name: `${name}.read`, scopes: [`${name}:read`] }),
    sampleCapability({
      name: `${name}.write`,
      scopes: [`${name}:write`],
      destructive: true,
      annotations: { destructiveHint: true },
    }),
  ];
}

/** What a stack would declare of a server, with everything in agreement unless `changes` says otherwise. */
export function declarationOf(server: SampleToolServer, changes: object = {}): ServerDeclaration {
  const { server: identity, auth, tools } = server.manifest as CapabilityManifest;
  const { name, owner } = identity;
  return {
    v: 1,
    name,
    owner,
    url: server.origin,
    audience: auth.audience,
    tools: tools.map(({ name, scopes, destructive }) => ({ name, scopes, destructive })),
    scopes: Object.fromEntries(
      tools.flatMap(({ scopes, destructive }) =>
        scopes.map((scope) => [scope, { words: `use ${scope.replaceAll(':', ' ')}`, changes: destructive }]),
      ),
    ),
    slo: { availability: 99.5, latencyP95Ms: 250 },
    ...changes,
  };
}
