import type { Caller } from '../../contract/caller.ts';
import type { Allowed, Decision, PolicyElevation } from '../../contract/decision.ts';
import type { ValidArguments } from '../../contract/receipts.ts';
import { refusalCodes } from '../../contract/refusal-codes.ts';
import type { McpMessage, ToolCall } from '../../contract/tool-call.ts';
import { Refusal } from '../../shared/refusal.ts';
import { type Door, type DoorTool, isServed, isSunset } from '../catalogue-index.ts';
import type { GatewayDeps } from '../deps.ts';
import { callInput, elevatedInput } from './policy-input.ts';
import { checkObligations } from './redact.ts';
import { entryInput, mayEnter, resolveDoor, unknownTool } from './resolve-tool.ts';

/**
 * Policy's yes for one call. Throws Refusal `tool_unknown` (or `server_unknown`) when the caller may not see the tool,
 * `insufficient_scope` with every scope that the tool needs, `policy_denied`, `policy_unavailable`, `obligation_unknown`; and for a
 * tool that the caller may see but nobody may call, `version_sunset`, `tool_disabled` or `tool_quarantined`.
 */
export function authorize(caller: Caller, tool: DoorTool, call: ToolCall, deps: GatewayDeps): Allowed {
  const decision = deps.policy.decide(callInput(caller, tool, call, deps));
  if (decision.allow) return allowed(decision, tool, deps);
  const { reasons } = decision;
  if (reasons.includes('role_not_granted') || reasons.includes('tenant_unknown')) {
    throw unknownTool(call, caller, resolveDoor(call, deps), deps);
  }
  if (reasons.includes('tool_disabled')) throw new Refusal('tool_disabled', { policyReasons: reasons });
  if (reasons.includes('scope_missing')) {
    // MCP authorization § Scope challenge: all scopes of the operation at once, or the client asks again and again.
    throw new Refusal('insufficient_scope', { scopes: tool.entry.scopes, policyReasons: reasons });
  }
  throw denied(reasons, call, deps.policy.requestBytesMax(caller.tenant, tool.policy.name));
}

/** Policy's no. A message that is too large is told both numbers, the caller's own tenant's limit among them, so that it can be mended. */
function denied(policyReasons: readonly string[], { bodyBytes }: McpMessage, bytesMax: number | undefined): Refusal {
  const isTooLarge = policyReasons.includes('request_too_large') && bytesMax !== undefined && bodyBytes > bytesMax;
  if (!isTooLarge) return new Refusal('policy_denied', { policyReasons });
  const reason = `${refusalCodes.policy_denied} The message has ${bodyBytes} bytes, and ${bytesMax} are allowed.`;
  return new Refusal('policy_denied', { policyReasons, reason });
}

/** Asks policy about the same call again, with open grants, and with what it has in common with others that a window is for. */
export function decideWithGrants(
  caller: Caller,
  tool: DoorTool,
  call: ToolCall,
  args: ValidArguments,
  deps: GatewayDeps,
): (elevations: readonly PolicyElevation[], sameSha256?: string) => Decision {
  return (elevations, sameSha256) =>
    deps.policy.decide(elevatedInput(callInput(caller, tool, call, deps), tool, args, elevations, sameSha256));
}

/** Policy's yes for a method that is relayed to one server. */
export function authorizeEntry(caller: Caller, door: Door, message: McpMessage, deps: GatewayDeps): Allowed {
  const decision = deps.policy.decide(entryInput(message, message.method, caller, door, deps));
  if (!decision.allow) {
    if (!mayEnter(message, caller, door, deps)) throw new Refusal('server_unknown');
    throw denied(decision.reasons, message, deps.policy.requestBytesMax(caller.tenant, undefined));
  }
  const yes: Allowed = { ...decision, allow: true };
  checkObligations(yes);
  return yes;
}

function allowed(decision: Decision, tool: DoorTool, deps: GatewayDeps): Allowed {
  checkServed(tool, deps.now());
  const yes: Allowed = { ...decision, allow: true };
  checkObligations(yes);
  return yes;
}

/** Throws the Refusal that says why a version is not served. Only for callers who may see it. */
export function checkServed({ version }: Pick<DoorTool, 'version'>, nowMs: number): void {
  if (isServed(version, nowMs)) return;
  if (isSunset(version, nowMs)) {
    throw new Refusal('version_sunset', version.guideUrl === undefined ? {} : { guideUrl: version.guideUrl });
  }
  const code = version.status === 'quarantined' ? 'tool_quarantined' : 'tool_disabled';
  throw new Refusal(code, version.statusReason === undefined ? {} : { privateDetail: version.statusReason });
}
