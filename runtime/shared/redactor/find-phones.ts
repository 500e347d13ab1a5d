import { getCountries, getCountryCallingCode, isPossiblePhoneNumber, isValidPhoneNumber } from 'libphonenumber-js/min';
import type { Context } from './context-words.ts';
import type { Cluster } from './number-clusters.ts';

/**
 * The end (exclusive group index) of the phone number that starts at group `from`; undefined when there is none. A number with a
 * `+`, the North American shape or a bracketed area code stands for itself; a national one with a trunk zero must look like one;
 * anything else needs a word that calls it a phone.
 */
export function matchPhone(
  cluster: Cluster,
  from: number,
  context: Context | undefined,
  isLabelled: (end: number) => boolean,
): number | undefined {
  const window = readWindow(cluster, from);
  if (window === undefined) return undefined;
  const { lead, lengths, digits, to } = window;
  if (lead.includes('+')) return matchInternational(digits, lengths, from);
  const northAmerican = matchNorthAmerican(digits, lengths, lead);
  if (northAmerican !== undefined) return from + northAmerican;
  // Ten digits at least: 00604-6363 is a postal code.
  if (digits.startsWith('00') && (lengths[0] ?? 0) <= 5 && digits.length >= 10) {
    const international = matchInternational(digits.slice(2), [(lengths[0] ?? 0) - 2, ...lengths.slice(1)], from);
    if (international !== undefined) return international;
  }
  const isWord = context === 'phone' || isLabelled(window.end);
  if (isWord) return digits.length >= 7 && digits.length <= 15 && isCallable(digits) ? to : undefined;
  if (context === 'other') return undefined;
  if (lead.includes('(')) return isBracketed(cluster, from, lengths, digits) ? to : undefined;
  return isNational(digits, lengths) ? to : undefined;
}

/** Length of the extension right after a number: ` x4587`, ` ext. 12`. */
export function phoneExtension(text: string, end: number): number {
  return /^ ?(?:x|ext\.? ?)\d{1,6}(?!\d)/i.exec(text.slice(end, end + 14))?.[0].length ?? 0;
}

interface Window {
  readonly lead: string;
  readonly lengths: readonly number[];
  readonly digits: string;
  readonly to: number;
  readonly end: number;
}

/** The longest stretch from group `from` on one line with at most 15 digits (E.164), or 18 with a prefix and a trunk zero. */
function readWindow(cluster: Cluster, from: number): Window | undefined {
  const { groups, offsets } = cluster;
  const lead = from === 0 ? cluster.lead : (groups[from - 1]?.after ?? '');
  const lengths: number[] = [];
  const start = offsets[from] ?? 0;
  const totalMax = lead.includes('+') || cluster.digits.startsWith('00', start) ? 18 : 15;
  let total = 0;
  let to = from;
  let end = 0;
  for (; to < groups.length; to += 1) {
    const group = groups[to];
    if (group === undefined) break;
    const length = group.end - group.start;
    if (total + length > totalMax) break;
    total += length;
    lengths.push(length);
    end = group.end;
    if (group.after.includes('\n') || group.after.includes('_')) {
      to += 1;
      break;
    }
  }
  if (total < 7) return undefined;
  return { lead, lengths, digits: cluster.digits.slice(start, start + total), to, end };
}

const callingCodes = new Set<string>(getCountries().map((country) => getCountryCallingCode(country)));

/** After `+` or `00`: a calling code that exists and 7 to 15 digits in all (E.164). */
function matchInternational(digits: string, lengths: readonly number[], from: number): number | undefined {
  const hasCode = [1, 2, 3].some((length) => callingCodes.has(digits.slice(0, length)));
  if (!hasCode) return undefined;
  let total = 0;
  let to = from;
  for (const length of lengths) {
    if (total + length > 16) break;
    total += length;
    to += 1;
  }
  return total >= 7 ? to : undefined;
}

/** 3-3-4 with an optional 1 before it; the area code starts with 2 to 9 (NANP). Returns how many groups it takes. */
function matchNorthAmerican(digits: string, lengths: readonly number[], lead: string): number | undefined {
  const hasPrefix = (lengths[0] === 1 && digits.startsWith('1')) || (lengths[0] === 3 && digits.startsWith('001'));
  const skip = hasPrefix ? 1 : 0;
  const [a, b, c] = lengths.slice(skip);
  const area = digits.slice(hasPrefix ? lengths[0] : 0);
  if (a === 3 && b === 3 && c === 4 && /^[2-9]/.test(area)) return skip + 3;
  // (555)1234567
  return lead.includes('(') && a === 3 && b === 7 && /^[2-9]/.test(area) ? skip + 2 : undefined;
}

/** `(64) 3591-3246`: the bracket closes right after the area code. */
function isBracketed(cluster: Cluster, from: number, lengths: readonly number[], digits: string): boolean {
  const closes = cluster.groups[from]?.after.startsWith(')') ?? false;
  const area = lengths[0] ?? 0;
  return closes && area >= 2 && area <= 5 && digits.length >= 8 && digits.length <= 12 && lengths.length <= 4;
}

/** Countries whose national numbers start with a trunk zero; asked only for two groups, where many things look alike. */
const trunkZeroCountries = ['GB', 'DE', 'FR', 'IT', 'AU', 'CH'] as const;

/** Trunk zero, 9 to 11 digits: three groups or more, or two that a numbering plan knows. */
function isNational(digits: string, lengths: readonly number[]): boolean {
  const first = lengths[0] ?? 0;
  if (!/^0[1-9]/.test(digits) || first > 5 || digits.length < 9 || digits.length > 11) return false;
  if (lengths.length >= 3) return lengths.length <= 5 && lengths.every((length) => length >= 2);
  return (
    lengths.length === 2 &&
    first >= 3 &&
    (lengths[1] ?? 0) >= 5 &&
    trunkZeroCountries.some((country) => isPossiblePhoneNumber(digits, country) && isValidPhoneNumber(digits, country))
  );
}

/** Not one digit repeated, not a count such as 10000000. */
function isCallable(digits: string): boolean {
  return !/^(\d)\1+$/.test(digits) && !/^\d0{6,}$/.test(digits);
}
