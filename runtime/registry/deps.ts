import type { Json } from '../contract/json.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import { type CatalogueStore, createCatalogueStore } from '../shared/catalogue-store.ts';
import type { DynamoDBClient } from '../shared/dynamo.ts';
import type { Logger } from '../shared/logger.ts';
import { createSafeFetch, type SafeFetch } from '../shared/safe-fetch.ts';
import { createListTools } from './clients/list-tools.ts';

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
  readonly reservedOrigins: readonly string[];
  /** A gateway's token that is good at one audience. */
  readonly mintToken: (audience: string) => string | Promise<string>;
}

export function createRegistryDeps(parts: RegistryParts): RegistryDeps {
  const { client, tablePrefix, logger, audit, allowLoopback, reservedOrigins, mintToken } = parts;
  const fetch = createSafeFetch({ allowLoopback, bodyBytesMax: documentBytesMax, timeoutMs: documentTimeoutMs });
  return {
    now: Date.now,
    logger,
    store: createCatalogueStore({ client, tablePrefix }),
    fetch,
    listTools: createListTools({ fetch, token: mintToken }),
    audit,
    reservedOrigins,
  };
}
