/**
 * A reading of a text for the recognisers: plain digits, dashes and spaces, nothing invisible. Character `i` of `text` stands for
 * the source range `starts[i]`..`ends[i]`; without the arrays the reading is the source itself.
 */
export interface View {
  readonly text: string;
  readonly starts: Int32Array | undefined;
  readonly ends: Int32Array | undefined;
}

export function plainView(text: string): View {
  return { text, starts: undefined, ends: undefined };
}

/** The source range of `start`..`end` of a view. Views may run backwards, hence the minimum and maximum. */
export function sourceRange(view: View, start: number, end: number): [number, number] {
  const { starts, ends } = view;
  if (starts === undefined || ends === undefined) return [start, end];
  const [first, last] = [start, end - 1];
  return [
    Math.min(starts[first] ?? 0, starts[last] ?? 0),
    Math.max(ends[first] ?? view.text.length, ends[last] ?? view.text.length),
  ];
}

/** Every reading of `view` that is worth scanning; the first is the plain fold. */
export function foldViews(view: View): View[] {
  const folded = new ViewBuilder(view);
  const joined = new ViewBuilder(view);
  const tags = new ViewBuilder(view);
  const overrides: Override[] = [];
  const { text } = view;
  let hasInvisible = false;
  let overrideFrom = -1;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0;
    const next = at + (code > 0xffff ? 2 : 1);
    if (code < 0x80) {
      const plain = foldAscii(code);
      folded.push(plain, at, next);
      joined.push(plain, at, next);
      if (code === 10 && overrideFrom >= 0) overrideFrom = endOverride(folded, overrideFrom, overrides);
    } else {
      const plain = foldCodePoint(code);
      folded.push(plain, at, next);
      const isSeparator = plain === '' && isInvisible(code);
      hasInvisible ||= isSeparator;
      joined.push(isSeparator ? '-' : plain, at, next);
      if (code === RIGHT_TO_LEFT_OVERRIDE) overrideFrom = folded.length;
      else if (code === POP_DIRECTION && overrideFrom >= 0) overrideFrom = endOverride(folded, overrideFrom, overrides);
      else if (code >= 0xe0020 && code <= 0xe007e) tags.push(String.fromCharCode(code - 0xe0000), at, next);
    }
    at = next;
  }
  if (overrideFrom >= 0) endOverride(folded, overrideFrom, overrides);
  const plain = folded.view();
  const views = [plain, ...overrides.map((override) => reversedView(plain, override))];
  // An invisible character may be noise inside a number or stand where its dash would: both readings are scanned.
  if (hasInvisible) views.push(joined.view());
  // Tag characters spell ASCII that no screen shows (Unicode 16, § 23.9).
  if (tags.length > 0) views.push(tags.view());
  return views;
}

const RIGHT_TO_LEFT_OVERRIDE = 0x202e;
const POP_DIRECTION = 0x202c;

/** A half-open range of a view that is shown from right to left. */
type Override = readonly [start: number, end: number];

function endOverride(folded: ViewBuilder, from: number, into: Override[]): -1 {
  if (folded.length - from >= 6) into.push([from, folded.length]);
  return -1;
}

function reversedView({ text, starts, ends }: View, [start, end]: Override): View {
  return {
    text: [...text.slice(start, end)].reverse().join(''),
    starts: starts?.slice(start, end).reverse(),
    ends: ends?.slice(start, end).reverse(),
  };
}

/** Builds a view character by character over a parent view, whose own source ranges it keeps. */
export class ViewBuilder {
  readonly #parent: View;
  #parts: string[] = [];
  #starts: Int32Array;
  #ends: Int32Array;
  length = 0;

  constructor(parent: View) {
    this.#parent = parent;
    this.#starts = new Int32Array(Math.max(16, parent.text.length));
    this.#ends = new Int32Array(this.#starts.length);
  }

  /** Appends `plain`, which stands for `start`..`end` of the parent. */
  push(plain: string, start: number, end: number): void {
    if (plain === '') return;
    if (this.length + plain.length > this.#starts.length) this.#grow(plain.length);
    const [from, to] = this.#parent.starts === undefined ? [start, end] : sourceRange(this.#parent, start, end);
    for (let i = 0; i < plain.length; i += 1) {
      this.#starts[this.length] = from;
      this.#ends[this.length] = to;
      this.length += 1;
    }
    this.#parts.push(plain);
  }

  view(): View {
    return {
      text: this.#parts.join(''),
      starts: this.#starts.subarray(0, this.length),
      ends: this.#ends.subarray(0, this.length),
    };
  }

  #grow(extra: number): void {
    const size = this.#starts.length * 2 + extra;
    const [starts, ends] = [new Int32Array(size), new Int32Array(size)];
    starts.set(this.#starts);
    ends.set(this.#ends);
    this.#starts = starts;
    this.#ends = ends;
  }
}

function foldAscii(code: number): string {
  if (code >= 0x20 && code < 0x7f) return asciiCharacters[code] ?? '';
  if (code === 0x09) return ' ';
  return code >= 0x0a && code <= 0x0d ? '\n' : '';
}

const asciiCharacters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

// One slot a BMP code point, so that no sender can make it grow.
const folds: (string | undefined)[] = new Array(0x10000);

function foldCodePoint(code: number): string {
  if (code > 0xffff) return foldUncached(code);
  const known = folds[code];
  if (known !== undefined) return known;
  const fresh = foldUncached(code);
  folds[code] = fresh;
  return fresh;
}

function foldUncached(code: number): string {
  if (code >= 0xd800 && code <= 0xdfff) return '';
  let out = '';
  for (const character of String.fromCodePoint(code).normalize('NFKC')) {
    const inner = character.codePointAt(0) ?? 0;
    if (inner < 0x80) out += foldAscii(inner);
    else if (invisible.test(character) || /[\p{Mn}\p{Me}\p{Cc}]/u.test(character)) out += inner === 0x85 ? '\n' : '';
    else if (/\p{Nd}/u.test(character)) out += String(decimalValue(inner));
    else if (/[\p{Pd}\u2212\u2043\u02d7]/u.test(character)) out += '-';
    else if (/\p{Zs}/u.test(character)) out += ' ';
    else if (inner === 0x2028 || inner === 0x2029) out += '\n';
    else if (/[\u00b7\u2022\u2219\u22c5\u3002\u2024\u06d4]/.test(character)) out += '.';
    else if (inner >= 0x2776 && inner <= 0x2793) out += String(((inner - 0x2776) % 10) + 1);
    else out += lookalikes.get(character) ?? character;
  }
  return out;
}

const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/u;

function isInvisible(code: number): boolean {
  return code <= 0xffff && invisible.test(String.fromCharCode(code));
}

/** Decimal digits come in blocks of ten from zero (Unicode 16, § 4.6), some blocks side by side. */
function decimalValue(code: number): number {
  let before = 0;
  while (before < 60 && /\p{Nd}/u.test(String.fromCodePoint(code - before - 1))) before += 1;
  return before % 10;
}

const lookalikes = new Map(
  [
    ...'аaеeоoрpсcуyхxіiјjѕsԁdһhӏlАAВBЕEКKМMНHОOРPСCТTХXІIЈJЅSУYΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXοoνvαaιiɡgıi'.matchAll(
      /../gu,
    ),
  ].map(([pair]) => [[...pair][0] ?? '', [...pair][1] ?? '']),
);
