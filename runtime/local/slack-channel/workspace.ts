import { randomBytes } from 'node:crypto';
import type { KnownBlock, ModalView } from '@slack/types';

/** One workspace of Slack as far as our card goes: its people, its channels, and what stands in them. In memory, gone with the process. */
export interface SlackWorkspace {
  readonly teamId: string;
  /** The app that posts our cards. */
  readonly bot: { readonly appId: string; readonly botId: string; readonly userId: string };
  /** Everybody whom users.info knows, by id. */
  readonly users: Map<string, SlackPerson>;
  /** Names of the channels that the app is in, by id. Everybody of the workspace may read them. */
  readonly channels: ReadonlyMap<string, string>;
  /** By their `ts`, in the order in which they came. */
  readonly messages: Map<string, PostedMessage>;
  /** What one person was told and nobody else, oldest first. */
  readonly whispers: Whisper[];
  /** Dialogs that are open, the newest last. */
  readonly dialogs: OpenDialog[];
  post(channel: string, message: Pick<PostedMessage, 'text' | 'blocks' | 'threadTs'>): PostedMessage;
  update(message: PostedMessage, change: Pick<PostedMessage, 'text' | 'blocks'>): void;
  whisper(whisper: Omit<Whisper, 'ts'>): Whisper;
  /** A trigger as a click brings it: opens one dialog, within three seconds. */
  trigger(userId: string): string;
  openDialog(triggerId: string, view: ModalView): OpenDialog | 'expired_trigger_id' | 'exchanged_trigger_id';
  closeDialog(dialog: OpenDialog): void;
  /** Resolves at the next change, or with false when there is none in time. */
  changed(timeoutMs: number): Promise<boolean>;
}

/** As users.info tells of somebody, as far as anybody here reads it. */
export interface SlackPerson {
  readonly id: string;
  readonly team_id: string;
  readonly name?: string;
  readonly real_name?: string;
  readonly deleted?: boolean;
  readonly is_bot?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_stranger?: boolean;
  readonly is_email_confirmed?: boolean;
  readonly profile: { readonly email?: string };
}

export interface PostedMessage {
  readonly channel: string;
  readonly ts: string;
  /** `ts` of the message that this one answers, in its thread. */
  readonly threadTs: string | undefined;
  text: string;
  blocks: readonly KnownBlock[];
  updates: number;
}

export interface Whisper {
  readonly channel: string;
  readonly user: string;
  /** mrkdwn. */
  readonly text: string;
  readonly ts: string;
}

export interface OpenDialog {
  readonly id: string;
  /** Whose click opened it. */
  readonly user: string;
  readonly view: ModalView;
}

export interface WorkspaceOptions {
  readonly channels: ReadonlyMap<string, string>;
  readonly users: readonly SlackPerson[];
  readonly now: () => number;
}

export const sampleTeamId = 'T0TOOLGATE';

/** Slack, "Opening modals": a trigger is good for three seconds. */
const triggerMs = 3000;
/** Of each kind; the oldest go first. */
const keptMax = 1000;

export function createSlackWorkspace({ channels, users, now }: WorkspaceOptions): SlackWorkspace {
  const messages: SlackWorkspace['messages'] = new Map();
  const whispers: Whisper[] = [];
  const dialogs: OpenDialog[] = [];
  const triggers = new Map<string, { readonly user: string; readonly atMs: number }>();
  const waiting = new Set<() => void>();
  let sequence = 0;

  const nextTs = () => `${Math.floor(now() / 1000)}.${String(++sequence % 1_000_000).padStart(6, '0')}`;
  const tellChange = () => {
    for (const each of [...waiting]) each();
  };

  return {
    teamId: sampleTeamId,
    bot: { appId: 'A0TOOLGATE', botId: 'B0TOOLGATE', userId: 'U0BOT' },
    users: new Map(users.map((user) => [user.id, user])),
    channels,
    messages,
    whispers,
    dialogs,
    post(channel, { text, blocks, threadTs }) {
      const posted: PostedMessage = { channel, ts: nextTs(), threadTs, text, blocks, updates: 0 };
      messages.set(posted.ts, posted);
      const [oldest] = messages.keys();
      if (messages.size > keptMax && oldest !== undefined) messages.delete(oldest);
      tellChange();
      return posted;
    },
    update(message, { text, blocks }) {
      Object.assign(message, { text, blocks, updates: message.updates + 1 });
      tellChange();
    },
    whisper(whisper) {
      const told = { ...whisper, ts: nextTs() };
      whispers.push(told);
      if (whispers.length > keptMax) whispers.shift();
      tellChange();
      return told;
    },
    trigger(user) {
      for (const [id, { atMs }] of triggers) if (now() - atMs > 10 * triggerMs) triggers.delete(id);
      const id = `${++sequence}.${randomBytes(16).toString('hex')}`;
      triggers.set(id, { user, atMs: now() });
      return id;
    },
    openDialog(triggerId, view) {
      const trigger = triggers.get(triggerId);
      if (trigger === undefined) return 'exchanged_trigger_id';
      triggers.delete(triggerId);
      if (now() - trigger.atMs > triggerMs) return 'expired_trigger_id';
      const dialog = { id: `V${++sequence}`, user: trigger.user, view };
      dialogs.push(dialog);
      if (dialogs.length > keptMax) dialogs.shift();
      tellChange();
      return dialog;
    },
    closeDialog(dialog) {
      const index = dialogs.indexOf(dialog);
      if (index !== -1) dialogs.splice(index, 1);
    },
    changed(timeoutMs) {
      return new Promise((resolve) => {
        const end = (isChanged: boolean) => {
          clearTimeout(timer);
          waiting.delete(tell);
          resolve(isChanged);
        };
        const tell = () => end(true);
        const timer = setTimeout(() => end(false), timeoutMs);
        waiting.add(tell);
      });
    },
  };
}
