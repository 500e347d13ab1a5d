import type { ApprovalScope } from '../contract/approval.ts';
import type { PolicyInput, TenantSettings, WindowTerms } from '../contract/decision.ts';

/** What `mcp.authz.visible` sees: the caller and every candidate at once, so that a list is one evaluation. */
export interface VisibleInput {
  readonly now_ms: number;
  readonly caller: PolicyInput['caller'];
  readonly tenant?: TenantSettings;
  readonly tools: readonly NonNullable<PolicyInput['tool']>[];
}

/** What `mcp.quota.decision` sees, after counting. */
export interface QuotaInput {
  readonly tenant?: TenantSettings;
  readonly tool: string;
  /** This call's ordinal in its window, from 1; absent when it could not be counted, which is a deny. */
  readonly counters: { readonly tool_minute?: number };
}

/** What `mcp.approval.decision` sees: who wants to answer which question. */
export interface ApproverInput {
  readonly now_ms: number;
  readonly approver: Pick<PolicyInput['caller'], 'subject' | 'tenant' | 'kind' | 'roles'>;
  readonly approval: {
    readonly tenant: string;
    readonly subject: string;
    readonly client_id: string;
    readonly server: string;
    readonly tool: string;
    readonly state: string;
    readonly expires_at_ms: number;
    readonly policy_revision: string;
    /** The window that the question offers; absent when it offers none. */
    readonly window?: WindowTerms;
  };
  /** What a yes, or a no, would be to. */
  readonly answer: { readonly scope: ApprovalScope };
  /** The tenant of the question; absent when it is unknown, which is a deny. */
  readonly tenant?: TenantSettings;
}

/** Of the tenant, the rule reads whose accounts are whose, and the window of this tool. */
export function toRegoAnswer({ tenant, ...input }: ApproverInput): object {
  if (tenant === undefined) return input;
  const { same_person = [], windows } = tenant;
  const { tool } = input.approval;
  const own = windows !== undefined && Object.hasOwn(windows, tool) ? { windows: { [tool]: windows[tool] } } : {};
  return { ...input, tenant: { same_person, ...own } };
}

/** Of the tenant, the quota rule reads one limit; the rest would only be copied. */
export function toRegoQuota({ tenant, tool, counters }: QuotaInput): object {
  const limits = tenant?.calls_per_minute;
  const own = limits !== undefined && Object.hasOwn(limits, tool) ? { [tool]: limits[tool] } : {};
  return { ...(tenant === undefined ? {} : { tenant: { calls_per_minute: own } }), tool: { name: tool }, counters };
}
