import type { Json } from '../contract/json.ts';
import { catalogueTable } from '../contract/tables.ts';
import { registryActor } from '../contract/upstream-issuers.ts';
import { openAudit } from '../shared/audit/open-audit.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import { type CatalogueStore, createCatalogueStore } from '../shared/catalogue-store.ts';
import { createDynamoClient, type DynamoDBClient } from '../shared/dynamo.ts';
import { createLease } from '../shared/lease.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import { createListParameters, createSsmClient } from '../shared/parameters.ts';
import { createSafeFetch, type SafeFetch } from '../shared/safe-fetch.ts';
import { openSigningKeys } from '../shared/signing-keys/open-signing-keys.ts';
import { createListTools } from './clients/list-tools.ts';
import type { ReconcileDeps } from './declarations/reconcile.ts';
import type { RegistryEnv } from './env.ts';
import { createMintRegistryToken } from './mint-registry-token.ts';

/** Everything that registration may reach. A plain object of functions, made once. */
export interface RegistryDeps {
  readonly now: () => number;
  readonly logger: Logger;
  readonly store: CatalogueStore;
  /** GETs manifests; guarded against addresses that are not public and against bodies without end. */
  readonly fetch: SafeFetch;
  /** `tools/list` of the server itself, all pages, as the gateway would see it: `audience` is that of the token. */
  readonly listTools: (url: string, audience: string) => Promise<readonly Json[]>;
  readonly audit: AuditWriter;
  /** Origins that no server may have as its audience: the gateway's and the authorization server's own. */
  readonly reservedOrigins: readonly string[];
}

/** Of a manifest, and of one page of tools. */
const documentBytesMax = 4 * 1024 * 1024;
const documentTimeoutMs = 10_000;

export interface RegistryParts {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly logger: Logger;
  readonly audit: AuditWriter;
  /** Only on a laptop: servers may be on this machine. */
  readonly allowLoopback: boolean;
  /** Names below it may lead to private addresses. @default none */
  readonly toolDomain?: string | undefined;
  readonly reservedOrigins: readonly string[];
  /** A token of the registry's own issuer that is good at one audience. */
  readonly mintToken: (audience: string) => string | Promise<string>;
  /** @default Date.now */
  readonly now?: () => number;
}

export function createRegistryDeps(parts: RegistryParts): RegistryDeps {
  const { client, tablePrefix, logger, audit, allowLoopback, toolDomain, reservedOrigins, mintToken } = parts;
  const fetch = createSafeFetch({
    allowLoopback,
    bodyBytesMax: documentBytesMax,
    timeoutMs: documentTimeoutMs,
    ...(toolDomain !== undefined && { internalDomain: toolDomain }),
  });
  return {
    now: parts.now ?? Date.now,
    logger,
    store: createCatalogueStore({ client, tablePrefix }),
    fetch,
    listTools: createListTools({ fetch, token: mintToken }),
    audit,
    reservedOrigins,
  };
}

/** What the registry as a process of its own reaches beside that. */
export interface RegistryProcessDeps extends ReconcileDeps {
  /** Why no server can be asked yet, in a phrase; undefined when it can. */
  readonly waitsFor: () => string | undefined;
  /** What is wrong with parts that are there, one phrase each. */
  readonly problems: () => readonly string[];
  /** Ends clients; the record is closed last. */
  readonly close: () => Promise<void>;
}

/** Another replica takes over after this many passes that did not come; never sooner than the seconds that a pass may take. */
const leasePasses = 3;
const leaseMsMin = 30_000;

/** Makes everything once. Rejects with one sentence when the audit record cannot be written; nothing else stops the boot. */
export async function createRegistryProcessDeps(env: RegistryEnv): Promise<RegistryProcessDeps> {
  const now = Date.now;
  const logger = createLogger('registry', env.LOG_LEVEL);
  const audit = await openAudit(env, { now, logger });
  const tablePrefix = env.TABLE_PREFIX;
  const client = createDynamoClient({
    region: env.AWS_REGION,
    ...(env.DYNAMODB_ENDPOINT !== '' && {
      endpoint: env.DYNAMODB_ENDPOINT,
      // An embedded DynamoDB asks for credentials and looks at none.
      credentials: { accessKeyId: 'embedded', secretAccessKey: 'embedded' },
    }),
  });
  const { GATEWAY_URL: gatewayUrl, TRUST_DOMAIN: trustDomain } = env;
  const actor = registryActor(trustDomain);
  const keys = await openSigningKeys(env, { actor, writer: 'registry', client, now, logger });
  const ssm = createSsmClient({ region: env.AWS_REGION });
  const listParameters = createListParameters(ssm);
  return {
    ...createRegistryDeps({
      client,
      tablePrefix,
      logger,
      audit,
      allowLoopback: env.TOOLGATE_LOOPBACK_SERVERS,
      toolDomain: env.TOOL_DOMAIN,
      reservedOrigins: [gatewayUrl, env.AUTHORIZATION_ISSUER],
      mintToken: createMintRegistryToken({ now, keys, gatewayUrl, trustDomain }),
    }),
    waitsFor: keys.problem,
    declarations: () => listParameters(env.DECLARATIONS_PATH),
    // Two that hold it do no harm: every write in the catalogue has its own condition.
    lease: createLease({
      client,
      now,
      table: `${tablePrefix}${catalogueTable.name}`,
      key: { pk: 'lease', sk: 'declarations' },
      code: 'catalogue_unavailable',
      heldMs: Math.max(leasePasses * env.DECLARATIONS_POLL_MS, leaseMsMin),
    }),
    problems: () => (audit.status().isWriting ? [] : ['the audit record cannot be written']),
    close: async () => {
      keys.close();
      await audit.close();
      ssm.destroy();
      client.destroy();
    },
  };
}
