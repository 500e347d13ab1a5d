import { isIPv6 } from 'node:net';
import { passesBase58Check, passesBech32 } from './checksums.ts';
import type { Hit } from './hits.ts';
import { readMatches } from './read-matches.ts';

const ipv6 = /(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:[0-9A-Fa-f]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])/g;
const mac = /(?<![0-9A-Za-z:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z:-])/g;

/** Finds IPv6 and MAC addresses; IPv4 is a matter of digits, see find-numbers.ts. */
export function findNetworkAddresses(text: string): Hit[] {
  const hits: Hit[] = [];
  if (/[:-][0-9A-Fa-f]{2}[:-]/.test(text)) {
    for (const match of readMatches(mac, text)) hits.push(toHit(match, 'MAC_ADDRESS'));
  }
  if (!/:[0-9A-Fa-f]{0,4}:/.test(text)) return hits;
  for (const match of readMatches(ipv6, text)) {
    const address = match[0];
    // `::1` and `::` are nobody's; `add::bed` is a path of a programming language.
    const isSomebody = /\d/.test(address) && !/^::1?$/.test(address) && isIPv6(address);
    if (isSomebody && !/^\/\d/.test(text.slice(match.index + address.length, match.index + address.length + 2)))
      hits.push(toHit(match, 'IP_ADDRESS'));
  }
  return hits;
}

const bitcoin = /(?<![A-Za-z0-9])[13][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])/g;
const segwit = /(?<![A-Za-z0-9])bc1[02-9ac-hj-np-z]{11,87}(?![A-Za-z0-9])/gi;
const ethereum = /(?<![A-Za-z0-9])0x[0-9A-Fa-f]{40}(?![A-Za-z0-9])/g;

/** Finds Bitcoin addresses by their checksum and Ethereum addresses by their form. */
export function findWallets(text: string): Hit[] {
  const hits: Hit[] = [];
  for (const match of readMatches(bitcoin, text)) if (passesBase58Check(match[0])) hits.push(toHit(match, 'CRYPTO'));
  for (const match of readMatches(segwit, text))
    if (passesBech32(match[0].toLowerCase())) hits.push(toHit(match, 'CRYPTO'));
  for (const match of readMatches(ethereum, text)) hits.push(toHit(match, 'CRYPTO'));
  return hits;
}

const nino =
  /(?<![A-Za-z0-9])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Za-z0-9])/g;
const license =
  /(?:driv(?:er|ing)(?:'?s)?'?[ _-]?licen[cs]e|licen[cs]e (?:no|num|id|#))[^\n\d]{0,24}?\b([A-Z]{1,2}[ -]?\d[\d -]{4,16}\d|[A-Z]\d{3}-\d{4}-\d{4})(?![A-Za-z0-9])/gi;
const passport = /passport[^\n\d]{0,24}?\b([A-Z]{1,2}\d{6,8})(?![A-Za-z0-9])/gi;

/** Finds identity numbers that start with letters: by their form, or by the word before them. */
export function findIdentityNumbers(text: string): Hit[] {
  const hits: Hit[] = [];
  for (const match of readMatches(nino, text)) hits.push(toHit(match, 'UK_NINO'));
  if (!/licen|passport/i.test(text)) return hits;
  for (const match of readMatches(license, text)) hits.push(toHit(match, 'US_DRIVER_LICENSE', match[1]));
  for (const match of readMatches(passport, text)) hits.push(toHit(match, 'US_PASSPORT', match[1]));
  return hits;
}

/** The range of a match, or of its last part. */
function toHit(match: RegExpExecArray, type: Hit['type'], part = match[0]): Hit {
  const end = match.index + match[0].length;
  return { start: end - part.length, end, type };
}
