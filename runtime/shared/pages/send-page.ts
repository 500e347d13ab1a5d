import type { ServerResponse } from 'node:http';
import { styleHash } from './page.ts';

/** Sends a page under a policy that lets nothing run and nothing frame it. */
export function sendPage(response: ServerResponse, status: number, content: string, redirectUri?: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': pagePolicy(redirectUri),
  });
  response.end(content);
}

/** Content security policy of a page whose form may end, by redirects, at the client. */
export function pagePolicy(redirectUri?: string): string {
  const target = redirectUri === undefined ? '' : ` ${formTarget(redirectUri)}`;
  return `default-src 'none'; style-src ${styleHash}; form-action 'self'${target}; frame-ancestors 'none'; base-uri 'none'`;
}

function formTarget(redirectUri: string): string {
  const { origin, protocol, hostname } = new URL(redirectUri);
  // CSP has no syntax for IPv6 hosts.
  return hostname.startsWith('[') ? protocol : origin;
}
