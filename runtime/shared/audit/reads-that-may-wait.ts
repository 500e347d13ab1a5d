import type { AuditEvent } from '../../contract/audit-event.ts';
import type { AuditReads } from './audit-env.ts';

/** Calls under way whose intent was recorded; beyond it nothing is answered before its record. */
const intentsMax = 100_000;

/**
 * Tells which events may be answered before their record is stored: with `after-answer`, the outcome of a message that was answered in order and
 * changed nothing. That something is to be changed is known from the intent before it.
 */
export function createReadsThatMayWait(reads: AuditReads): (event: AuditEvent) => boolean {
  if (reads === 'before-answer') return () => false;
  const intents = new Set<string>();
  return (event) => {
    if (event.event === 'mcp_call_intent') {
      if (intents.size < intentsMax) intents.add(event.call_id);
      return false;
    }
    if (event.event !== 'mcp_call') return false;
    const isFull = intents.size >= intentsMax;
    const hadIntent = intents.delete(event.call_id);
    const isAnswered = event.outcome === 'ok' || event.outcome === 'tool_error';
    return isAnswered && event.code === null && event.approval_id === null && !hadIntent && !isFull;
  };
}
