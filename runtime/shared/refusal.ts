import type { JsonObject } from '../contract/json.ts';
import { type RefusalCode, refusalCodes } from '../contract/refusal-codes.ts';

/** What a refusal may carry beside its code. Shown to the caller unless its name says otherwise. */
export interface RefusalDetails {
  /** Replaces the code's own sentence. Never holds a secret or another tenant's name. */
  readonly reason?: string;
  readonly retryAfterMs?: number;
  /** All scopes that the operation needs, for `insufficient_scope` (MCP authorization § Scope challenge). */
  readonly scopes?: readonly string[];
  /** Policy's reason codes. */
  readonly policyReasons?: readonly string[];
  /** Every violation of a schema, one sentence each. */
  readonly violations?: readonly string[];
  /** JSON-RPC `error.data` members that a specification demands. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly guideUrl?: string;
  /** Makes a refusal with the form of a result `input_required` for a modern client, which then comes back. */
  readonly input?: ClientInput;
  /** Tells the details in `structuredContent` too: some clients show a model nothing else. Only for a tool without an output schema. */
  readonly isStructured?: boolean;
  /** Makes `approval_required` a challenge with the `scopes` to come back with, for a client that can go to our authorization server. */
  readonly isChallenge?: boolean;
  /** Id of the approval request that this is about, for the record. */
  readonly approvalId?: string;
  /** For the log and the audit record only; never sent. */
  readonly privateDetail?: string;
}

/** What a client is to bring with its next round (MCP basic/patterns/mrtr). */
export interface ClientInput {
  readonly requestState: string;
  readonly inputRequests?: JsonObject;
}

/** Any no, with a code. Everything else that is thrown is a bug. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, details: RefusalDetails = {}, options?: { cause?: unknown }) {
    super(details.reason ?? refusalCodes[code], options);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }
}

/** The refusal that `error` is, or `internal_error` with it as the cause. */
export function toRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal('internal_error', {}, { cause: error });
}

/** What the auditor reads: the caller's sentence, and what the caller is not told. */
export function reasonOf({ message, details }: Refusal): string {
  return details.privateDetail === undefined ? message : `${message} (${details.privateDetail})`;
}
