import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApprovalsDeps } from './deps.ts';
import type { ApprovalsEnv } from './env.ts';
import { keepSocket } from './keep-socket.ts';
import { receiveSlackRequest } from './receive-slack-request.ts';
import { type Repetition, repeat } from './repeat.ts';

/** An approvals service that listens and looks after open requests. */
export interface RunningApprovals {
  readonly port: number;
  readonly url: string;
  /** Lets answers under way end for as long as they may, and stops answering. */
  close(): Promise<void>;
}

/** Serves /approvals and what is below it; `path` is without the query. */
export type ServePages = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

/** The longest pause before the socket is tried again; a minute, as Slack takes them. Web API, "apps.connections.open". */
const pollsPerSocketTryMax = 30;

/** Listens as the environment says. `pages` serves people who answer without Slack. */
export async function startApprovals(
  env: Pick<ApprovalsEnv, 'HOST' | 'PORT' | 'APPROVALS_POLL_MS' | 'DRAIN_TIMEOUT_MS'>,
  deps: ApprovalsDeps,
  pages?: ServePages,
): Promise<RunningApprovals> {
  const { logger, now, slack } = deps;
  let isDraining = false;
  let hasBeenUp = false;
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, (req, res) => {
    serve(req, res).catch((error: unknown) => {
      logger.error({ err: error }, 'an exchange broke');
      res.destroy();
    });
  });
  // Longer than an ALB may be told to keep its side (4000 s), or it would send into a connection that we just closed.
  server.keepAliveTimeout = 4_030_000;
  await listen(server, env);
  // Slack may be away when this starts; cards and the page do not wait for its socket.
  const openSocket = slack?.events.openSocket;
  const pauseMs = env.APPROVALS_POLL_MS;
  const socket =
    openSocket && keepSocket(openSocket, { now, logger, pauseMs, pauseMsMax: pauseMs * pollsPerSocketTryMax });
  const loops = [
    loop('closed requests could not be looked at', deps.settle),
    ...(deps.followWorkflows === undefined ? [] : [loop('workflows could not be looked at', deps.followWorkflows)]),
    ...(slack === undefined ? [] : [loop('open requests could not be looked at', slack.follow)]),
  ];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/healthz') {
      // As at the gateway: a replica that never could serve is rolled back, and one that cannot right now is not replaced by another such.
      hasBeenUp ||= deps.problems().length === 0;
      return sendJson(response, hasBeenUp ? 200 : 503, { status: hasBeenUp ? 'ok' : 'starting' });
    }
    if (path === '/readyz') {
      const problem = socket?.problem();
      const problems = isDraining
        ? ['shutting down']
        : [...deps.problems(), ...(problem === undefined ? [] : [problem])];
      const isReady = problems.length === 0;
      return sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', problems });
    }
    if (path === '/slack/interactions' && slack?.receive !== undefined) {
      if (request.method !== 'POST') return sendJson(response, 405, { error: 'POST only' });
      response.writeHead(await receiveSlackRequest(request, slack.receive), { 'cache-control': 'no-store' });
      response.end();
      return;
    }
    if (pages !== undefined && (path === '/approvals' || path.startsWith('/approvals/'))) {
      return pages(request, response, path);
    }
    sendJson(response, 404, { error: 'not found' });
  }

  function loop(failed: string, work: (signal: AbortSignal) => Promise<void>): Repetition {
    return repeat(work, {
      pauseMs: env.APPROVALS_POLL_MS,
      onFailure: (error) => logger.warn({ err: error }, failed),
    });
  }

  const { port, address, family } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close() {
      isDraining = true;
      const ended = Promise.all([...loops.map((each) => each.close()), slack?.events.close(), socket?.close()]);
      await within(env.DRAIN_TIMEOUT_MS, ended);
      await deps.lease.release();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(body));
}

function listen(server: Server, { HOST, PORT }: Pick<ApprovalsEnv, 'HOST' | 'PORT'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(PORT, HOST, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
