import ipaddr from 'ipaddr.js';

/** What kind of place an IP address is, for deciding whether a service may call it. */
export type AddressKind = 'public' | 'loopback' | 'private' | 'forbidden';

// Inside 2000::/3, yet not the public internet: documentation (RFC 9637), Teredo, ORCHID and benchmarks (2001::/23), 6to4, SRv6 and NAT64
// carry or name other networks.
const forbiddenV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '2620:4f:8000::/48'].map((range) =>
  ipaddr.IPv6.parseCIDR(range),
);
// RFC 1918 and RFC 6598: what a VPC is made of. Of the unique local IPv6 addresses Amazon serves instance metadata, DNS and time at fd00:ec2::/32.
const privateV4 = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map((range) =>
  ipaddr.IPv4.parseCIDR(range),
);
const uniqueLocalV6 = ipaddr.IPv6.parseCIDR('fc00::/7');
const amazonServicesV6 = ipaddr.IPv6.parseCIDR('fd00:ec2::/32');
const globalUnicastV6 = ipaddr.IPv6.parseCIDR('2000::/3');
// Addresses that ipaddr.js calls unicast and IANA's special-purpose registry does not call globally reachable.
const forbiddenV4 = ['192.0.0.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.175.48.0/24'].map(
  (range) => ipaddr.IPv4.parseCIDR(range),
);

/**
 * Says where an IP address leads. Only what is surely the public internet is `public`, and only what a network of one's own is made of is
 * `private`; link-local addresses, where clouds serve credentials, and what cannot be parsed are `forbidden`.
 */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address)) return 'forbidden';
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) {
    if (parsed.range() === 'loopback') return 'loopback';
    if (privateV4.some((range) => parsed.match(range))) return 'private';
    if (parsed.range() !== 'unicast') return 'forbidden';
    return forbiddenV4.some((range) => parsed.match(range)) ? 'forbidden' : 'public';
  }
  const v6 = parsed as ipaddr.IPv6;
  if (v6.range() === 'loopback') return 'loopback';
  if (v6.match(uniqueLocalV6) && !v6.match(amazonServicesV6)) return 'private';
  // An allow list, because IPv6 has more ways to wrap an IPv4 address (mapped, NAT64, 6to4, Teredo) than anybody remembers.
  if (!v6.match(globalUnicastV6) || v6.range() !== 'unicast') return 'forbidden';
  return forbiddenV6.some((range) => v6.match(range)) ? 'forbidden' : 'public';
}
