import type { ApprovalQuestion } from '../../contract/approval.ts';
import type { Caller } from '../../contract/caller.ts';
import type { Allowed } from '../../contract/decision.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { GrantedCall, ValidArguments } from '../../contract/receipts.ts';
import type { Tool } from '../../contract/registry.ts';
import type { ToolCall } from '../../contract/tool-call.ts';
import type { GatewayDeps } from '../deps.ts';
import { clientName } from '../record-parts.ts';
import { ofQuestion, recordable } from '../recordable.ts';
import { windowOffer } from './call-window.ts';

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

/** What people are asked. Arguments are redacted as the record has them, and kept to greater length. */
export function questionOf(
  checked: CheckedCall,
  call: ToolCall,
  deps: Pick<GatewayDeps, 'redactJson'>,
): ApprovalQuestion {
  const { args, allowed } = checked;
  const shown = asObject(recordable(args.value, deps.redactJson, ofQuestion));
  const window = windowOffer(checked, shown as Json);
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

function asObject(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  // What cannot be redacted is not shown; the hash stands for it.
  return { '[not shown]': true };
}
