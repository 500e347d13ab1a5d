import { randomUUID } from 'node:crypto';
import type { ApprovalStore } from '../shared/approval-store.ts';
import { blankEvent } from '../shared/audit/blank-event.ts';
import { unknownTenant } from '../shared/audit/limit-strangers.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { SlackClick } from './read-click.ts';

/**
 * Notes a click on a card that names no question, or one with other arguments: with the tenant of the question, if there is one. Throws Refusal
 * `approval_unavailable`, and whatever the record says.
 */
export async function recordUnknownClick(
  { kind, question, userId, userTeamId }: SlackClick,
  deps: {
    readonly now: () => number;
    readonly audit: Pick<AuditWriter, 'append'>;
    readonly approvals: Pick<ApprovalStore, 'find'>;
  },
): Promise<void> {
  const request = await deps.approvals.find(question.id, deps.now());
  await deps.audit.append({
    ...blankEvent,
    event: 'approval_decided',
    time: new Date(deps.now()).toISOString(),
    tenant: request?.tenant ?? unknownTenant,
    call_id: randomUUID(),
    outcome: 'refused',
    reason:
      request === undefined ? 'The card names no question.' : 'The card names other arguments than the question has.',
    approval_id: question.id,
    arguments_sha256: question.argumentsSha256,
    detail: { verdict: kind, via: 'slack', slack_user: userId, slack_team: userTeamId },
  });
}
