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
  /** For the log and the audit record only; never sent. */
  readonly privateDetail?: string;
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
