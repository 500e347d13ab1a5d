import type { Decision, PolicyInput, TenantSettings } from '../contract/decision.ts';

/** What `mcp.authz.visible` sees: the caller and every candidate at once, so that a list is one evaluation. */
export interface VisibleInput {
  readonly now_ms: number;
  readonly caller: PolicyInput['caller'];
  readonly tenant?: TenantSettings;
  readonly tools: readonly NonNullable<PolicyInput['tool']>[];
}

/** What `mcp.authz.quota` sees, after counting. */
export interface QuotaInput {
  readonly tenant?: TenantSettings;
  readonly tool: string;
  /** This call's ordinal in its window, from 1; absent when it could not be counted, which is a deny. */
  readonly counters: { readonly tool_minute?: number };
}

export interface QuotaDecision {
  readonly allow: boolean;
  readonly reasons: readonly string[];
  readonly revision: string;
}

/**
 * Rego inside the process. Synchronous: an evaluation takes tens of microseconds. Every method throws Refusal
 * `policy_unavailable` when there is no verified bundle or the evaluation gave anything but one well-formed answer.
 */
export interface PolicyClient {
  decide(input: PolicyInput): Decision;
  /** Names of the tools that the caller may see. */
  visible(input: VisibleInput): ReadonlySet<string>;
  quota(input: QuotaInput): QuotaDecision;
  /** The tenant's settings in the current bundle; undefined for an unknown tenant. */
  tenant(name: string): TenantSettings | undefined;
  /** Revision of the bundle in force; undefined before the first good one. */
  revision(): string | undefined;
  close(): void;
}
