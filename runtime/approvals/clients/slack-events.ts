import { setTimeout as sleep } from 'node:timers/promises';
import { App, type Context, type Receiver, type ReceiverEvent, SocketModeReceiver } from '@slack/bolt';
import { denyDialogId } from '../messages/deny-dialog.ts';
import { cardActions } from '../messages/request-card.ts';
import { takeBackDialogId } from '../messages/take-back-dialog.ts';
import { readClick, type SlackClick } from '../read-click.ts';
import { muteLogger, SlackFailure, toFailure } from './slack.ts';

/** What Slack sends us, whichever way it comes. */
export interface SlackEvents {
  /**
   * One payload whose signature holds; resolves as soon as it is acknowledged, with false when it is nothing of ours. What it leads to goes on
   * after that, unless `isFirst` says that the same message came before.
   */
  deliver(payload: Readonly<Record<string, unknown>>, isFirst: () => Promise<boolean>): Promise<boolean>;
  /** Undefined over HTTP. Rejects with {@link SlackFailure}; whoever opens it opens it again when it is lost. */
  readonly openSocket: (() => Promise<OpenSocket>) | undefined;
  /** Takes nothing more, and waits for what is under way. */
  close(): Promise<void>;
}

export interface OpenSocket {
  /** Resolves when it is open no more, whoever closed it. */
  readonly lost: Promise<void>;
}

export interface SlackEventsOptions {
  /** With it Slack is listened to over a socket that we open, so that no address of ours need be public. */
  readonly appToken?: string | undefined;
  /** Only for a double. @default Slack's */
  readonly apiUrl?: string | undefined;
  /** What a click leads to. Never rejects. */
  readonly onClick: (click: SlackClick) => Promise<void>;
  /** Ends early when the signal says so. @default a timer */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Bolt behind our own check of the bytes: it knows the shapes of what Slack sends, acknowledges, and keeps the socket. */
export function createSlackEvents(options: SlackEventsOptions): SlackEvents {
  const { appToken, apiUrl, onClick, wait = (ms, signal) => sleep(ms, undefined, { signal }) } = options;
  const underWay = new Set<Promise<void>>();
  const socket =
    appToken === undefined
      ? undefined
      : new SocketModeReceiver({
          appToken,
          logger: muteLogger,
          // Its own reconnecting rejects where nobody can catch it, and ends the process, as soon as Slack refuses the token.
          autoReconnectEnabled: false,
          installerOptions: {
            clientOptions: {
              ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
              timeout: addressTimeoutMs,
              retryConfig: { retries: 0 },
              rejectRateLimitedCalls: true,
            },
          },
        });
  const app = new App({
    receiver: socket ?? noReceiver,
    // Listeners get no client: whatever is sent goes through the paced one.
    authorize: async () => ({}),
    convoStore: false,
    ignoreSelf: false,
    attachFunctionToken: false,
    logger: muteLogger,
  });
  const take = (payload: unknown, isFirst: unknown) => {
    const click = readClick(payload);
    if (click === undefined) return;
    const work = answer(click, typeof isFirst === 'function' ? (isFirst as () => Promise<boolean>) : undefined).finally(
      () => underWay.delete(work),
    );
    underWay.add(work);
  };
  const answer = async (click: SlackClick, isFirst: (() => Promise<boolean>) | undefined) => {
    // A dialog cannot wait for the store, and Slack opens one a trigger.
    if ('triggerId' in click || isFirst === undefined || (await isFirst())) await onClick(click);
  };
  // Acknowledged first: Slack waits for three seconds, and what a click leads to may take longer.
  const takeAction = async ({ ack, body, context }: { ack: () => Promise<void>; body: unknown; context: Context }) => {
    await ack();
    take(body, context.isFirst);
  };
  for (const action of Object.values(cardActions)) app.action(action, takeAction);
  for (const dialog of [denyDialogId, takeBackDialogId]) app.view(dialog, takeAction);

  let isClosing = false;
  let opening: Promise<unknown> = Promise.resolve();
  let lose = () => {};
  socket?.client.on('disconnected', () => lose());

  async function openSocket(client: SocketModeReceiver['client']): Promise<OpenSocket> {
    const lost = new Promise<void>((resolve) => {
      lose = resolve;
    });
    opening = app.start();
    const patience = new AbortController();
    let isLate = false;
    // Bolt waits for ever for a hello, as long as its pings are answered.
    void wait(helloTimeoutMs, patience.signal)
      .catch(() => undefined)
      .then(() => {
        isLate = !patience.signal.aborted;
        if (isLate) hangUp(client);
      });
    try {
      await opening;
    } catch (error) {
      throw isLate
        ? new SlackFailure('apps.connections.open', 'unavailable', 'no_hello')
        : toFailure('apps.connections.open', error);
    } finally {
      patience.abort();
    }
    // It was asked for before the end, which closed nothing then.
    if (isClosing) await client.disconnect();
    return { lost };
  }

  return {
    deliver: (body, isFirst) =>
      new Promise((resolve) => {
        const event: ReceiverEvent = { body, customProperties: { isFirst }, ack: async () => resolve(true) };
        // Bolt rejects shapes that it cannot read; nothing that we do runs inside of this.
        const unread = () => resolve(false);
        app.processEvent(event).then(unread, unread);
      }),
    openSocket: socket && (() => openSocket(socket.client)),
    async close() {
      isClosing = true;
      // Bolt's own stop does not wait until the socket is closed.
      await socket?.client.disconnect();
      await opening.catch(() => undefined);
      await Promise.all(underWay);
    },
  };
}

/** Whoever says no hello may say no goodbye: the first ends the conversation, the second does not wait for the other side. */
function hangUp(client: SocketModeReceiver['client']): void {
  void client.disconnect();
  void client.disconnect();
}

/** Of the one request that asks Slack where the socket is. */
const addressTimeoutMs = 10_000;

/** Until Slack says hello, that request included. */
const helloTimeoutMs = 30_000;

/** Over HTTP the service itself listens, on the bytes. */
const noReceiver: Receiver = { init() {}, start: async () => {}, stop: async () => {} };
