import type { Caller } from '../../contract/caller.ts';

/** A window limit as policy's `quota` obligation names it. */
export interface WindowLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/** What one call was counted as. */
export interface QuotaTaken {
  /** Ordinal of this call in the tenant's and tool's current window, from 1; undefined without a window limit. */
  readonly ordinal: number | undefined;
  readonly remaining: number;
}

/** Counts calls in DynamoDB, shared by every replica. */
export interface QuotaCounter {
  /**
   * Counts one call against the caller's bucket, the tenant's bucket and the tool's window. Throws Refusal `quota_exceeded` with
   * `retryAfterMs`, or `quota_unavailable` when the count cannot be made in time.
   */
  take(caller: Caller, tool: string, window: WindowLimit | undefined): Promise<QuotaTaken>;
}
