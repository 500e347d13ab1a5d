import type { Json } from '../contract/json.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { CatalogueStore } from '../shared/catalogue-store.ts';
import type { Logger } from '../shared/logger.ts';
import type { SafeFetch } from '../shared/safe-fetch.ts';

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
