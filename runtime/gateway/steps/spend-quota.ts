import type { Caller } from '../../contract/caller.ts';
import type { Allowed } from '../../contract/decision.ts';
import type { QuotaReceipt } from '../../contract/receipts.ts';
import type { Tool } from '../../contract/registry.ts';
import { Refusal, toRefusal } from '../../shared/refusal.ts';
import type { GatewayDeps } from '../deps.ts';

/**
 * Counts a tool call first and asks policy then, so that calls at the same time cannot pass together. Throws Refusal `quota_exceeded`,
 * `quota_unavailable`, `policy_denied` when policy's rule says no for another reason than the count, or `policy_unavailable`.
 */
export async function spendQuota(
  caller: Caller,
  tool: Tool,
  allowed: Allowed,
  deps: Pick<GatewayDeps, 'quota' | 'policy' | 'now'>,
): Promise<QuotaReceipt> {
  const demand = allowed.obligations.find((obligation) => obligation.type === 'quota');
  const window = demand && { limit: demand.limit, windowMs: demand.window_ms };
  const { ordinal, windowEndsAtMs, remaining } = await deps.quota.take(caller, tool.entry.name, window);

  const tenant = deps.policy.tenant(caller.tenant);
  const answer = deps.policy.quota({
    ...(tenant !== undefined && { tenant }),
    tool: tool.entry.name,
    // Without the obligation there is no count, and without a count the rule says no.
    counters: ordinal === undefined ? {} : { tool_minute: ordinal },
  });
  if (answer.allow) return { quota: 'spent', remaining };
  if (!answer.reasons.includes('quota_exceeded')) {
    throw new Refusal('policy_denied', { policyReasons: answer.reasons });
  }
  throw new Refusal('quota_exceeded', {
    policyReasons: answer.reasons,
    ...(windowEndsAtMs !== undefined && { retryAfterMs: Math.max(1, Math.ceil(windowEndsAtMs - deps.now())) }),
  });
}

/** Counts a message that calls no tool: lists, reads, discovery. Throws Refusal `quota_exceeded` or `quota_unavailable`. */
export async function spendMessage(caller: Caller, deps: Pick<GatewayDeps, 'quota'>): Promise<QuotaReceipt> {
  const { remaining } = await deps.quota.take(caller, undefined, undefined);
  return { quota: 'spent', remaining };
}

/**
 * Counts a message that was refused before it was counted, so that names, scopes and methods are not probed for free. Returns the refusal to
 * answer with: the one given, or `quota_exceeded` once the caller's limit is used up. A count that cannot be made changes nothing: the
 * message is refused already.
 */
export async function chargeRefused(
  refusal: Refusal,
  caller: Caller | undefined,
  deps: Pick<GatewayDeps, 'quota'>,
): Promise<Refusal> {
  if (caller === undefined || refusal.code === 'quota_exceeded' || refusal.code === 'quota_unavailable') return refusal;
  try {
    await deps.quota.take(caller, undefined, undefined);
    return refusal;
  } catch (error) {
    const no = toRefusal(error);
    return no.code === 'quota_exceeded' ? no : refusal;
  }
}
