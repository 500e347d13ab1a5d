import type { Json, JsonObject } from '../../contract/json.ts';
import type { Redacted } from '../../contract/receipts.ts';
import { isCardRange, isSsn, passesLuhn } from './checksums.ts';
import { addCounts, type Counts, countOne, type EntityType, type Hit, isMarker, type Mark, marker } from './hits.ts';
import { findKeyRule, type KeyRule } from './key-rules.ts';
import {
  findInText,
  openPass,
  type Pass,
  type RedactedJsonText,
  type RedactedText,
  redactTextIn,
} from './redact-text.ts';
import { rewriteJson } from './rewrite-json.ts';

/** Nesting that is followed; what lies deeper becomes {@link TOO_DEEP}, since what was not read cannot be called clean. */
export const NESTING_MAX = 128;
export const TOO_DEEP = '<UNSCANNED>';

/** One walk over one value. */
interface Walk {
  readonly counts: Counts;
  /** Set inside a JSON text that stood in a string, and where all of it has one bound; else undefined at the top, where each string gets its own. */
  readonly pass: Pass | undefined;
}

/** Redacts a text alone; JSON, base64 and other encodings inside it are opened. */
export function redactPlainText(text: string): RedactedText {
  return redactTextIn(text, openPass(text.length, redactJsonText));
}

/** Where the findings are in a text that is not JSON itself. */
export function findInPlainText(text: string): Hit[] {
  return findInText(text, openPass(text.length, redactJsonText));
}

/** Redacts a JSON value; parts without findings are the very same objects. */
export function redactValue(value: Json, pass?: Pass): Redacted {
  const walk: Walk = { counts: {}, pass };
  const redacted = redactAny(value, undefined, walk, 0);
  return { value: redacted, pii: walk.counts };
}

/** As {@link redactValue}, of which no more than `readMax` characters are read, all readings together; `mark` writes the masks. */
export function redactWithin(value: Json, readMax: number, mark?: Mark): Redacted {
  return redactValue(value, { depth: 0, budget: { left: readMax }, redactJsonText, mark });
}

function redactJsonText(text: string, pass: Pass): RedactedJsonText | undefined {
  if (pass.budget.left < text.length) return undefined;
  let parsed: Json;
  try {
    parsed = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  const { value, pii } = redactValue(parsed, pass);
  // Most texts are clean and written in one of these two ways; going through them costs three times as much.
  const isClean = value === parsed && (JSON.stringify(parsed) === text || JSON.stringify(parsed, null, 2) === text);
  if (isClean) return { text, pii, isWhole: true };
  const rewritten = rewriteJson(text, parsed, value);
  return rewritten === undefined
    ? { text: marker('UNSCANNED'), pii: { UNSCANNED: 1 }, isWhole: true }
    : { ...rewritten, pii };
}

function redactAny(value: Json, rule: KeyRule | undefined, walk: Walk, depth: number): Json {
  if (typeof value === 'string') return redactString(value, rule, walk);
  if (typeof value === 'number') return redactNumber(value, rule, walk);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= NESTING_MAX) {
    countOne(walk.counts, 'UNSCANNED');
    return TOO_DEEP;
  }
  return Array.isArray(value)
    ? redactArray(value, rule, walk, depth)
    : redactObject(value as JsonObject, rule, walk, depth);
}

function redactString(text: string, rule: KeyRule | undefined, walk: Walk): string {
  if (rule?.holds(text) && !isMarker(text)) return found(rule.type, walk, text, rule);
  if (text.length < 4) return text;
  const redacted = redactTextIn(text, walk.pass ?? openPass(text.length, redactJsonText));
  if (redacted.text !== text) addCounts(walk.counts, redacted.pii);
  return redacted.text;
}

function redactNumber(value: number, rule: KeyRule | undefined, walk: Walk): Json {
  if (rule === undefined && !(Number.isSafeInteger(value) && Math.abs(value) >= 1e11)) return value;
  const digits = String(Math.abs(value));
  if (rule?.holds(digits)) return found(rule.type, walk, digits, rule);
  return digits.length >= 12 && isCardRange(digits) && passesLuhn(digits) ? found('CREDIT_CARD', walk, digits) : value;
}

function found(type: EntityType, walk: Walk, text: string, rule?: InheritedRule): string {
  countOne(walk.counts, type);
  const named = rule && (rule.isInherited === true ? 'around' : 'itself');
  return walk.pass?.mark?.({ type, text, start: 0, end: text.length, ...(named && { named }) }) ?? marker(type);
}

/** The rule of a member that an object is in decides for the members of the object that have none. */
interface InheritedRule extends KeyRule {
  readonly isInherited?: true;
}

function redactArray(items: readonly Json[], rule: KeyRule | undefined, walk: Walk, depth: number): Json {
  const split = splitType(items);
  let copy: Json[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index] as Json;
    const redacted = split === undefined ? redactAny(item, rule, walk, depth + 1) : found(split, walk, String(item));
    if (redacted === item) continue;
    copy ??= [...items];
    copy[index] = redacted;
  }
  return copy ?? items;
}

/** A number written in pieces: `["123", "45", "6789"]`, or a card in groups of four. */
function splitType(items: readonly Json[]): EntityType | undefined {
  if (items.length < 3 || items.length > 5) return undefined;
  if (!items.every((item): item is string => typeof item === 'string' && /^\d{2,6}$/.test(item))) return undefined;
  const digits = items.join('');
  const lengths = items.map((item) => item.length).join();
  if (lengths === '3,2,4' && isSsn(digits)) return 'US_SSN';
  const isCard = /^(?:4,4,4,4(?:,\d)?|4,6,[45])$/.test(lengths) && isCardRange(digits) && passesLuhn(digits);
  return isCard ? 'CREDIT_CARD' : undefined;
}

function redactObject(value: JsonObject, rule: KeyRule | undefined, walk: Walk, depth: number): Json {
  const parts = ssnParts(value);
  const cells = columnRules(value, walk);
  // A schema describes a password, it does not hold one.
  const inherited: InheritedRule | undefined =
    rule === undefined || typeof value.type === 'string' ? undefined : { ...rule, isInherited: true };
  let copy: Members | undefined;
  for (const key of Object.keys(value)) {
    const member = value[key];
    const verdict = judgeKey(key, walk);
    const name = verdict.isClean ? key : redactString(key, undefined, walk);
    let redacted: Json | undefined = member;
    if (parts?.has(key)) redacted = found('US_SSN', walk, String(member));
    else if (cells !== undefined && key === 'rows')
      redacted = redactRows(member as readonly Json[], cells, walk, depth + 1);
    else if (member !== undefined) redacted = redactAny(member, verdict.rule ?? inherited, walk, depth + 1);
    if (copy === undefined) {
      if (redacted === member && name === key) continue;
      copy = membersBefore(value, key);
    }
    setMember(copy, name, redacted);
  }
  // Own members even for `__proto__`, which an assignment would swallow.
  return copy === undefined ? value : (Object.fromEntries(copy.values) as JsonObject);
}

interface Members {
  readonly values: Map<string, Json | undefined>;
  readonly uses: Map<string, number>;
}

function membersBefore(value: JsonObject, key: string): Members {
  const values = new Map<string, Json | undefined>();
  for (const earlier of Object.keys(value)) {
    if (earlier === key) break;
    values.set(earlier, value[earlier]);
  }
  return { values, uses: new Map() };
}

/** Two addresses as keys both become `<EMAIL_ADDRESS>`; neither value may get lost. */
function setMember({ values, uses }: Members, name: string, member: Json | undefined): void {
  let free = name;
  while (values.has(free)) {
    const use = (uses.get(name) ?? 1) + 1;
    uses.set(name, use);
    free = `${name}#${use}`;
  }
  values.set(free, member);
}

/** `{"area": "123", "group": "45", "serial": "6789"}`. */
function ssnParts(value: JsonObject): ReadonlySet<string> | undefined {
  if (value.area === undefined || value.group === undefined || value.serial === undefined) return undefined;
  const digits = `${padded(value.area, 3)}${padded(value.group, 2)}${padded(value.serial, 4)}`;
  return /^\d{9}$/.test(digits) && isSsn(digits) ? new Set(['area', 'group', 'serial']) : undefined;
}

function padded(part: Json, length: number): string {
  return typeof part === 'string' || typeof part === 'number' ? String(part).padStart(length, '0') : '';
}

/** For a table `{columns: [{name}], rows: [[...]]}`: what each column's name says about its cells. */
function columnRules(value: JsonObject, walk: Walk): readonly (KeyRule | undefined)[] | undefined {
  const { columns, rows } = value;
  if (!Array.isArray(columns) || !Array.isArray(rows)) return undefined;
  const named = (columns as readonly Json[]).map((column) => {
    const name = typeof column === 'object' && column !== null ? (column as JsonObject).name : column;
    return typeof name === 'string' ? judgeKey(name, walk).rule : undefined;
  });
  return named.some((rule) => rule !== undefined) ? named : undefined;
}

function redactRows(rows: readonly Json[], rules: readonly (KeyRule | undefined)[], walk: Walk, depth: number): Json {
  const redacted = rows.map((row) => {
    if (!Array.isArray(row) || depth >= NESTING_MAX) return redactAny(row, undefined, walk, depth + 1);
    const cells = (row as readonly Json[]).map((cell, index) => redactAny(cell, rules[index], walk, depth + 2));
    return cells.some((cell, index) => cell !== row[index]) ? cells : row;
  });
  return redacted.some((row, index) => row !== rows[index]) ? redacted : rows;
}

interface KeyVerdict {
  readonly rule: KeyRule | undefined;
  readonly isClean: boolean;
}

// Keys repeat from call to call. Bounded, and a key with personal data is never kept.
const verdicts = new Map<string, KeyVerdict>();
const VERDICTS_MAX = 4096;

function judgeKey(key: string, { pass }: Walk): KeyVerdict {
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const own = openPass(key.length, () => undefined);
  const isClean = redactTextIn(key, pass === undefined ? own : { ...own, budget: pass.budget }).text === key;
  const verdict = { rule: findKeyRule(key), isClean };
  if (isClean && key.length <= 64) {
    if (verdicts.size >= VERDICTS_MAX) verdicts.clear();
    verdicts.set(key, verdict);
  }
  return verdict;
}
