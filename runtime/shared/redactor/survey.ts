/** What one cheap pass over a text saw; it decides which recognisers are worth running. */
export interface Survey {
  /** Union of the character classes seen. */
  readonly seen: number;
  /** Most digits in one cluster, separators allowed. */
  readonly digitsMax: number;
  /** Length of the longest of `runs`; 0 without any. */
  readonly runMax: number;
  /** Start and end of each run of at least {@link RUN_MIN}, one after the other. */
  readonly runs: readonly number[];
}

export const DIGIT = 1;
export const SEPARATOR = 2;
export const RUN = 4;
export const AT = 8;
export const ESCAPE = 16;
export const COLON = 32;
export const EQUALS = 64;
export const UNPLAIN = 128;
export const DOT = 256;
export const BRACKET = 512;

const classes = new Uint16Array(128);
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  let bits = 0;
  if (/[0-9]/.test(character)) bits |= DIGIT;
  if (/[-. ()/_+\n\t\r]/.test(character)) bits |= SEPARATOR;
  if (/[A-Za-z0-9+/_-]/.test(character)) bits |= RUN;
  if (character === '@') bits |= AT;
  if (/[%&\\]/.test(character)) bits |= ESCAPE;
  if (character === ':') bits |= COLON;
  if (character === '=') bits |= EQUALS;
  if (character === '.') bits |= DOT;
  if (/[[({]/.test(character)) bits |= BRACKET;
  // Control characters are dropped, tabs and line ends become plain, by the fold.
  if ((code < 0x20 && code !== 0x0a) || code === 0x7f) bits |= UNPLAIN;
  classes[code] = bits;
}

/** Longest run of separators inside one number, e.g. `) - `. */
export const SEPARATORS_MAX = 3;

/** One pass, no allocation but the answer. */
export function surveyText(text: string): Survey {
  let seen = 0;
  let digits = 0;
  let digitsMax = 0;
  let gap = 0;
  let run = 0;
  let runMax = 0;
  let runs: number[] | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const bits = code < 128 ? (classes[code] ?? 0) : UNPLAIN;
    seen |= bits;
    if ((bits & RUN) !== 0) run += 1;
    else {
      if (run >= RUN_MIN) {
        runs ??= [];
        runs.push(at - run, at);
        if (run > runMax) runMax = run;
      }
      run = 0;
    }
    if ((bits & DIGIT) !== 0) {
      digits += 1;
      gap = 0;
      if (digits > digitsMax) digitsMax = digits;
    } else if ((bits & SEPARATOR) !== 0 && gap < SEPARATORS_MAX) gap += 1;
    else digits = 0;
  }
  if (run >= RUN_MIN) {
    runs ??= [];
    runs.push(text.length - run, text.length);
    if (run > runMax) runMax = run;
  }
  return { seen, digitsMax, runMax, runs: runs ?? noRuns };
}

const noRuns: readonly number[] = Object.freeze([]);

/** Six digits make the shortest identity number, seven a phone number; four with dots an IP address. */
export function mayHoldNumber({ seen, digitsMax }: Survey): boolean {
  return digitsMax >= 6 || (digitsMax >= 4 && (seen & DOT) !== 0);
}

/** The shortest encoded run worth decoding: `a@bb.co`, base64, is 10 characters; below 12 words drown it. */
export const RUN_MIN = 12;

/** False when no recogniser and no decoder can find anything in the text. */
export function mayHoldAnything(survey: Survey): boolean {
  return (
    (survey.seen & (AT | ESCAPE | COLON | EQUALS | UNPLAIN)) !== 0 || survey.runMax >= RUN_MIN || mayHoldNumber(survey)
  );
}
