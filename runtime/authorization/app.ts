import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { pagePolicy, sendPage } from '../shared/pages/send-page.ts';
import type { AuthorizationDeps } from './deps.ts';
import type { AuthorizationEnv } from './env.ts';
import { type InteractionParts, serveInteraction } from './interactions.ts';
import { errorPage } from './pages/pages.ts';
import type { RequestLimit } from './request-limit.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { callbackPath, serveCallback } from './upstream-sign-in.ts';

export interface AppParts {
  readonly env: AuthorizationEnv;
  readonly deps: AuthorizationDeps;
  readonly interactions: InteractionParts;
  readonly registrationLimit: RequestLimit;
  /** The provider of the keys in force. */
  readonly provider: () => Provider;
  readonly isDraining: () => boolean;
}

/** The HTTP server: health, what protects every answer, then the page or the protocol. */
export function createApp(parts: AppParts): Server {
  return createServer(
    // The deadlines also end clients that send a byte now and then. An idle connection is kept for longer than an ALB may be told to keep
    // its side (4000 s), or it would send into one that we just closed.
    { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 4_030_000, maxHeaderSize: 16 * 1024 },
    (request, response) => {
      serve(request, response, parts).catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) parts.deps.logger.error({ err: error }, 'request failed');
        sendFailure(response, error);
      });
    },
  );
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: AppParts): Promise<void> {
  const { env } = parts;
  const issuer = new URL(env.AUTHORIZATION_ISSUER);
  protect(response, issuer.protocol === 'https:');
  // The library finds its routes in absolute targets too (RFC 9112 § 3.2.2), so what is asked here must be the same path.
  request.url = (request.url ?? '/').replace(/^https?:\/\/[^/?#]*\/?/i, '/');
  const path = request.url.split(/[?#]/, 1)[0];
  if (path === '/healthz') return sendJson(response, 200, { status: 'ok' });
  if (path === '/readyz') return serveReadiness(response, parts);
  // Gateways fetch the key set by a name inside their network; it is the same under every name.
  if (path === '/jwks') request.headers.host = issuer.host;
  // Links and cookies are made from the host, so a foreign one (DNS rebinding, a spoofed header) ends here.
  if (request.headers.host !== issuer.host) {
    return sendJson(response, 421, { error: 'invalid_request', error_description: `This server is ${issuer.origin}.` });
  }
  const address = clientAddress(request, issuer.protocol === 'https:');
  // Koa believes these headers; after this line they say what we know.
  delete request.headers['x-forwarded-host'];
  request.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
  request.headers['x-forwarded-for'] = address;

  if (path?.startsWith('/interaction/'))
    return serveInteraction(request, response, parts.provider(), parts.interactions);
  const { signIn } = parts.interactions;
  if (path === callbackPath && signIn !== undefined) return serveCallback(request, response, parts.provider(), signIn);
  // As the library's router reads it: in any case, with a slash or without.
  if (/^\/register\/*$/i.test(path ?? '') && !(await mayRegister(request, response, address, parts))) return;
  await parts.provider().callback()(request, response);
}

/** Registration is open to pages of any origin, as it is to everybody else; it reads no cookie. False when it was answered. */
async function mayRegister(
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
  { registrationLimit }: AppParts,
): Promise<boolean> {
  response.setHeader('access-control-allow-origin', '*');
  if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type, mcp-protocol-version',
      'access-control-max-age': '3600',
    });
    response.end();
    return false;
  }
  const waitMs = request.method === 'POST' ? await registrationLimit.take(address) : 0;
  if (waitMs === 0) return true;
  response.setHeader('retry-after', String(Math.ceil(waitMs / 1000)));
  sendJson(response, 429, {
    error: 'temporarily_unavailable',
    error_description: 'Too many clients were registered from this address. Try again in a minute.',
  });
  return false;
}

async function serveReadiness(response: ServerResponse, { deps, isDraining }: AppParts): Promise<void> {
  if (isDraining()) return sendJson(response, 503, { status: 'draining' });
  await deps.items.get('KeyRing');
  const problems = problemsOf(deps);
  if (problems.length > 0) return sendJson(response, 503, { status: 'not ready', problems });
  sendJson(response, 200, { status: 'ready' });
}

/** What this replica still lacks, one phrase each. */
function problemsOf({ catalogue, agents }: AuthorizationDeps): readonly string[] {
  const problems = [agents?.problem()];
  try {
    catalogue.current();
  } catch {
    problems.push('no catalogue');
  }
  return problems.filter((problem) => problem !== undefined);
}

/** The last address in X-Forwarded-For is the one that our load balancer wrote; what stands before it was sent to it. */
function clientAddress(request: IncomingMessage, isBehindProxy: boolean): string {
  const forwarded = isBehindProxy
    ? String(request.headers['x-forwarded-for'] ?? '')
        .split(',')
        .at(-1)
        ?.trim()
    : '';
  return forwarded || request.socket.remoteAddress || 'unknown';
}

function protect(response: ServerResponse, isSecure: boolean): void {
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('content-security-policy', "frame-ancestors 'none'; base-uri 'none'");
  if (isSecure) response.setHeader('strict-transport-security', 'max-age=63072000; includeSubDomains');
}

function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isStore = error instanceof StoreUnavailable;
  const status = isStore ? 503 : 500;
  const sentence = isStore ? error.error_description : 'Something is broken on our side.';
  if (isStore) response.setHeader('retry-after', '5');
  if (response.req.headers.accept?.includes('text/html')) {
    response.setHeader('content-security-policy', pagePolicy());
    sendPage(response, status, errorPage(isStore ? 'Not right now' : 'This cannot go on', String(sentence)));
  } else sendJson(response, status, { error: isStore ? error.error : 'server_error', error_description: sentence });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
