/**
 * What the redactor can find. Presidio's names where Presidio has one, so that a second engine's findings add up with these; the
 * earlier of two names wins when two findings of one length overlap.
 */
export const entityTypes = [
  'PRIVATE_KEY',
  'JWT',
  'AWS_ACCESS_KEY',
  'API_KEY',
  'BEARER_TOKEN',
  'SESSION_COOKIE',
  'PASSWORD',
  'SECRET',
  'EMAIL_ADDRESS',
  'IBAN_CODE',
  'CREDIT_CARD',
  'US_SSN',
  'US_ITIN',
  'US_PASSPORT',
  'US_DRIVER_LICENSE',
  'US_BANK_NUMBER',
  'ABA_ROUTING_NUMBER',
  'UK_NINO',
  'CRYPTO',
  'MAC_ADDRESS',
  'IP_ADDRESS',
  'PHONE_NUMBER',
  'DATE_TIME',
  'UNSCANNED',
] as const;

export type EntityType = (typeof entityTypes)[number];

/** A finding: a half-open range of UTF-16 units. */
export interface Hit {
  readonly start: number;
  readonly end: number;
  readonly type: EntityType;
  /** What stands there instead of `<TYPE>`: an encoded run with its inside redacted. */
  readonly replacement?: string;
  /** Findings inside an encoded run; without it the hit counts as one of its type. */
  readonly inner?: Counts;
}

export type Counts = Record<string, number>;

/** What a mask covers: a range of a text. */
export interface Covered {
  readonly type: EntityType;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Set where the range is a whole value of JSON and a name decided: that of the value itself, or of one that it is in. */
  readonly named?: 'itself' | 'around';
}

/** Writes a mask. It may be asked for masks that another reading of the same text makes superfluous. */
export type Mark = (covered: Covered) => string;

const rank = new Map<EntityType, number>(entityTypes.map((type, index) => [type, index]));

/** Joins hits that overlap: nothing that any of them covers stays. Sorted by start; the longest hit of a cluster names it. */
export function mergeHits(hits: readonly Hit[]): Hit[] {
  if (hits.length < 2) return [...hits];
  const sorted = [...hits].sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: Hit[] = [];
  let last: Hit | undefined;
  let namer: Hit | undefined;
  for (const hit of sorted) {
    if (last === undefined || namer === undefined || hit.start >= last.end) {
      if (last !== undefined) merged.push(last);
      last = hit;
      namer = hit;
      continue;
    }
    namer = stronger(namer, hit);
    // An encoded run that was redacted inside holds what other decoders found in it, but not what was found in its own characters.
    const isCovered = last.replacement === undefined || hit.replacement !== undefined;
    if (hit.end > last.end || !isCovered || namer !== last)
      last = { start: last.start, end: Math.max(last.end, hit.end), type: namer.type };
  }
  if (last !== undefined) merged.push(last);
  return merged;
}

function stronger(a: Hit, b: Hit): Hit {
  const longer = b.end - b.start - (a.end - a.start);
  if (longer !== 0) return longer > 0 ? b : a;
  return (rank.get(b.type) ?? 0) < (rank.get(a.type) ?? 0) ? b : a;
}

/** Writes `text` with its merged hits replaced, and counts them. */
export function replaceHits(text: string, merged: readonly Hit[], counts: Counts, mark?: Mark): string {
  let out = '';
  let from = 0;
  for (const hit of merged) {
    const { start, end, type } = hit;
    out += text.slice(from, start) + (hit.replacement ?? mark?.({ type, text, start, end }) ?? marker(type));
    from = end;
    if (hit.inner === undefined) countOne(counts, type);
    else addCounts(counts, hit.inner);
  }
  return out + text.slice(from);
}

export function marker(type: EntityType): string {
  return `<${type}>`;
}

/** Whether `text` is a marker of ours already, and nothing else. */
export function isMarker(text: string): boolean {
  return text.length < 40 && /^<[A-Z_]{3,32}>$/.test(text);
}

export function countOne(counts: Counts, type: EntityType): void {
  counts[type] = (counts[type] ?? 0) + 1;
}

export function addCounts(into: Counts, from: Readonly<Record<string, number>>): void {
  for (const [type, count] of Object.entries(from)) into[type] = (into[type] ?? 0) + count;
}
