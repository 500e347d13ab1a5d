import { isCardRange, isIsbn13, isItin, isRoutingNumber, isSsn, passesLuhn } from './checksums.ts';
import { type Context, ContextReader } from './context-words.ts';
import { matchPhone, phoneExtension } from './find-phones.ts';
import type { EntityType, Hit } from './hits.ts';
import { type Cluster, readClusters } from './number-clusters.ts';

/** Groups `from`..`to` (exclusive) of a cluster are this; without a type they are something that no recogniser may touch. */
interface Match {
  readonly to: number;
  readonly type: EntityType | undefined;
}

/** Finds cards, social security and tax numbers, IPv4 addresses, phones and, by the words around, bank, licence and passport numbers. */
export function findNumbers(text: string): Hit[] {
  const hits: Hit[] = [];
  const clusters = readClusters(text);
  if (clusters.length === 0) return hits;
  const reader = new ContextReader(text);
  for (const cluster of clusters) {
    for (let from = 0; from < cluster.groups.length; ) {
      const match = matchAt(cluster, from, text, reader);
      if (match === undefined) {
        from += 1;
        continue;
      }
      if (match.type !== undefined) hits.push(toHit(cluster, from, match.to, match.type, text));
      from = match.to;
    }
  }
  return hits;
}

function matchAt(cluster: Cluster, from: number, text: string, reader: ContextReader): Match | undefined {
  const exact =
    matchIp(cluster, from, text) ??
    matchDate(cluster, from) ??
    matchIsbn(cluster, from) ??
    matchCard(cluster, from, reader) ??
    matchSsn(cluster, from);
  if (exact !== undefined) return exact;
  // A number without a checksum is looked at from its beginning only, and not inside a hash or a name.
  if (from > 0 && !startsAnew(cluster, from)) return undefined;
  if (cluster.isAttached && phoneExtension(text, lastEnd(cluster)) === 0) return undefined;
  const context = reader.before(groupAt(cluster, from).start);
  const byContext = context === undefined ? undefined : matchByContext(cluster, from, context);
  if (byContext !== undefined) return byContext;
  const to = matchPhone(cluster, from, context, (end) => reader.isLabelledPhone(end));
  return to === undefined ? undefined : { to, type: 'PHONE_NUMBER' };
}

/** Whether what stands before group `from` parts it from the number before: a line end, a bracket, two spaces. */
function startsAnew(cluster: Cluster, from: number): boolean {
  const before = groupAt(cluster, from - 1).after;
  return before !== '-' && before !== '.';
}

function matchIp(cluster: Cluster, from: number, text: string): Match | undefined {
  const { groups } = cluster;
  if (groups.length < from + 4 || groupAt(cluster, from).after !== '.') return undefined;
  for (let i = from; i < from + 4; i += 1) {
    const { start, end, after } = groupAt(cluster, i);
    if (end - start > 3 || Number(text.slice(start, end)) > 255 || (i < from + 3 && after !== '.')) return undefined;
  }
  const last = groupAt(cluster, from + 3);
  const isLonger = last.after === '.' || (from > 0 && groupAt(cluster, from - 1).after === '.');
  if (isLonger) return undefined;
  const to = from + 4;
  const start = groupAt(cluster, from).start;
  const octets = text.slice(start, last.end).split('.').map(Number);
  const isVersion = /(?:\bv|version[ :="]{0,3}|\bver\.? ?)$/i.test(text.slice(Math.max(0, start - 12), start));
  const prefix = last.after === '/' ? Number(text.slice(last.end + 1, groups[to]?.end)) : 32;
  const isNobody = octets[0] === 127 || octets[0] === 0 || octets[0] === 255;
  return { to, type: isVersion || isNobody || isNetwork(octets, prefix) ? undefined : 'IP_ADDRESS' };
}

/** `10.0.0.0/8` names a network: every bit after the prefix is zero. */
function isNetwork(octets: readonly number[], prefix: number): boolean {
  if (prefix >= 32) return false;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return address % 2 ** (32 - prefix) === 0;
}

function matchDate(cluster: Cluster, from: number): Match | undefined {
  const [a, b, c] = [cluster.groups[from], cluster.groups[from + 1], cluster.groups[from + 2]];
  if (a === undefined) return undefined;
  const length = a.end - a.start;
  if (length > 4) {
    // 20261121 and 20261121072030.
    const isCompact = (length === 8 || length === 14) && compactDate.test(digitsOf(cluster, from, from + 1));
    return isCompact ? { to: from + 1, type: undefined } : undefined;
  }
  if (b === undefined || c === undefined || a.after !== b.after || !/^[-./]$/.test(a.after)) return undefined;
  if (b.end - b.start > 2 || c.end - c.start > 4) return undefined;
  const date = [from, from + 1, from + 2].map((index) => digitsOf(cluster, index, index + 1)).join('-');
  return writtenDate.test(date) ? { to: from + 3, type: undefined } : undefined;
}

const compactDate = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:(?:[01]\d|2[0-3])[0-5]\d[0-5]\d)?$/;
const writtenDate =
  /^(?:(?:19|20)\d\d-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|[12]\d|3[01])-(?:19|20)\d\d)$/;

function matchIsbn(cluster: Cluster, from: number): Match | undefined {
  const start = cluster.offsets[from] ?? 0;
  if (!cluster.digits.startsWith('97', start)) return undefined;
  for (let to = from + 1; to <= Math.min(cluster.groups.length, from + 5); to += 1) {
    if (isIsbn13(digitsOf(cluster, from, to))) return { to, type: undefined };
  }
  return undefined;
}

/** Groupings that cards are printed in: fours, or 4-6-5 and 4-6-4. */
const cardGrouping = /^(?:4(?:,4){2,3}(?:,[1-4])?|4,6,[45])$/;

/** Most groups in a printed card; only a word, or a number that stands alone, makes a card of more. */
const PRINTED_GROUPS_MAX = 5;

function matchCard(cluster: Cluster, from: number, reader: ContextReader): Match | undefined {
  const { groups, offsets } = cluster;
  const start = offsets[from] ?? 0;
  if (cluster.digits.length - start < 12) return undefined;
  const isCalledCard = () => reader.before(groupAt(cluster, from).start) === 'card';
  const isAlone = from === 0 && groups.length <= 19;
  const groupsMax = isAlone || isCalledCard() ? 19 : PRINTED_GROUPS_MAX;
  let best: number | undefined;
  let isOnOneLine = true;
  for (let to = from + 1; to <= groups.length && to - from <= groupsMax; to += 1) {
    const total = (offsets[to] ?? cluster.digits.length) - start;
    if (total > 19) break;
    isOnOneLine &&= to - from === 1 || !groupAt(cluster, to - 2).after.includes('\n');
    if (total < 12) continue;
    const digits = cluster.digits.slice(start, start + total);
    if (!passesLuhn(digits) || /^(\d)\1*$/.test(digits)) continue;
    const isPrinted = to - from === 1 || cardGrouping.test(lengthsOf(cluster, from, to));
    if (cluster.isAttached && (total < 15 || !isPrinted)) continue;
    if (!isPrinted && !isOnOneLine) continue;
    const isKnown = isCardRange(digits) && (isPrinted || (isAlone && to === groups.length));
    if (!isKnown && !isCalledCard()) continue;
    best = to;
  }
  return best === undefined ? undefined : { to: best, type: 'CREDIT_CARD' };
}

function lengthsOf(cluster: Cluster, from: number, to: number): string {
  return cluster.groups
    .slice(from, to)
    .map(({ start, end }) => end - start)
    .join();
}

function matchSsn(cluster: Cluster, from: number): Match | undefined {
  const [a, b, c] = [cluster.groups[from], cluster.groups[from + 1], cluster.groups[from + 2]];
  if (a === undefined || b === undefined || c === undefined) return undefined;
  if (a.end - a.start !== 3 || b.end - b.start !== 2 || c.end - c.start !== 4) return undefined;
  if (!isSsnSeparator(a.after) || !isSsnSeparator(b.after) || cluster.lead.startsWith('+')) return undefined;
  const digits = digitsOf(cluster, from, from + 3);
  if (isSsn(digits)) return { to: from + 3, type: 'US_SSN' };
  return isItin(digits) ? { to: from + 3, type: 'US_ITIN' } : undefined;
}

function isSsnSeparator(after: string): boolean {
  return /^ ?[-./_]? ?\n?$/.test(after);
}

/** Digits that a word declares, whatever their grouping. */
const declared: Readonly<
  Partial<Record<Context, { readonly type: EntityType; readonly lengths: readonly [number, number] }>>
> = {
  ssn: { type: 'US_SSN', lengths: [9, 9] },
  itin: { type: 'US_ITIN', lengths: [9, 9] },
  bank: { type: 'US_BANK_NUMBER', lengths: [8, 17] },
  routing: { type: 'ABA_ROUTING_NUMBER', lengths: [9, 9] },
  license: { type: 'US_DRIVER_LICENSE', lengths: [7, 14] },
  passport: { type: 'US_PASSPORT', lengths: [8, 9] },
};

function matchByContext(cluster: Cluster, from: number, context: Context): Match | undefined {
  const rule = declared[context];
  if (rule === undefined) return undefined;
  let best: number | undefined;
  for (let to = from + 1; to <= cluster.groups.length && to - from <= 17; to += 1) {
    const digits = digitsOf(cluster, from, to);
    if (digits.length > rule.lengths[1]) break;
    if (digits.length < rule.lengths[0]) continue;
    if (context === 'routing' && !isRoutingNumber(digits)) continue;
    best = to;
    if (groupAt(cluster, to - 1).after.includes('\n')) break;
  }
  return best === undefined ? undefined : { to: best, type: rule.type };
}

function toHit(cluster: Cluster, from: number, to: number, type: EntityType, text: string): Hit {
  const [first, last] = [groupAt(cluster, from), groupAt(cluster, to - 1)];
  if (type !== 'PHONE_NUMBER') return { start: first.start, end: last.end, type };
  const before = from === 0 ? cluster.lead : groupAt(cluster, from - 1).after.replace(/^[^(+]*/, '');
  return { start: first.start - before.length, end: last.end + phoneExtension(text, last.end), type };
}

function digitsOf(cluster: Cluster, from: number, to: number): string {
  return cluster.digits.slice(cluster.offsets[from] ?? 0, cluster.offsets[to] ?? cluster.digits.length);
}

function groupAt(cluster: Cluster, index: number) {
  const group = cluster.groups[index];
  if (group === undefined) throw new Error(`a cluster of ${cluster.groups.length} groups has no group ${index}`);
  return group;
}

function lastEnd(cluster: Cluster): number {
  return groupAt(cluster, cluster.groups.length - 1).end;
}
