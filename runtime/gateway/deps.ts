import type { CatalogueSnapshot } from '../contract/registry.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { GrantStore } from '../shared/grant-store.ts';
import type { Logger } from '../shared/logger.ts';
import type { PolicyClient } from '../shared/policy-client.ts';
import type { RedactJson } from '../shared/redact-json.ts';
import type { TokenVerifier } from '../shared/token-verifier.ts';
import type { MintUpstreamToken } from './clients/mint-upstream-token.ts';
import type { QuotaCounter } from './clients/quota-counter.ts';
import type { SigningKeys } from './clients/signing-keys.ts';
import type { UpstreamClient } from './clients/upstream.ts';
import type { SchemaCache } from './compile-schema.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** Everything the gateway's steps may reach. A plain object of functions, made once. */
export interface GatewayDeps {
  readonly now: () => number;
  readonly logger: Logger;
  readonly verifier: TokenVerifier;
  /** The catalogue in memory; throws Refusal `catalogue_unavailable` before the first good read. */
  readonly catalogue: () => CatalogueSnapshot;
  readonly policy: PolicyClient;
  readonly quota: QuotaCounter;
  readonly grants: GrantStore;
  readonly audit: AuditWriter;
  readonly redactJson: RedactJson;
  /** Key of pseudonyms, 32 bytes, the same for every replica. Without it each process makes its own. */
  readonly maskKey?: Uint8Array;
  readonly schemas: SchemaCache;
  readonly mint: MintUpstreamToken;
  readonly signingKeys: SigningKeys;
  readonly upstream: UpstreamClient;
  readonly metrics: GatewayMetrics;
  /** Ends timers, pools and stores. The audit writer is closed last, after the last call was answered. */
  readonly close: () => Promise<void>;
}
