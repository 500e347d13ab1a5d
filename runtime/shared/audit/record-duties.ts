import type { AuditEvent } from '../../contract/audit-event.ts';
import type { AuditReads } from './audit-env.ts';

/** What the writer owes an event beyond its place in the chain. */
export interface RecordDuty {
  /** It may be answered before its record is stored. */
  readonly mayWait: boolean;
  /** It is recorded once that is possible, also when its caller was refused: the outcome of a change that was perhaps made. */
  readonly mustStay: boolean;
}

/** Calls under way whose intent was recorded; beyond it nothing is answered before its record. */
const intentsMax = 100_000;
const none: RecordDuty = { mayWait: false, mustStay: false };

/**
 * Tells the duty to each event. With `after-answer`, the outcome of a message that was answered in order and changed nothing may wait. That
 * something is to be changed is known from the intent before it.
 */
export function createRecordDuties(reads: AuditReads): (event: AuditEvent) => RecordDuty {
  const intents = new Set<string>();
  return (event) => {
    if (event.event === 'mcp_call_intent') {
      if (intents.size < intentsMax) intents.add(event.call_id);
      return none;
    }
    if (event.event !== 'mcp_call') return none;
    const isFull = intents.size >= intentsMax;
    const hadIntent = intents.delete(event.call_id);
    // Without its intent on record it was not made.
    if (hadIntent) return { mayWait: false, mustStay: event.code !== 'audit_unavailable' };
    const isAnswered = event.outcome === 'ok' || event.outcome === 'tool_error';
    const isPlainRead = isAnswered && event.code === null && event.approval_id === null && !isFull;
    return { mayWait: reads === 'after-answer' && isPlainRead, mustStay: false };
  };
}
