import type { AuditEvent, AuditRecord } from '../../runtime/contract/audit-event.ts';
import type { AuditWriter } from '../../runtime/shared/audit-writer.ts';

/** An audit writer that keeps its events, and can be told to fail or to wait. */
export interface MemoryAudit extends AuditWriter {
  readonly events: AuditEvent[];
  /** Called before an event is kept; what it throws is why the event is not durable. */
  onAppend: (event: AuditEvent) => void | Promise<void>;
  /** The next event that is kept. */
  next(): Promise<AuditEvent>;
}

export function createMemoryAudit(): MemoryAudit {
  const events: AuditEvent[] = [];
  let waiting: ((event: AuditEvent) => void)[] = [];
  const audit: MemoryAudit = {
    events,
    onAppend: () => {},
    next: () => new Promise((resolve) => waiting.push(resolve)),
    async append(event) {
      await audit.onAppend(event);
      // What is recorded must be JSON, whatever it was.
      const kept = JSON.parse(JSON.stringify(event)) as AuditEvent;
      events.push(kept);
      for (const resolve of waiting) resolve(kept);
      waiting = [];
      return { ...kept, v: 1, writer: 'memory', seq: events.length, prev: '0'.repeat(64) } satisfies AuditRecord;
    },
    close: async () => {},
  };
  return audit;
}
