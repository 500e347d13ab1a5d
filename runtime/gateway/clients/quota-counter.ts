import { LRUCache } from 'lru-cache';
import type { Caller, CallerKind } from '../../contract/caller.ts';
import { quotaTable } from '../../contract/tables.ts';
import type { DynamoDBClient } from '../../shared/dynamo.ts';
import { keyHash } from '../../shared/key-hash.ts';
import { createCallWindow, type WindowLimit } from './call-window.ts';
import { LeasedLimit, type Reserve, type Unit } from './leased-limit.ts';
import { type BucketSize, createTokenBucket } from './token-bucket.ts';

export type { WindowLimit } from './call-window.ts';
export type { BucketSize } from './token-bucket.ts';

/** What one call was counted as. */
export interface QuotaTaken {
  /** Ordinal of this call in the tenant's and tool's current window, from 1; undefined without a window limit. */
  readonly ordinal: number | undefined;
  /** End of that window, milliseconds since the epoch. */
  readonly windowEndsAtMs?: number | undefined;
  /** Calls left in the tightest limit, at the time of counting. */
  readonly remaining: number;
}

/** Counts calls in DynamoDB, shared by every replica. */
export interface QuotaCounter {
  /**
   * Counts one call against the caller's bucket, the tenant's bucket and the tool's window; a message that calls no tool against the
   * buckets alone. Throws Refusal `quota_exceeded` with `retryAfterMs`, or `quota_unavailable` when the count cannot be made in time.
   */
  take(caller: Caller, tool: string | undefined, window: WindowLimit | undefined): Promise<QuotaTaken>;
}

export interface QuotaLimits {
  readonly identity: Readonly<Record<CallerKind, BucketSize>>;
  /** All callers of a tenant together. */
  readonly tenant: BucketSize;
}

export const defaultQuotaLimits: QuotaLimits = {
  identity: {
    human: { perMinute: 100, burst: 200 },
    agent: { perMinute: 500, burst: 1000 },
    'tenant-key': { perMinute: 500, burst: 1000 },
  },
  tenant: { perMinute: 2000, burst: 2000 },
};

export interface QuotaCounterOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** @default {@link defaultQuotaLimits} */
  readonly limits?: QuotaLimits;
  /** For one count, all its attempts included. A call waits for two counts at most. @default 250 */
  readonly deadlineMs?: number;
  /** How long units that nobody asked for yet may be held. @default 1000 */
  readonly leaseMs?: number;
  /** Limits of each kind that are held in memory; the least recently used are forgotten. @default 10000 */
  readonly keysMax?: number;
}

export function createQuotaCounter(options: QuotaCounterOptions): QuotaCounter {
  const { client, tablePrefix, limits = defaultQuotaLimits, deadlineMs = 250, leaseMs = 1000 } = options;
  const { keysMax: max = 10_000 } = options;
  const now = neverBackwards(options.now);
  const place = (key: string) => ({ client, table: `${tablePrefix}${quotaTable.name}`, key, deadlineMs });
  const lease = (reserve: Reserve, limit: number, limitName: string) =>
    new LeasedLimit({ reserve, now, aheadMax: Math.max(0, Math.floor(limit / 100) - 1), leaseMs, limitName });

  const identities = new LRUCache<string, LeasedLimit>({ max });
  const identityOf = ({ kind, tenant, issuer, subject }: Caller) => {
    const local = `${kind}.${tenant.length}.${issuer.length}.${tenant}${issuer}${subject}`;
    let limit = identities.get(local);
    if (limit === undefined) {
      const size = limits.identity[kind];
      const bucket = createTokenBucket(size, place(`identity#${keyHash(kind, tenant, issuer, subject)}`));
      limit = lease(bucket, size.perMinute, `${size.perMinute} calls a minute for one caller`);
      identities.set(local, limit);
    }
    return limit;
  };

  const tenants = new LRUCache<string, LeasedLimit>({ max });
  const tenantOf = ({ tenant }: Caller) => {
    let limit = tenants.get(tenant);
    if (limit === undefined) {
      const bucket = createTokenBucket(limits.tenant, place(`tenant#${keyHash(tenant)}`));
      limit = lease(bucket, limits.tenant.perMinute, `${limits.tenant.perMinute} calls a minute for a tenant`);
      tenants.set(tenant, limit);
    }
    return limit;
  };

  const windows = new LRUCache<string, LeasedLimit>({ max });
  const windowOf = ({ tenant }: Caller, tool: string, window: WindowLimit) => {
    // A changed limit is another limit here, and the same counter in the table.
    const local = `${window.limit}.${window.windowMs}.${tenant.length}.${tenant}${tool}`;
    let limit = windows.get(local);
    if (limit === undefined) {
      const name = `${window.limit} calls of this tool in ${window.windowMs / 1000} s for a tenant`;
      limit = lease(createCallWindow(window, place(`window#${keyHash(tenant, tool)}`)), window.limit, name);
      windows.set(local, limit);
    }
    return limit;
  };

  function take(identity: LeasedLimit, tenant: LeasedLimit, window: LeasedLimit | undefined): Promise<QuotaTaken> {
    const nowMs = now();
    // What is known to be used up says no before anything is spent on the call.
    identity.refuseWhileExhausted(nowMs);
    tenant.refuseWhileExhausted(nowMs);
    window?.refuseWhileExhausted(nowMs);
    const own = identity.takeLeased(nowMs);
    if (own === undefined) return ask(identity, tenant, window);
    const shared = tenant.takeLeased(nowMs);
    const tool = window?.takeLeased(nowMs);
    if (shared !== undefined && (window === undefined || tool !== undefined)) {
      return Promise.resolve(toTaken(own, shared, tool));
    }
    return askRest(own, shared ?? tenant.take(), tool ?? window?.take());
  }

  async function ask(identity: LeasedLimit, tenant: LeasedLimit, window: LeasedLimit | undefined) {
    // The caller's own limit first: one who is over it takes nothing from the tenant's others.
    const own = await identity.take();
    return askRest(own, tenant.take(), window?.take());
  }

  async function askRest(own: Unit, shared: Unit | Promise<Unit>, tool: Unit | Promise<Unit> | undefined) {
    const [sharedUnit, toolUnit] = await Promise.all([shared, tool]);
    return toTaken(own, sharedUnit, toolUnit);
  }

  return {
    take(caller, tool, window) {
      try {
        const toolWindow = tool === undefined || window === undefined ? undefined : windowOf(caller, tool, window);
        return take(identityOf(caller), tenantOf(caller), toolWindow);
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

function toTaken(own: Unit, shared: Unit, tool: Unit | undefined): QuotaTaken {
  return {
    ordinal: tool?.ordinal,
    windowEndsAtMs: tool?.validUntilMs,
    remaining: Math.min(own.left, shared.left, tool?.left ?? Number.POSITIVE_INFINITY),
  };
}

/** A clock that is set back stands still until it has caught up: time that was spent does not come again. */
function neverBackwards(now: () => number): () => number {
  let latestMs = Number.NEGATIVE_INFINITY;
  return () => {
    latestMs = Math.max(latestMs, now());
    return latestMs;
  };
}
