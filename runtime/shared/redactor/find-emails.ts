import type { Hit } from './hits.ts';

/** RFC 5321 § 4.5.3.1: 64 octets before the @, 255 after. */
const LOCAL_MAX = 64;
const DOMAIN_MAX = 255;

/** Finds e-mail addresses: from each `@` outwards, a bounded way to both sides, so the cost is linear. */
export function findEmails(text: string): Hit[] {
  const hits: Hit[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const start = localStart(text, at);
    if (start === at) continue;
    const end = domainEnd(text, at + 1);
    // `git@github.com:team/repo` names a host's login, not a person.
    if (end > at + 1 && text.slice(start, at) !== 'git') hits.push({ start, end, type: 'EMAIL_ADDRESS' });
  }
  return hits;
}

function localStart(text: string, at: number): number {
  const floor = Math.max(0, at - LOCAL_MAX);
  if (text[at - 1] === '"') {
    const quote = text.lastIndexOf('"', at - 2);
    return quote >= floor ? quote : at;
  }
  let start = at;
  while (start > floor) {
    const code = text.charCodeAt(start - 1);
    if (code < 128 ? !isLocalAscii[code] : !isLetterBefore(text, start, at)) break;
    start -= 1;
  }
  while (start < at && /[.'*!#]/.test(text[start] ?? '')) start += 1;
  return start;
}

// RFC 5322 § 3.2.3 without / = ? & ` { | }, which in practice stand between an address and what is before it.
const isLocalAscii = Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9.!#$%'*+^_~-]/.test(String.fromCharCode(code)),
);

/** Letters beyond ASCII may be part of an address (RFC 6531); scripts written without spaces end it once it has begun. */
function isLetterBefore(text: string, start: number, at: number): boolean {
  const character = text[start - 1] ?? '';
  if (!/[\p{L}\p{N}]/u.test(character)) return false;
  const isUnspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u.test(
    character,
  );
  return !isUnspaced || start === at || text.charCodeAt(start) > 127;
}

function domainEnd(text: string, from: number): number {
  if (text[from] === '[') {
    return from + (/^\[(?:IPv6:)?[0-9A-Fa-f.:]{3,45}\]/.exec(text.slice(from, from + 56))?.[0].length ?? 0);
  }
  const ceiling = Math.min(text.length, from + DOMAIN_MAX);
  let end = from;
  while (end < ceiling) {
    const code = text.charCodeAt(end);
    const isPart =
      code < 128
        ? isDomainAscii[code] && !(code === 0x2e && text.charCodeAt(end + 1) === 0x2e)
        : /[\p{L}\p{N}]/u.test(text[end] ?? '');
    if (!isPart) break;
    end += 1;
  }
  while (end > from && /[.-]/.test(text[end - 1] ?? '')) end -= 1;
  const domain = text.slice(from, end);
  const dot = domain.lastIndexOf('.');
  const isDomain =
    dot > 0 && /^(?:xn--|[\p{L}]{2})/u.test(domain.slice(dot + 1)) && !/^\d+(?:\.\d+)+(?:[.-]|$)/.test(domain);
  // `example.com.2` ends a sentence about example.com.
  if (!isDomain && dot > 0 && domain.indexOf('.') < dot) return from + shorterDomain(domain.slice(0, dot));
  return isDomain ? end : from;
}

function shorterDomain(domain: string): number {
  const dot = domain.lastIndexOf('.');
  return dot > 0 && /^[\p{L}]{2,24}$/u.test(domain.slice(dot + 1)) && /\p{L}/u.test(domain.slice(0, dot))
    ? domain.length
    : 0;
}

const isDomainAscii = Array.from({ length: 128 }, (_, code) => /[A-Za-z0-9.-]/.test(String.fromCharCode(code)));
