import type { AuditEvent, AuditRecord } from '../contract/audit-event.ts';

/** Writes audit events to a chain per writer and tenant. */
export interface AuditWriter {
  /**
   * Resolves with the record once it is durable; with undefined for an event that only counts in a summary. Rejects with Refusal
   * `audit_unavailable` when it cannot be made so; the caller then must not answer the call.
   */
  append(event: AuditEvent): Promise<AuditRecord | undefined>;
  /** Flushes, writes `writer_closed` to every open chain, and releases the directory. */
  close(): Promise<void>;
}
