import type { Json, JsonObject } from './json.ts';

/** Proof that this call was counted against every limit that covers it. */
export interface QuotaReceipt {
  readonly quota: 'spent';
  /** Calls left in the tightest limit, at the time of counting. */
  readonly remaining: number;
}

/** Arguments that match the tool's input schema. Frozen: what was decided is what is sent. */
export interface ValidArguments {
  readonly value: JsonObject;
  /** SHA-256 (hex) of the RFC 8785 form of `value`. */
  readonly sha256: string;
}

/** A person's yes, or proof that none is needed. */
export type Elevation =
  | { readonly kind: 'not-needed' }
  | {
      readonly kind: 'granted';
      readonly grant: Grant;
      /** JWS over the yes, for the tool server and the record. */
      readonly receipt: string;
      /** Which call of a window this is, from 1; undefined for a yes to one call. */
      readonly use?: number;
    };

/** The one call that a yes is for. Every field must be equal. */
export interface GrantedCall {
  readonly tenant: string;
  readonly subject: string;
  readonly clientId: string;
  readonly server: string;
  readonly tool: string;
  readonly definitionHash: string;
  /** SHA-256 (hex) of the RFC 8785 form of the arguments. */
  readonly argumentsSha256: string;
  /** Revision of the policy that asked for the yes: under another one the yes holds no more. */
  readonly policyRevision: string;
}

/** All of them. */
export const grantedCallFields = [
  'tenant',
  'subject',
  'clientId',
  'server',
  'tool',
  'definitionHash',
  'argumentsSha256',
  'policyRevision',
] as const satisfies readonly (keyof GrantedCall)[];

/** Where an approved call carries its receipt to the tool server, under `_meta`: a JWS whose `typ` is `approval-receipt+jwt`. */
export const approvalMetaKey = 'dev.toolgate/approval';

/** The stored yes. Bound to one call, or with a `window` to some calls that are alike; see docs/approvals.md. */
export interface Grant extends GrantedCall {
  /** That of the request it answers. */
  readonly id: string;
  readonly approver: string;
  /** Milliseconds since the epoch. */
  readonly grantedAtMs: number;
  /** At most 15 minutes after `grantedAtMs`, whatever a record claims. */
  readonly expiresAtMs: number;
  /** For several calls: then `argumentsSha256` is that of the call at hand, or of the one that was asked about. */
  readonly calls?: GrantedCalls;
}

/** Which calls a yes to several is for. */
export interface GrantedCalls {
  /** How many in all. */
  readonly max: number;
  /** How many there were when it was read. */
  readonly used: number;
  /** SHA-256 (hex) of what stays the same; every call's own must be equal. */
  readonly sameSha256: string;
}

/** The only thing that may leave: a result after redaction. */
export interface SafeResult {
  readonly safe: true;
  readonly result: JsonObject;
  readonly redactions: Redactions;
}

/** What redaction did, for the record. */
export interface Redactions {
  /** Cells masked by the column plan. */
  readonly maskedCells: number;
  /** Findings of the PII redactor, by entity type (Presidio's names). */
  readonly pii: Readonly<Record<string, number>>;
}

/** A JSON value after the PII redactor, with what it found. */
export interface Redacted {
  readonly value: Json;
  readonly pii: Readonly<Record<string, number>>;
}
