import { sourceRange, type View, ViewBuilder } from './fold.ts';
import type { Counts, Hit } from './hits.ts';
import { readMatches } from './read-matches.ts';
import { RUN_MIN } from './survey.ts';

const escapes =
  /(?:%[0-9A-Fa-f]{2})+|&#(?:\d{1,7}|[xX][0-9A-Fa-f]{1,6});?|&[A-Za-z]{2,8};|\\u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]{1,6}\}|\\x[0-9A-Fa-f]{2}|\\[nrt"'/\\]|\s?[([{]\s?(?:at|dot)\s?[\])}]\s?/gi;

/** The view with percent, HTML, `\u`, `\x` and `[at]` written out; undefined when there is none of them. */
export function unescapeView(view: View): View | undefined {
  const { text } = view;
  if (text.search(escapes) < 0) return undefined;
  const built = new ViewBuilder(view);
  let from = 0;
  for (const match of text.matchAll(escapes)) {
    const found = match[0];
    for (let at = from; at < match.index; at += 1) built.push(text[at] ?? '', at, at + 1);
    from = match.index + found.length;
    if (found.startsWith('%')) pushPercent(built, found, match.index);
    else built.push(unescapeOne(found) ?? found, match.index, from);
  }
  for (let at = from; at < text.length; at += 1) built.push(text[at] ?? '', at, at + 1);
  return built.view();
}

// biome-ignore format: a table
const named: Readonly<Record<string, string>> = {
  amp: '&', commat: '@', period: '.', num: '#', nbsp: ' ', shy: '', lt: '<', gt: '>', quot: '"', apos: "'", colon: ':', sol: '/',
  plus: '+', lowbar: '_', zwj: '', zwnj: '', ndash: '-', mdash: '-', hyphen: '-', dash: '-', tab: ' ', newline: '\n', lpar: '(',
  rpar: ')', ensp: ' ', emsp: ' ', thinsp: ' ', equals: '=', semi: ';', comma: ',', bsol: '\\', percnt: '%',
};

function unescapeOne(found: string): string | undefined {
  if (found.startsWith('&#')) {
    const isHex = /^&#x/i.test(found);
    return fromCode(Number.parseInt(found.slice(isHex ? 3 : 2), isHex ? 16 : 10));
  }
  if (found.startsWith('&')) return named[found.slice(1, -1).toLowerCase()];
  if (/^\\[ux]/i.test(found)) return fromCode(Number.parseInt(found.replace(/[^0-9A-Fa-f]/g, ''), 16));
  if (found.startsWith('\\')) return { n: '\n', r: '\n', t: ' ' }[found[1] ?? ''] ?? found[1];
  return /at/i.test(found) ? '@' : '.';
}

function fromCode(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** Percent-encoded UTF-8 (RFC 3986 § 2.1): each character stands for the triplets that spell it. */
function pushPercent(built: ViewBuilder, run: string, start: number): void {
  const byteAt = (index: number) => Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16);
  const count = run.length / 3;
  for (let i = 0; i < count; ) {
    const lead = byteAt(i);
    const size = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
    let code = size === 1 ? lead : lead & (0xff >> (size + 1));
    for (let next = 1; next < size; next += 1) code = code * 64 + (i + next < count ? byteAt(i + next) & 0x3f : 0);
    const end = Math.min(i + size, count);
    built.push(fromCode(code) ?? '', start + i * 3, start + end * 3);
    i = end;
  }
}

/** Redacts a decoded text; says what it found. */
export type RedactInner = (text: string) => { readonly text: string; readonly pii: Counts };

const hexRun = /[0-9A-Fa-f]{16,}/g;

/**
 * Finds base64, base64url and hex in the long runs of a view (see survey.ts), where they hold text in which `redactInner` finds
 * something; such a run is encoded anew.
 */
export function findEncoded(view: View, runs: readonly number[], redactInner: RedactInner): Hit[] {
  const hits: Hit[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] ?? 0;
    const run = view.text.slice(start, runs[i + 1]);
    const encoded = decodeBase64(view, start, run, redactInner);
    if (encoded !== undefined) hits.push(encoded);
    for (const match of readMatches(hexRun, run)) {
      const hit = decodeHex(view, start + match.index, match[0], redactInner);
      if (hit !== undefined) hits.push(hit);
    }
  }
  return hits;
}

/** An odd run has a stray digit before or after its pairs. */
function decodeHex(view: View, start: number, run: string, redactInner: RedactInner): Hit | undefined {
  const even = run.length - (run.length % 2);
  const hit = decodeRun(view, start, run.slice(0, even), 'hex', redactInner);
  if (hit !== undefined || even === run.length) return hit;
  return decodeRun(view, start + 1, run.slice(1), 'hex', redactInner);
}

function decodeBase64(view: View, start: number, run: string, redactInner: RedactInner): Hit | undefined {
  const encoding = /[-_]/.test(run) ? 'base64url' : 'base64';
  const whole = decodeRun(view, start, run, encoding, redactInner);
  if (whole !== undefined || !/[/_-]/.test(run)) return whole;
  // A path or a name may stand before the encoded part: `files/YWxpY2VA...`.
  let at = 0;
  for (const part of run.split(/[/_-]/)) {
    const hit = part.length < RUN_MIN ? undefined : decodeRun(view, start + at, part, 'base64', redactInner);
    if (hit !== undefined) return hit;
    at += part.length + 1;
  }
  return undefined;
}

function decodeRun(
  view: View,
  start: number,
  run: string,
  encoding: 'hex' | 'base64' | 'base64url',
  redactInner: RedactInner,
): Hit | undefined {
  if (!beginsAsText(run, encoding === 'hex')) return undefined;
  const bytes = Buffer.from(run, encoding);
  const decoded = readText(bytes);
  if (decoded === undefined) return undefined;
  const inner = redactInner(decoded);
  const [type] = Object.keys(inner.pii);
  if (type === undefined) return undefined;
  const encoded = Buffer.from(inner.text, 'utf8').toString(encoding);
  const padding =
    encoding === 'hex'
      ? 0
      : (/^={1,2}/.exec(view.text.slice(start + run.length, start + run.length + 2))?.[0].length ?? 0);
  const [from, to] = sourceRange(view, start, start + run.length + padding);
  const replacement = padding > 0 ? encoded : encoded.replace(/=+$/, '');
  return { start: from, end: to, type: type as Hit['type'], replacement, inner: inner.pii };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8, or UTF-16LE when every second byte is zero; undefined for anything that is not text. */
function readText(bytes: Buffer): string | undefined {
  if (bytes.length >= 4 && bytes[1] === 0 && bytes[3] === 0) return bytes.toString('utf16le');
  try {
    return utf8.decode(bytes);
  } catch {
    // Decoders are lenient about a cut tail, so a cut character at the end must not hide what stands before it.
    const text = bytes.toString('utf8');
    const broken = text.match(/\ufffd/g)?.length ?? 0;
    return broken * 20 <= text.length ? text : undefined;
  }
}

/** The value of a character in base64 or base64url, and in hex; 255 for none. */
const sextets = new Uint8Array(128).fill(255);
const nibbles = new Uint8Array(128).fill(255);
for (const [index, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  sextets[character.charCodeAt(0)] = index;
sextets['-'.charCodeAt(0)] = 62;
sextets['_'.charCodeAt(0)] = 63;
for (const [index, character] of [...'0123456789abcdef'].entries()) {
  nibbles[character.charCodeAt(0)] = index;
  nibbles[character.toUpperCase().charCodeAt(0)] = index;
}

/**
 * Whether the first nine bytes of an encoded run can begin a text: no control characters, and valid UTF-8. Zeros may be UTF-16.
 * It tells text from identifiers and hashes before anything is decoded.
 */
function beginsAsText(run: string, isHex: boolean): boolean {
  let expected = 0;
  for (let index = 0; index < 9; index += 1) {
    const byte = isHex ? hexByte(run, index) : base64Byte(run, index);
    if (byte < 0) return true;
    if (expected > 0) {
      if ((byte & 0xc0) !== 0x80) return false;
      expected -= 1;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      expected = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    } else if ((byte < 0x20 && byte !== 0 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 0x7f) return false;
  }
  return true;
}

/** -1 past the end. */
function hexByte(run: string, index: number): number {
  if (index * 2 + 1 >= run.length) return -1;
  return ((nibbles[run.charCodeAt(index * 2)] ?? 0) << 4) | (nibbles[run.charCodeAt(index * 2 + 1)] ?? 0);
}

function base64Byte(run: string, index: number): number {
  const bit = index * 8;
  const at = Math.floor(bit / 6);
  if (at + 1 >= run.length) return -1;
  const pair = ((sextets[run.charCodeAt(at)] ?? 0) << 6) | (sextets[run.charCodeAt(at + 1)] ?? 0);
  return (pair >> (4 - (bit % 6))) & 0xff;
}
