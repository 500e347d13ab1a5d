import type { Json, JsonObject } from './json.ts';
import type { Grant, GrantedCall } from './receipts.ts';

/** `open` until one of the others, and that one stands for good. `expired`: nobody answered in time; `withdrawn`: the asker took it back. */
export type ApprovalState = 'open' | 'approved' | 'denied' | 'expired' | 'withdrawn';

/** What people are asked: may this very call run? Holds nothing that they, or a log, may not see. */
export interface ApprovalQuestion extends GrantedCall {
  /** `call_id` of the call that asked first, for the record. */
  readonly callId: string;
  /** What the client calls itself; proves nothing. */
  readonly clientName: string | undefined;
  /** One sentence: what will happen. */
  readonly words: string;
  /** Redacted, and all of them; never what was sent. */
  readonly arguments: JsonObject;
  /** Policy's codes: why it wants a yes. */
  readonly reasons: readonly string[];
  /** Calls like this one that a person may allow along with it; undefined: policy offers none, and a yes is for one call. */
  readonly window?: WindowOffer | undefined;
}

/** A number of calls in which the named arguments are as people see them; everything else may differ. */
export interface WindowOffer {
  /** How many in all; the call that was asked about is one of them. */
  readonly callsMax: number;
  /** Redacted values that stay the same, by JSON Pointer (RFC 6901) into the arguments. */
  readonly same: Readonly<Record<string, Json>>;
  /** SHA-256 (hex) of the RFC 8785 form of the true values by pointer. */
  readonly sha256: string;
}

/** A question to people, as it stands. */
export interface ApprovalRequest extends ApprovalQuestion {
  /** True where `arguments` is but the beginning of what people may see: what does not fit in a list is read when it is looked at. */
  readonly isAbridged?: boolean | undefined;
  /** 128 random bits, base64url: 22 characters. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly openedAtMs: number;
  /** When an open request expires, milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly state: ApprovalState;
  /** When it stopped being open, milliseconds since the epoch; undefined while it is open. */
  readonly closedAtMs: number | undefined;
  /** `call_id`, on record, of the act that closed it; whoever records that outcome gives it this one, so that it is one however often it is recorded. */
  readonly closedCallId?: string;
  /** True when the outcome is on record; without it nobody knows. */
  readonly isOutcomeRecorded?: boolean;
  /** True of one that its workflow closed by itself, which is then to be recorded by somebody. */
  readonly isClosedByWorkflow?: boolean;
  /** When somebody began to take the yes back, milliseconds since the epoch; whether it came to that is the grant's to say. */
  readonly takingBackAtMs?: number;
  /** Who answered and how; only of an approved or denied one. */
  readonly decision: ApprovalDecision | undefined;
  /** Where people were told; undefined before that. */
  readonly notice: ApprovalNotice | undefined;
}

/** One person's answer. */
export interface ApprovalDecision {
  readonly verdict: 'approve' | 'deny';
  /** Subject of the person, as policy saw it. */
  readonly approver: string;
  /** In the person's words; always there for a no. Shown to the asker: never holds a secret. */
  readonly reason: string | undefined;
  readonly via: 'slack' | 'page';
  /** What a yes is to: this very call, or the window that the question offers. @default 'call' */
  readonly scope?: ApprovalScope | undefined;
}

export type ApprovalScope = 'call' | 'window';

/** The message that people were told by. */
export interface ApprovalNotice {
  /** For Slack the id of the channel. */
  readonly channel: string;
  /** For Slack the `ts` of the message. */
  readonly message: string;
}

/** How a request stands after somebody tried to close it. */
export interface ClosedRequest {
  readonly request: ApprovalRequest;
  /** True for the one whose attempt closed it; everybody else is told what stands. */
  readonly isYours: boolean;
  /** The stored yes of an approved request, unless its 15 minutes are over. */
  readonly grant: Grant | undefined;
}
