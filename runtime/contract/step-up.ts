import type { ApprovalState } from './approval.ts';
import { grantedCallFields } from './receipts.ts';
import type { ScopeWords } from './registry.ts';

/**
 * The scope of a person's yes. In a token for a tool server it is the gateway's word that a yes was used up for this call. In a client's token
 * it says that a yes stood when the token was issued, and opens nothing.
 */
export const approvalScope = 'approved:by:human';

/** What means something to OpenID Connect or to the gateway, so that no tool's scope may be called so. */
export const reservedScopes: readonly string[] = ['openid', 'offline_access', approvalScope];

/** What a person reads when a client asks for {@link approvalScope}. */
export const approvalScopeWords: ScopeWords = {
  words: 'have a call of its own run once, when another person has approved it',
  changes: true,
};

/** Who asks: a yes to one of these is none to another. */
export interface Asker {
  readonly tenant: string;
  readonly subject: string;
  readonly clientId: string;
}

/** A question whose asker was sent to the authorization server, as it stands. */
export interface StepUp {
  /** Id of the approval request. */
  readonly id: string;
  readonly server: string;
  readonly tool: string;
  /** What will happen, in a sentence. */
  readonly words: string;
  readonly state: ApprovalState;
  /** When it stopped being open, milliseconds since the epoch; undefined while it is open. */
  readonly closedAtMs: number | undefined;
  /** Until when an open question can be answered, or the yes to it used; undefined for a yes that cannot be used, and for every other no. */
  readonly openUntilMs: number | undefined;
}

/** Partitions of the table of grants that hold who was sent to the authorization server, by asker. */
export const stepUpPartition = 'step-up#';

/** What the authorization server reads of a request: which call and how it stands, and nothing of its arguments but their hash. */
export const stepUpRequestAttributes = [
  'id',
  ...grantedCallFields,
  'words',
  'state',
  'expiresAtMs',
  'closedAtMs',
  'scope',
  'windowSha256',
] as const;

/** What it reads of a stored yes. */
export const stepUpGrantAttributes = [
  'grantedAtMs',
  'expiresAtMs',
  'used_at_ms',
  'revoked_at_ms',
  'callsMax',
  'callsUsed',
] as const;
