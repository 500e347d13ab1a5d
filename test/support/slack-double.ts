import { randomUUID } from 'node:crypto';
import type { ModalView } from '@slack/types';
import type { SlackFault } from '../../runtime/local/slack-channel/answer-method.ts';
import { serveWebApi } from '../../runtime/local/slack-channel/serve-web-api.ts';
import {
  createSlackWorkspace,
  type PostedMessage,
  type SlackPerson,
  type SlackWorkspace,
  type Whisper,
} from '../../runtime/local/slack-channel/workspace.ts';
import { attachSlackSocket, type SlackSocket } from './slack-socket.ts';

export type { PostedMessage, SlackFault, SlackPerson };

/** The laptop's stand-in for Slack, with what tests do to it: faults, a limit of messages, a socket. Nothing is remembered beyond the test. */
export interface SlackDouble {
  /** Base URL of the methods, with the slash at its end. */
  readonly apiUrl: string;
  readonly token: string;
  readonly signingSecret: string;
  /** Of the app, which opens sockets and does nothing else. */
  readonly appToken: string;
  readonly socket: SlackSocket;
  readonly workspace: SlackWorkspace;
  readonly teamId: string;
  readonly channel: string;
  /** Everybody whom users.info knows, by id. */
  readonly users: Map<string, SlackPerson>;
  /** By their `ts`, in the order in which they came. */
  readonly messages: Map<string, PostedMessage>;
  readonly whispers: readonly Whisper[];
  /** Dialogs that were opened, the newest last. */
  readonly dialogs: readonly ModalView[];
  /** Methods that were called, in order. */
  readonly calls: string[];
  /** Answers this instead of doing it, for as long as it returns something. */
  fault: (method: string) => SlackFault | undefined;
  /** Slack, "Rate limits": one message a second in a channel. @default 0, no limit */
  messageGapMs: number;
  /** A trigger as a click brings it; good once. */
  trigger(): string;
  close(): Promise<void>;
}

const channel = 'C0APPROVALS';

export async function startSlackDouble(): Promise<SlackDouble> {
  const appToken = `xapp-${randomUUID()}`;
  const token = `xoxb-${randomUUID()}`;
  const lastPostAt = new Map<string, number>();
  // Its clock stands, so that no trigger is too old on a busy machine.
  const workspace = createSlackWorkspace({
    channels: new Map([[channel, 'approvals']]),
    users: [],
    now: () => 1_785_000_000_000,
  });
  const api = await serveWebApi(workspace, {
    token,
    instead(method, fields, authorization) {
      double.calls.push(method);
      const fault = double.fault(method);
      if (fault !== undefined) return fault;
      if (method === 'apps.connections.open' && authorization === `Bearer ${appToken}`) {
        return { url: api.apiUrl.replace('http', 'ws').replace('/api/', '/link') };
      }
      return method === 'chat.postMessage' ? tooMany(fields.channel ?? '') : undefined;
    },
  });
  const socket = attachSlackSocket(api.server);

  function tooMany(where: string): SlackFault | undefined {
    const waitMs = (lastPostAt.get(where) ?? -Infinity) + double.messageGapMs - performance.now();
    if (waitMs > 0) return { status: 429, error: 'ratelimited', retryAfterS: Math.ceil(waitMs / 1000) };
    lastPostAt.set(where, performance.now());
    return undefined;
  }

  const double: SlackDouble = {
    apiUrl: api.apiUrl,
    token,
    signingSecret: randomUUID().replaceAll('-', ''),
    appToken,
    socket,
    workspace,
    teamId: workspace.teamId,
    channel,
    users: workspace.users,
    messages: workspace.messages,
    whispers: workspace.whispers,
    get dialogs() {
      return workspace.dialogs.map(({ view }) => view);
    },
    calls: [],
    fault: () => undefined,
    messageGapMs: 0,
    trigger: () => workspace.trigger('U0SOMEBODY'),
    async close() {
      socket.close();
      await api.close();
    },
  };
  return double;
}
