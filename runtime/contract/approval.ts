import type { JsonObject } from './json.ts';
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
  /** Redacted; never what was sent. */
  readonly arguments: JsonObject;
  /** Policy's codes: why it wants a yes. */
  readonly reasons: readonly string[];
}

/** A question to people, as it stands. */
export interface ApprovalRequest extends ApprovalQuestion {
  /** 128 random bits, base64url: 22 characters. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly openedAtMs: number;
  /** When an open request expires, milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly state: ApprovalState;
  /** When it stopped being open, milliseconds since the epoch; undefined while it is open. */
  readonly closedAtMs: number | undefined;
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
}

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
