import type { KnownBlock, ModalView } from '@slack/types';
import {
  type Logger,
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api';
import type { ApprovalNotice } from '../../contract/approval.ts';
import type { SlackMessage } from '../messages/question.ts';
import { createPacing, type Pacing } from './pacing.ts';

/** Slack, as far as approvals go. Every method rejects with {@link SlackFailure}. */
export interface Slack {
  /** Which workspace and bot the token is of. */
  identity(): Promise<{ readonly teamId: string; readonly botUserId: string }>;
  post(channel: string, message: SlackMessage, threadOf?: string): Promise<ApprovalNotice>;
  update(notice: ApprovalNotice, message: SlackMessage): Promise<void>;
  /** Says something to one person in a channel; nobody else sees it. `text` is mrkdwn. */
  tell(channel: string, userId: string, text: string): Promise<void>;
  /** Within three seconds of the click that `triggerId` is of. */
  openDialog(triggerId: string, view: ModalView): Promise<void>;
  user(userId: string): Promise<SlackUser>;
}

/** What Slack knows of somebody. */
export interface SlackUser {
  readonly id: string;
  readonly teamId: string;
  /** Undefined without the scope users:read.email, or for a guest without one. */
  readonly email: string | undefined;
  readonly isEmailConfirmed: boolean;
  /** Somebody who works here: no bot, no guest, nobody of another organisation, not deactivated. */
  readonly isMember: boolean;
}

/** `busy`: try again after `retryAfterMs`; `refused`: Slack's answer is no, and will be; `unavailable`: no answer. */
export type SlackFailureKind = 'busy' | 'refused' | 'unavailable';

/** Slack did not do it. Holds no token and no message. */
export class SlackFailure extends Error {
  readonly kind: SlackFailureKind;
  /** Slack's own word for it, e.g. `channel_not_found`. */
  readonly word: string;
  readonly retryAfterMs: number | undefined;

  constructor(method: string, kind: SlackFailureKind, word: string, retryAfterMs?: number) {
    super(`Slack ${method}: ${word}`);
    this.name = 'SlackFailure';
    this.kind = kind;
    this.word = word;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface SlackOptions {
  /** Bot token with chat:write, users:read and users:read.email. */
  readonly token: string;
  /** Only for a double. @default Slack's */
  readonly apiUrl?: string | undefined;
  /** Of one request. @default 5000 */
  readonly timeoutMs?: number;
  /** How often one that Slack answers with "too many" is sent again. @default 3 */
  readonly busyRetriesMax?: number;
  /** Between two messages in one channel. Slack, "Rate limits": one a second. @default 1000 */
  readonly pacing?: Pacing;
}

export function createSlack(options: SlackOptions): Slack {
  const { token, apiUrl, timeoutMs = 5000, busyRetriesMax = 3, pacing = createPacing({ gapMs: 1000 }) } = options;
  const client = new WebClient(token, {
    ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
    timeout: timeoutMs,
    // We wait ourselves: a message is tried again only when Slack said that it did not take it.
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: muteLogger,
  });

  /** One method in its lane; "too many" holds the whole lane for as long as Slack says. */
  async function call<T>(lane: string, method: string, send: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await pacing.run(lane, send);
      } catch (error) {
        const failure = toFailure(method, error);
        if (failure.kind !== 'busy' || attempt >= busyRetriesMax) throw failure;
        pacing.hold(lane, failure.retryAfterMs ?? 1000);
      }
    }
  }

  /** Not in a lane: somebody waits for it. */
  const atOnce = async <T>(method: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      throw toFailure(method, error);
    }
  };

  async function askIdentity() {
    const { team_id, user_id } = await atOnce('auth.test', () => client.auth.test());
    if (typeof team_id !== 'string' || typeof user_id !== 'string') throw strange('auth.test');
    return { teamId: team_id, botUserId: user_id };
  }
  let known: ReturnType<Slack['identity']> | undefined;

  return {
    identity() {
      // A token stays with its workspace; only an answer is kept.
      known ??= askIdentity().catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },

    async post(channel, { text, blocks }, threadOf) {
      const { ts, channel: where } = await call(`post ${channel}`, 'chat.postMessage', () =>
        client.chat.postMessage({
          channel,
          text,
          blocks: [...blocks] as KnownBlock[],
          // Nobody's address is fetched for a preview, and no plain word becomes a mention.
          unfurl_links: false,
          unfurl_media: false,
          link_names: false,
          ...(threadOf !== undefined && { thread_ts: threadOf }),
        }),
      );
      if (typeof ts !== 'string' || typeof where !== 'string') throw strange('chat.postMessage');
      return { channel: where, message: ts };
    },

    async update({ channel, message }, { text, blocks }) {
      await call('update', 'chat.update', () =>
        client.chat.update({ channel, ts: message, text, blocks: [...blocks] as KnownBlock[], link_names: false }),
      );
    },

    async tell(channel, user, text) {
      await atOnce('chat.postEphemeral', () => client.chat.postEphemeral({ channel, user, text, link_names: false }));
    },

    async openDialog(trigger_id, view) {
      await atOnce('views.open', () => client.views.open({ trigger_id, view }));
    },

    async user(userId) {
      const { user } = await atOnce('users.info', () => client.users.info({ user: userId }));
      if (user?.id !== userId || typeof user.team_id !== 'string') throw strange('users.info');
      const { deleted, is_bot, is_restricted, is_ultra_restricted, is_email_confirmed, is_stranger } =
        user as typeof user & {
          readonly is_stranger?: boolean;
        };
      return {
        id: user.id,
        teamId: user.team_id,
        email: user.profile?.email,
        isEmailConfirmed: is_email_confirmed === true,
        isMember: ![deleted, is_bot, is_restricted, is_ultra_restricted, is_stranger].includes(true),
      };
    },
  };
}

export function toFailure(method: string, error: unknown): SlackFailure {
  if (error instanceof SlackFailure) return error;
  if (error instanceof WebAPIRateLimitedError) {
    return new SlackFailure(method, 'busy', 'ratelimited', Math.max(1, error.retryAfter) * 1000);
  }
  if (error instanceof WebAPIPlatformError) {
    const { error: word } = error.data;
    // These answer for Slack's own trouble, or for too many requests in one method.
    if (['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout'].includes(word)) {
      return new SlackFailure(method, 'unavailable', word);
    }
    if (['ratelimited', 'rate_limited', 'message_limit_exceeded'].includes(word))
      return new SlackFailure(method, 'busy', word);
    return new SlackFailure(method, 'refused', /^[a-z0-9_]{1,60}$/.test(word) ? word : 'unknown_error');
  }
  if (error instanceof WebAPIHTTPError) return new SlackFailure(method, 'unavailable', `http_${error.statusCode}`);
  // The cause may hold the request with its token.
  return new SlackFailure(method, 'unavailable', 'no_answer');
}

function strange(method: string): SlackFailure {
  return new SlackFailure(method, 'unavailable', 'strange_answer');
}

/** The client's own log lines may hold messages; failures are logged where they are dealt with. */
export const muteLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
};
