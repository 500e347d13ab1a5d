import type { ApprovalQuestion } from '../../contract/approval.ts';
import type { Caller } from '../../contract/caller.ts';
import type { Allowed } from '../../contract/decision.ts';
import type { GrantedCall, ValidArguments } from '../../contract/receipts.ts';
import type { Tool } from '../../contract/registry.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import type { GatewayDeps } from '../deps.ts';
import { clientName } from '../record-parts.ts';
import { windowOffer } from './call-window.ts';
import { shownArguments } from './shown-arguments.ts';

/** A call that was looked at, but for a person's yes. */
export interface CheckedCall {
  readonly caller: Caller;
  readonly tool: Tool;
  readonly args: ValidArguments;
  readonly allowed: Allowed;
}

/** The call that a yes would be for. */
export function boundCall({ caller, tool, args, allowed }: CheckedCall): GrantedCall {
  return {
    tenant: caller.tenant,
    subject: caller.subject,
    clientId: caller.clientId,
    server: tool.server.name,
    tool: tool.entry.name,
    definitionHash: tool.entry.definitionHash,
    argumentsSha256: args.sha256,
    policyRevision: allowed.revision,
  };
}

/** What people are asked. Arguments are redacted as the record has them, and never cut. Throws Refusal `arguments_unshowable`. */
export function questionOf(
  checked: CheckedCall,
  call: ToolCall,
  deps: Pick<GatewayDeps, 'redactJson'>,
): ApprovalQuestion {
  const { allowed } = checked;
  const shown = shownArguments(checked, deps.redactJson);
  const window = windowOffer(checked, shown);
  return {
    ...boundCall(checked),
    callId: call.callId,
    clientName: clientName(call.params) ?? undefined,
    words: wordsOf(checked.tool),
    arguments: shown,
    reasons: reasonsOf(allowed),
    ...(window !== undefined && { window }),
  };
}

const wordsMax = 300;

/** The tool's own description is pinned and was looked at when it was registered; a later one is another definition. */
function wordsOf({ server, entry }: Tool): string {
  const what = (entry.description ?? '').split(/(?<=[.!?])\s|\n/, 1)[0]?.trim() ?? '';
  const words = `Runs ${entry.name} on the server ${server.name}${what === '' ? '.' : `: ${what}`}`;
  return words.length <= wordsMax ? words : `${words.slice(0, wordsMax - 1).toWellFormed()}…`;
}

function reasonsOf({ obligations }: Allowed): readonly string[] {
  const reasons = obligations.flatMap((each) => (each.type === 'require_approval' ? [each.reason] : []));
  return reasons.length > 0 ? reasons : ['destructive_tool'];
}
