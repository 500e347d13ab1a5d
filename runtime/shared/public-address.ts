import ipaddr from 'ipaddr.js';

/** What kind of place an IP address is, for deciding whether a service may call it. */
export type AddressKind = 'public' | 'loopback' | 'forbidden';

// Inside 2000::/3, yet not the public internet: documentation (RFC 9637), Teredo, ORCHID and benchmarks (2001::/23), 6to4, SRv6 and NAT64
// carry or name other networks.
const forbiddenV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '2620:4f:8000::/48'].map((range) =>
  ipaddr.IPv6.parseCIDR(range),
);
const globalUnicastV6 = ipaddr.IPv6.parseCIDR('2000::/3');
// Addresses that ipaddr.js calls unicast and IANA's special-purpose registry does not call globally reachable.
const forbiddenV4 = ['192.0.0.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.175.48.0/24'].map(
  (range) => ipaddr.IPv4.parseCIDR(range),
);

/** Says where an IP address leads. Only what is surely the public internet is `public`; what cannot be parsed is `forbidden`. */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address)) return 'forbidden';
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) {
    if (parsed.range() === 'loopback') return 'loopback';
    if (parsed.range() !== 'unicast') return 'forbidden';
    return forbiddenV4.some((range) => parsed.match(range)) ? 'forbidden' : 'public';
  }
  const v6 = parsed as ipaddr.IPv6;
  if (v6.range() === 'loopback') return 'loopback';
  // An allow list, because IPv6 has more ways to wrap an IPv4 address (mapped, NAT64, 6to4, Teredo) than anybody remembers.
  if (!v6.match(globalUnicastV6) || v6.range() !== 'unicast') return 'forbidden';
  return forbiddenV6.some((range) => v6.match(range)) ? 'forbidden' : 'public';
}
