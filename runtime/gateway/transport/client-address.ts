import { isIP } from 'node:net';

/**
 * Where a request came from. Each of the `proxyHops` proxies in front added one address at the end of X-Forwarded-For; what stands before
 * was sent to them and may be made up. Undefined when nothing that can be believed is there.
 */
export function clientAddress(
  forwardedFor: readonly string[],
  socketAddress: string | undefined,
  proxyHops: number,
): string | undefined {
  if (proxyHops === 0) return socketAddress;
  const address = forwardedFor
    .flatMap((value) => value.split(','))
    .at(-proxyHops)
    ?.trim();
  return address !== undefined && isIP(address) !== 0 ? address : undefined;
}
