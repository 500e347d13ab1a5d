import type { IncomingMessage } from 'node:http';
import { Refusal } from '../shared/refusal.ts';

/** Which names a tool server answers to. */
export interface HostPolicy {
  /** Names (any port) or `name:port`. */
  readonly hosts: ReadonlySet<string>;
  /** On a laptop every loopback name is ours; a rebound name still has the attacker's host in it. */
  readonly isLoopback: boolean;
}

export function createHostPolicy(publicUrl: string, allowedHosts: readonly string[]): HostPolicy {
  const { host, hostname } = new URL(publicUrl);
  return {
    hosts: new Set([host, ...allowedHosts.map((name) => name.toLowerCase())]),
    isLoopback: isLoopback(hostname),
  };
}

/** Refuses a Host or Origin that is not ours: DNS rebinding. MCP streamable HTTP § Security. Throws Refusal. */
export function checkHost({ headersDistinct }: IncomingMessage, policy: HostPolicy): void {
  const [host, ...moreHosts] = headersDistinct.host ?? [];
  if (host === undefined || moreHosts.length > 0 || !isOurs(host.toLowerCase(), policy)) {
    throw new Refusal('host_not_allowed');
  }
  const [origin, ...moreOrigins] = headersDistinct.origin ?? [];
  if (origin === undefined) return;
  // No browser calls a tool server, but for one that is developed on this machine.
  const parsed = URL.parse(origin);
  const isOwn = parsed !== null && parsed.origin === origin && policy.isLoopback && isLoopback(parsed.hostname);
  if (moreOrigins.length > 0 || !isOwn) throw new Refusal('origin_not_allowed');
}

function isOurs(host: string, { hosts, isLoopback: loopback }: HostPolicy): boolean {
  if (hosts.has(host)) return true;
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?$/.exec(host)?.[1];
  return name !== undefined && (hosts.has(name) || (loopback && isLoopback(name)));
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '127.0.0.1' || name === '[::1]';
}
