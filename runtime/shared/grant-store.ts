import type { Grant } from '../contract/receipts.ts';

/** The one call that a grant is for. Every field must be equal. */
export interface GrantedCall {
  readonly tenant: string;
  readonly subject: string;
  readonly clientId: string;
  readonly server: string;
  readonly tool: string;
  readonly definitionHash: string;
  readonly argumentsSha256: string;
}

/** Stored yeses in DynamoDB. Every method throws Refusal `approval_unavailable` when the store gives no answer. */
export interface GrantStore {
  put(grant: Grant): Promise<void>;
  /** The open, unexpired, unused grant for this very call, if there is one. */
  find(call: GrantedCall, nowMs: number): Promise<Grant | undefined>;
  /** Uses the grant up in one conditional write; false when it was used, revoked or expired before. */
  consume(grant: Grant, nowMs: number): Promise<boolean>;
}
