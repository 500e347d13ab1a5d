import type { ApprovalRequest } from '../../contract/approval.ts';
import type { Caller } from '../../contract/caller.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import { approvalEvent } from '../../shared/audit/approval-event.ts';
import type { GatewayDeps } from '../deps.ts';
import { appendDurably, recordedCaller } from '../record-parts.ts';

/**
 * Resolves when it is on record that people are asked `request`, as the call that asked first; another one cannot know how far that one came. Throws
 * Refusal `audit_unavailable`.
 */
export function recordQuestion(
  request: ApprovalRequest,
  { call, caller }: { readonly call: Pick<ToolCall, 'callId'>; readonly caller: Caller },
  deps: Pick<GatewayDeps, 'audit' | 'now'>,
): Promise<void> {
  const { callId } = request;
  return appendDurably(
    approvalEvent(request, {
      event: 'approval_requested',
      nowMs: deps.now(),
      call_id: callId,
      caller: recordedCaller(caller),
      ...(callId !== call.callId && { reason: 'Whoever asked first may have recorded this already.' }),
    }),
    deps,
  );
}
