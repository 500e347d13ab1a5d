import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DeclarationFollower, followDeclarations } from './declarations/follow-declarations.ts';
import { createReconciliation } from './declarations/reconcile.ts';
import type { RegistryProcessDeps } from './deps.ts';
import { checkRegistryEnv, type RegistryEnv } from './env.ts';
import { createRegistryMetrics } from './registry-metrics.ts';

/** A registry that keeps the catalogue and answers. */
export interface RunningRegistry {
  readonly port: number;
  readonly url: string;
  /** The passes over the declarations, for whoever does not want to wait for the next one. */
  readonly follower: DeclarationFollower;
  /** Lets the pass under way end for as long as it may, gives the lease back, and stops answering. */
  close(): Promise<void>;
}

/** What a GET of one path answers. */
interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

type Route = () => Answer | Promise<Answer>;

/** Listens as the environment says, and follows the declarations. Rejects with one sentence when the environment is unsafe. */
export async function startRegistry(env: RegistryEnv, deps: RegistryProcessDeps): Promise<RunningRegistry> {
  checkRegistryEnv(env);
  const { logger } = deps;
  const metrics = createRegistryMetrics(() => ({
    declared: reconciliation.declared(),
    amiss: reconciliation.causes().size,
    isLeading: follower.isLeading() === true,
  }));
  const reconciliation = createReconciliation(deps, {
    path: env.DECLARATIONS_PATH,
    toolDomain: env.TOOL_DOMAIN,
    recheckMs: env.DECLARATIONS_RECHECK_MS,
    retryMs: env.DECLARATIONS_POLL_MS,
    onOutcome: metrics.observe,
  });
  let isDraining = false;
  const routes: Readonly<Record<string, Route>> = {
    '/healthz': () => json(200, { status: 'ok' }),
    '/readyz': () => {
      const problems = isDraining ? ['shutting down'] : [...deps.problems(), follower.problem()].filter(isSaid);
      return json(problems.length === 0 ? 200 : 503, {
        status: problems.length === 0 ? 'ready' : 'not ready',
        problems,
      });
    },
    '/metrics': async () => {
      const { contentType, text } = await metrics.render();
      return { status: 200, contentType, body: text };
    },
  };
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, (req, res) => {
    serve(req, res, routes).catch((error: unknown) => {
      logger.error({ err: error }, 'an exchange broke');
      res.destroy();
    });
  });
  // Longer than an ALB keeps its side (60 s), or it would send into a connection that we just closed.
  server.keepAliveTimeout = 75_000;
  await listen(server, env);
  const follower = followDeclarations(reconciliation, {
    pollMs: env.DECLARATIONS_POLL_MS,
    logger,
    waitsFor: deps.waitsFor,
  });
  const { port, address, family } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    follower,
    async close() {
      isDraining = true;
      await within(env.DRAIN_TIMEOUT_MS, follower.close());
      await deps.lease.release();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const answer = route === undefined || !isRead ? json(404, { error: 'not found' }) : await route();
  response.writeHead(answer.status, {
    'content-type': answer.contentType ?? 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}

function isSaid(problem: string | undefined): problem is string {
  return problem !== undefined;
}

function listen(server: Server, { HOST, PORT }: RegistryEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(PORT, HOST, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
