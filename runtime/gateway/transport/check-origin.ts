import { Refusal } from '../../shared/refusal.ts';
import type { RequestHeaders } from './read-headers.ts';

/** Which hosts this gateway answers to and which web origins may call it. */
export interface DoorPolicy {
  readonly isHostAllowed: (host: string) => boolean;
  readonly isOriginAllowed: (origin: string) => boolean;
}

/**
 * Hosts are `name` (any port) or `name:port`. A loopback public URL admits every loopback name at any port, because a laptop's
 * tools sit behind injecting proxies and forwarded ports; a rebound name still has the attacker's host in it.
 */
export function createDoorPolicy(
  publicUrl: string,
  extraHosts: readonly string[],
  extraOrigins: readonly string[],
): DoorPolicy {
  const own = new URL(publicUrl);
  const isLoopback = isLoopbackName(own.hostname);
  const hosts = new Set([own.host, ...extraHosts.map((host) => host.toLowerCase())]);
  const origins = new Set([own.origin, ...extraOrigins]);
  return {
    isHostAllowed: (host) => {
      const lower = host.toLowerCase();
      if (hosts.has(lower)) return true;
      const name = hostNameOf(lower);
      return name !== undefined && (hosts.has(name) || (isLoopback && isLoopbackName(name)));
    },
    isOriginAllowed: (origin) => {
      if (origins.has(origin)) return true;
      const parsed = isLoopback ? URL.parse(origin) : null;
      return parsed !== null && parsed.origin === origin && isLoopbackName(parsed.hostname);
    },
  };
}

/** Refuses a Host or Origin that is not ours: DNS rebinding. MCP streamable HTTP § Security. */
export function checkOrigin(headers: RequestHeaders, target: string, policy: DoorPolicy): void {
  const { host, origin } = headers.values;
  if (host === undefined || headers.repeated.has('host') || !policy.isHostAllowed(host)) {
    throw new Refusal('host_not_allowed');
  }
  // RFC 9112 § 3.2.2: an absolute-form target names the host, so it must be ours as well.
  if (!target.startsWith('/')) {
    const absolute = URL.parse(target);
    if (absolute === null || !policy.isHostAllowed(absolute.host)) throw new Refusal('host_not_allowed');
  }
  if (origin !== undefined && (headers.repeated.has('origin') || !policy.isOriginAllowed(origin))) {
    throw new Refusal('origin_not_allowed');
  }
}

const hostPattern = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?$/;

function hostNameOf(host: string): string | undefined {
  return hostPattern.exec(host)?.[1];
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '127.0.0.1' || name === '[::1]';
}
