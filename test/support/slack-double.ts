import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { KnownBlock, ModalView } from '@slack/types';
import { blockKitFaults, viewFaults } from './block-kit.ts';
import { attachSlackSocket, type SlackSocket } from './slack-socket.ts';

/** Slack's Web API as far as our services use it: its shapes, its limits, its words for no. Nothing is remembered beyond the test. */
export interface SlackDouble {
  /** Base URL of the methods, with the slash at its end. */
  readonly apiUrl: string;
  readonly token: string;
  readonly signingSecret: string;
  /** Of the app, which opens sockets and does nothing else. */
  readonly appToken: string;
  readonly socket: SlackSocket;
  readonly teamId: string;
  readonly channel: string;
  /** Everybody whom users.info knows, by id. */
  readonly users: Map<string, SlackPerson>;
  /** By their `ts`, in the order in which they came. */
  readonly messages: Map<string, PostedMessage>;
  readonly whispers: { readonly channel: string; readonly user: string; readonly text: string }[];
  /** Dialogs that were opened, the newest last. */
  readonly dialogs: ModalView[];
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

export interface SlackPerson {
  readonly id: string;
  readonly team_id: string;
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
  readonly threadTs: string | undefined;
  text: string;
  blocks: readonly KnownBlock[];
  updates: number;
}

export interface SlackFault {
  readonly status?: number;
  readonly error: string;
  readonly retryAfterS?: number;
}

type Fields = Readonly<Record<string, string>>;
type Answer = Readonly<Record<string, unknown>> | SlackFault;

export async function startSlackDouble(): Promise<SlackDouble> {
  const triggers = new Set<string>();
  const lastPostAt = new Map<string, number>();
  let sequence = 0;
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const teamId = 'T0TOOLGATE';
  const socket = attachSlackSocket(server);
  const double: SlackDouble = {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    token: `xoxb-${randomUUID()}`,
    signingSecret: randomUUID().replaceAll('-', ''),
    appToken: `xapp-${randomUUID()}`,
    socket,
    teamId,
    channel: 'C0APPROVALS',
    users: new Map(),
    messages: new Map(),
    whispers: [],
    dialogs: [],
    calls: [],
    fault: () => undefined,
    messageGapMs: 0,
    trigger() {
      const id = `${++sequence}.${randomUUID()}`;
      triggers.add(id);
      return id;
    },
    async close() {
      socket.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').replace('/api/', '');
    const fields = Object.fromEntries(new URLSearchParams(await text(request)));
    double.calls.push(method);
    const answer = double.fault(method) ?? (await answerOf(method, fields, request.headers.authorization));
    const isFault = 'error' in answer;
    const { status = 200, retryAfterS } = isFault ? (answer as SlackFault) : {};
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
    });
    response.end(JSON.stringify(isFault ? { ok: false, error: answer.error } : { ok: true, ...answer }));
  }

  function answerOf(method: string, fields: Fields, authorization: string | undefined): Answer {
    if (authorization === undefined) return { error: 'not_authed' };
    if (method === 'apps.connections.open' && authorization === `Bearer ${double.appToken}`) {
      return { url: double.apiUrl.replace('http', 'ws').replace('/api/', '/link') };
    }
    if (authorization !== `Bearer ${double.token}`) return { error: 'invalid_auth' };
    switch (method) {
      case 'auth.test':
        return { url: 'https://toolgate.slack.com/', team_id: teamId, user_id: 'U0BOT', bot_id: 'B0BOT' };
      case 'chat.postMessage':
        return post(fields);
      case 'chat.update':
        return update(fields);
      case 'chat.postEphemeral':
        return whisper(fields);
      case 'views.open':
        return openView(fields);
      case 'users.info': {
        const user = double.users.get(fields.user ?? '');
        return user === undefined ? { error: 'user_not_found' } : { user };
      }
      default:
        return { error: 'unknown_method' };
    }
  }

  function post(fields: Fields): Answer {
    const { channel = '', thread_ts: threadTs } = fields;
    if (channel !== double.channel) return { error: 'channel_not_found' };
    const read = readMessage(fields);
    if ('error' in read) return read;
    const waitMs = (lastPostAt.get(channel) ?? -Infinity) + double.messageGapMs - performance.now();
    if (waitMs > 0) return { status: 429, error: 'ratelimited', retryAfterS: Math.ceil(waitMs / 1000) };
    lastPostAt.set(channel, performance.now());
    sequence += 1;
    const ts = `1785000000.${String(sequence).padStart(6, '0')}`;
    double.messages.set(ts, { channel, ts, threadTs, ...read, updates: 0 });
    return { channel, ts, message: { type: 'message', ts, ...read } };
  }

  function update(fields: Fields): Answer {
    const found = double.messages.get(fields.ts ?? '');
    if (found === undefined || found.channel !== fields.channel) return { error: 'message_not_found' };
    const read = readMessage(fields);
    if ('error' in read) return read;
    Object.assign(found, read, { updates: found.updates + 1 });
    return { channel: found.channel, ts: found.ts, text: read.text };
  }

  function whisper({ channel = '', user = '', text: words = '' }: Fields): Answer {
    if (channel !== double.channel) return { error: 'channel_not_found' };
    if (!double.users.has(user)) return { error: 'user_not_in_channel' };
    if (words === '') return { error: 'no_text' };
    double.whispers.push({ channel, user, text: words });
    return { message_ts: `1785000000.${String(++sequence).padStart(6, '0')}` };
  }

  function openView({ trigger_id = '', view = '' }: Fields): Answer {
    if (!triggers.delete(trigger_id)) return { error: 'exchanged_trigger_id' };
    const parsed = JSON.parse(view) as ModalView;
    if (viewFaults(parsed).length > 0) return { error: 'invalid_arguments' };
    double.dialogs.push(parsed);
    return { view: { id: `V${++sequence}`, ...parsed } };
  }

  function readMessage({ text: words = '', blocks = '' }: Fields) {
    if (words === '' && blocks === '') return { error: 'no_text' };
    const parsed = (blocks === '' ? [] : JSON.parse(blocks)) as readonly KnownBlock[];
    if (blocks !== '' && blockKitFaults(parsed).length > 0) return { error: 'invalid_blocks' };
    return { text: words, blocks: parsed };
  }
  return double;
}
