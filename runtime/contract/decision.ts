import type { JsonObject } from './json.ts';

/** What Rego's `mcp.authz.decision` sees. Snake case, because Rego reads it; small, because every byte is copied. */
export interface PolicyInput {
  /** Milliseconds since the epoch, the gateway's clock. Not nanoseconds: above 2^53 they lose precision. */
  readonly now_ms: number;
  readonly method: string;
  readonly caller: {
    readonly subject: string;
    readonly tenant: string;
    readonly kind: string;
    readonly roles: readonly string[];
    readonly scopes: readonly string[];
    readonly client_id: string;
  };
  /** Absent for methods that name no tool. */
  readonly tool?: PolicyTool;
  readonly server?: string;
  /** Names of all tools of `server`, for methods that name no tool: a role with one of them may stand at its door. */
  readonly server_tools?: readonly string[];
  readonly request: {
    readonly bytes: number;
    readonly arguments?: JsonObject;
    /** As in a grant; without it no elevation holds. */
    readonly arguments_sha256?: string;
    /** Of this call's arguments, what policy wants to stay the same in a window; without it no window holds. */
    readonly same_sha256?: string;
  };
  /** This tenant's settings only, see {@link TenantSettings}; absent when the tenant is unknown, which is a deny. */
  readonly tenant?: TenantSettings;
  /** Open grants for this very call; empty when there are none. */
  readonly elevations: readonly PolicyElevation[];
}

export interface PolicyTool {
  readonly name: string;
  readonly server: string;
  readonly version: string;
  readonly scopes: readonly string[];
  readonly destructive: boolean;
  /** As in a grant; without it no elevation holds. */
  readonly definition_hash?: string;
}

/** One stored yes: to the call with these arguments, or to calls that have something in common. */
export type PolicyElevation = PolicyYes &
  (
    | { readonly kind: 'call'; readonly arguments_sha256: string }
    | {
        readonly kind: 'window';
        readonly same_sha256: string;
        readonly calls_used: number;
        readonly calls_max: number;
      }
  );

interface PolicyYes {
  readonly tenant: string;
  readonly subject: string;
  readonly client_id: string;
  readonly tool: string;
  readonly definition_hash: string;
  readonly approver: string;
  readonly granted_at_ms: number;
  readonly expires_at_ms: number;
}

/** One tenant's settings in `tenants.json` of the policy bundle. */
export interface TenantSettings {
  /** Role to tool names; `*` is not a wildcard here, every tool is named. */
  readonly tools_by_role: Readonly<Record<string, readonly string[]>>;
  /** Role to server names whose resources and prompts it may use. */
  readonly servers_by_role?: Readonly<Record<string, readonly string[]>>;
  /** Calls per minute, by tool name; falls back to `base.json`. */
  readonly calls_per_minute?: Readonly<Record<string, number>>;
  /** Largest request in bytes, by tool name; falls back to `base.json`. */
  readonly request_bytes_max?: Readonly<Record<string, number>>;
  /** Largest result in bytes, by tool name; falls back to `base.json`. */
  readonly result_bytes_max?: Readonly<Record<string, number>>;
  /** Tools that are off for this tenant, whatever its roles say. */
  readonly disabled_tools?: readonly string[];
  /** Tools whose results are not searched for personal data. Masked columns are masked all the same. */
  readonly unredacted_tools?: readonly string[];
  /** Subjects of one person, a list for each person with more than one: nobody approves what another account of theirs asks. */
  readonly same_person?: readonly (readonly string[])[];
  /** Tools of which a person may allow several calls at once, by tool name; none without it. */
  readonly windows?: Readonly<Record<string, WindowTerms>>;
  /** Servers whose clients are sent to the authorization server when a call needs a person's yes; none without it. */
  readonly step_up_servers?: readonly string[];
  /** Columns that this tenant masks beyond `base.json`. */
  readonly masked_columns?: readonly MaskedColumn[];
}

/** What a person may be offered to allow at once. */
export interface WindowTerms {
  /** Calls in all, 2 to 100. */
  readonly calls_max: number;
  /** JSON Pointers (RFC 6901) into the arguments: what must stay as the person saw it. At least one. */
  readonly same: readonly string[];
}

/** The answer of `mcp.authz.decision`. Anything that is not exactly this is a no. */
export interface Decision {
  readonly allow: boolean;
  /** Codes, sorted, never free text with a caller's words. On a deny: why. On an allow: which grant of rights. */
  readonly reasons: readonly string[];
  readonly obligations: readonly Obligation[];
  /** Revision of the policy bundle, 12 hex digits of the SHA-256 over the bundle's files. */
  readonly revision: string;
}

/** What a yes demands of the gateway. An obligation that it does not know is a deny. */
export type Obligation =
  | { readonly type: 'mask_columns'; readonly columns: readonly MaskedColumn[] }
  | { readonly type: 'redact_pii' }
  | { readonly type: 'max_result_bytes'; readonly bytes: number }
  | { readonly type: 'max_rows'; readonly rows: number }
  | { readonly type: 'require_approval'; readonly reason: string; readonly window?: WindowTerms }
  | { readonly type: 'quota'; readonly limit: number; readonly window_ms: number };

export type MaskMethod = 'redact' | 'null' | 'last4' | 'hash';

/** A column named by its origin in the database, never by its name in a result. */
export interface MaskedColumn {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly method: MaskMethod;
}

/** Policy's yes with its obligations. */
export interface Allowed {
  readonly allow: true;
  readonly reasons: readonly string[];
  readonly obligations: readonly Obligation[];
  readonly revision: string;
}
