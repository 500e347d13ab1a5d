import { findEncoded, unescapeView } from './decode.ts';
import { findIdentityNumbers, findNetworkAddresses, findWallets } from './find-addresses.ts';
import { findEmails } from './find-emails.ts';
import { findIbans } from './find-ibans.ts';
import { findNumbers } from './find-numbers.ts';
import { findSecrets } from './find-secrets.ts';
import { foldViews, plainView, sourceRange, type View } from './fold.ts';
import { addCounts, type Counts, type Hit, type Mark, mergeHits, replaceHits } from './hits.ts';
import {
  AT,
  BRACKET,
  COLON,
  ESCAPE,
  mayHoldAnything,
  mayHoldNumber,
  RUN_MIN,
  type Survey,
  surveyText,
  UNPLAIN,
} from './survey.ts';

export interface RedactedText {
  /** The very string that was given when nothing was found. */
  readonly text: string;
  readonly pii: Counts;
}

/** A text that was read as the JSON that it is. */
export interface RedactedJsonText extends RedactedText {
  /** Whether nothing is left in the text that its value does not say. */
  readonly isWhole: boolean;
}

/** How encodings inside encodings are followed. */
export interface Pass {
  /** Encodings opened so far. */
  readonly depth: number;
  /** Characters that may still be read; shared by everything inside one text. */
  readonly budget: { left: number };
  /** Redacts the JSON that a text is; undefined when it is none. */
  readonly redactJsonText: (text: string, pass: Pass) => RedactedJsonText | undefined;
  /** Undefined: a mask is `<ENTITY_TYPE>`. */
  readonly mark?: Mark | undefined;
}

/** Encodings inside encodings that are opened. */
export const DEPTH_MAX = 3;

const BUDGET_FACTOR = 16;
const BUDGET_FLOOR = 65_536;

/** A fresh pass over a text of `length` characters. Decoding never grows a text, so only crafted nesting spends this budget. */
export function openPass(length: number, redactJsonText: Pass['redactJsonText']): Pass {
  return { depth: 0, budget: { left: length * BUDGET_FACTOR + BUDGET_FLOOR }, redactJsonText };
}

const nothing: Counts = Object.freeze({});

/** Replaces every finding in `text` with `<ENTITY_TYPE>`. Linear in the length of the text. */
export function redactTextIn(text: string, pass: Pass): RedactedText {
  const survey = surveyText(text);
  if (!isWorthReading(text, survey)) return { text, pii: nothing };
  const asJson = isJsonLike(text) && pass.depth < DEPTH_MAX ? pass.redactJsonText(text, deeper(pass)) : undefined;
  if (asJson === undefined) return redactPlain(text, survey, pass);
  const { isWhole, ...redacted } = asJson;
  if (isWhole) return redacted;
  // What the value does not say is found in the text alone.
  const rest = redactPlain(redacted.text, surveyText(redacted.text), pass);
  const pii: Counts = { ...redacted.pii };
  addCounts(pii, rest.pii);
  return { text: rest.text, pii };
}

function redactPlain(text: string, survey: Survey, pass: Pass): RedactedText {
  const hits = mergeHits(findHits(plainView(text), survey, pass));
  if (hits.length === 0) return { text, pii: nothing };
  const pii: Counts = {};
  return { text: replaceHits(text, hits, pii, pass.mark), pii };
}

/** Every finding in a plain text, merged; decoded insides come with their replacement. */
export function findInText(text: string, pass: Pass): Hit[] {
  const survey = surveyText(text);
  return isWorthReading(text, survey) ? mergeHits(findHits(plainView(text), survey, pass)) : [];
}

function isWorthReading(text: string, survey: Survey): boolean {
  return mayHoldAnything(survey) || ((survey.seen & BRACKET) !== 0 && bracketedAt.test(text));
}

const bracketedAt = /[([{]\s?at\s?[\])}]/i;

function isJsonLike(text: string): boolean {
  const first = /^\s{0,64}(["{[])/.exec(text)?.[1];
  return first !== undefined && /["}\]]\s{0,64}$/.test(text.slice(-65));
}

function deeper(pass: Pass): Pass {
  return { ...pass, depth: pass.depth + 1 };
}

function findHits(view: View, survey: Survey, pass: Pass): Hit[] {
  // Before it is folded, which costs as much as reading it.
  if (pass.budget.left < view.text.length) return [unread(view)];
  const readings = (survey.seen & UNPLAIN) === 0 ? [view] : foldViews(view);
  const hits: Hit[] = [];
  for (const reading of readings) {
    if (pass.budget.left < reading.text.length) {
      hits.push(unread(reading));
      continue;
    }
    pass.budget.left -= reading.text.length;
    const seen = reading === view ? survey : surveyText(reading.text);
    for (const hit of recognise(reading.text, seen))
      hits.push(reading.starts === undefined ? hit : toSource(reading, hit));
    if (pass.depth < DEPTH_MAX) for (const hit of openEncodings(reading, seen, deeper(pass))) hits.push(hit);
  }
  return hits;
}

function openEncodings(view: View, { seen, runs }: Survey, pass: Pass): Hit[] {
  const found: Hit[][] = [];
  if ((seen & ESCAPE) !== 0 || ((seen & BRACKET) !== 0 && bracketedAt.test(view.text))) {
    const unescaped = unescapeView(view);
    if (unescaped !== undefined) found.push(findHits(unescaped, surveyText(unescaped.text), pass));
  }
  if (runs.length > 0) found.push(findEncoded(view, runs, (inner) => redactTextIn(inner, pass)));
  return found.flat();
}

function recognise(text: string, survey: Survey): Hit[] {
  const { seen, digitsMax, runMax } = survey;
  // Lists of lists: a call takes only so many arguments, a long text has more findings.
  const found: Hit[][] = [];
  if (mayHoldNumber(survey)) found.push(findNumbers(text));
  if ((seen & AT) !== 0) found.push(findEmails(text));
  // Every country's IBAN has six digits side by side or grouped; so have the identity numbers.
  if (digitsMax >= 6) found.push(findIbans(text), findIdentityNumbers(text));
  if ((seen & COLON) !== 0 || runMax >= RUN_MIN) {
    found.push(findNetworkAddresses(text), findSecrets(text, survey));
    if (runMax >= 26) found.push(findWallets(text));
  } else if (mayHoldAnything(survey)) found.push(findSecrets(text, survey));
  return found.flat();
}

function unread(view: View): Hit {
  return toSource(view, { start: 0, end: view.text.length, type: 'UNSCANNED' });
}

function toSource(view: View, hit: Hit): Hit {
  const [start, end] = sourceRange(view, hit.start, hit.end);
  return { ...hit, start, end };
}
