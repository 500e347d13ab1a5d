import type { KnownBlock } from '@slack/types';
import type { WindowOffer } from '../../contract/approval.ts';
import type { Json } from '../../contract/json.ts';
import type { AskedQuestion } from './button-value.ts';
import type { Precedents } from './precedents.ts';

/** What a card shows of an approval request. Nothing in it is secret, and nothing in it is trusted as mark-up. */
export interface Question extends AskedQuestion {
  readonly server: string;
  readonly tool: string;
  readonly subject: string;
  readonly clientId: string;
  /** As the client calls itself; nobody vouches for it. */
  readonly clientName?: string | undefined;
  /** What will happen, in a sentence. */
  readonly words: string;
  /** Redacted. */
  readonly arguments: Json;
  /** True where these are but the beginning. */
  readonly isAbridged?: boolean | undefined;
  /** Why policy wants a yes. */
  readonly reasons: readonly string[];
  readonly expiresAtMs: number;
  /** Calls that a person may allow along with this one. */
  readonly window?: WindowOffer | undefined;
  /** What people said before; undefined: nobody knows right now. */
  readonly before?: Precedents | undefined;
}

/** A message as Slack takes it. `text` is what a notification and a screen reader say. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}
