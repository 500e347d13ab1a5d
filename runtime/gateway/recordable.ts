import type { Json } from '../contract/json.ts';
import type { RedactJson } from '../shared/redact-json.ts';

/** Bounds of one payload, in characters and items. */
interface Bounds {
  readonly stringMax: number;
  /** A longer string is left out whole when it may be JSON, which no rule can read once it is cut. */
  readonly jsonStringMax: number;
  readonly keyMax: number;
  readonly itemsMax: number;
  readonly totalMax: number;
}

/** How much of a payload is kept. */
export interface Extent {
  /**
   * What is redacted before it is cut to `kept`: JSON in a string whole, so that its keys are seen, and of other text a margin more than is
   * kept, so that personal data across the bound is recognised whole.
   */
  readonly read: Bounds;
  /** One item more than is read says that some were left out. A payload's SHA-256 stands for the rest. */
  readonly kept: Bounds;
}

const read: Bounds = { stringMax: 2304, jsonStringMax: 32_768, keyMax: 512, itemsMax: 100, totalMax: 65_536 };
const kept: Bounds = { stringMax: 2048, jsonStringMax: 2048, keyMax: 256, itemsMax: 101, totalMax: 16_384 };

/** Of what passes through: many records, each of which is read seldom. */
const ofRecord: Extent = { read, kept };
/** Of what people are asked about: one text may be as long as all of it, because a yes is for all of it. */
export const ofQuestion: Extent = {
  read: { ...read, stringMax: 16_640 },
  kept: { ...kept, stringMax: 16_384, jsonStringMax: 16_384 },
};
const depthMax = 16;
const CUT = '[cut]';

/** A payload as a record keeps it: redacted, and cut to a bound. Null when it cannot be redacted: then only its digest is kept. */
export function recordable(value: Json, redactJson: RedactJson, extent: Extent = ofRecord): Json {
  try {
    return prune(redactJson(prune(value, extent.read)).value, extent.kept);
  } catch {
    return null;
  }
}

/** True when every character and item of it is kept; redaction may still take some. */
export function isKeptWhole(value: Json, extent: Extent): boolean {
  return [extent.read, extent.kept].every((bounds) => fits(value, bounds, { left: extent.kept.stringMax }, 0));
}

/** The very same value when it is within the bounds. */
function prune(value: Json, bounds: Bounds): Json {
  if (fits(value, bounds, { left: Math.min(bounds.totalMax, bounds.stringMax) }, 0)) return value;
  return cut(value, bounds, { left: bounds.totalMax }, 0);
}

/** Whether nothing can be cut: all together is no longer than one string may be. Makes nothing, since most payloads are small. */
function fits(value: Json, bounds: Bounds, budget: { left: number }, depth: number): boolean {
  if (typeof value === 'string') budget.left -= value.length;
  else if (typeof value !== 'object' || value === null) budget.left -= 8;
  else {
    if (depth >= depthMax) return false;
    const keys = Object.keys(value);
    if (keys.length > bounds.itemsMax) return false;
    const members = value as Readonly<Record<string, Json>>;
    for (const key of keys) {
      if (key.length > bounds.keyMax) return false;
      budget.left -= key.length;
      if (budget.left <= 0 || !fits(members[key] as Json, bounds, budget, depth + 1)) return false;
    }
  }
  return budget.left > 0;
}

function cut(value: Json, bounds: Bounds, budget: { left: number }, depth: number): Json {
  if (typeof value === 'string') return cutText(value, bounds, budget);
  if (typeof value !== 'object' || value === null) {
    budget.left -= 8;
    return value;
  }
  if (depth >= depthMax || budget.left <= 0) return CUT;
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value) {
      if (items.length >= bounds.itemsMax || budget.left <= 0) {
        // How many there were is only known before the first cut.
        items.push(isReading(bounds) ? `[${value.length - items.length} more]` : CUT);
        break;
      }
      items.push(cut(item, bounds, budget, depth + 1));
    }
    return items;
  }
  const members = new Map<string, Json>();
  for (const [key, item] of Object.entries(value)) {
    if (members.size >= bounds.itemsMax || budget.left <= 0) {
      members.set(unusedName(CUT, members), true);
      break;
    }
    budget.left -= key.length;
    members.set(unusedName(key.slice(0, bounds.keyMax), members), cut(item as Json, bounds, budget, depth + 1));
  }
  return Object.fromEntries(members);
}

/** Two names that are cut to the same keep a value each: none hides the other. */
function unusedName(name: string, members: ReadonlyMap<string, Json>): string {
  let unused = name;
  for (let use = 2; members.has(unused); use += 1) unused = `${name}#${use}`;
  return unused;
}

function cutText(text: string, bounds: Bounds, budget: { left: number }): string {
  const isWhole = text.length <= bounds.stringMax || (isJsonLike(text) && text.length <= bounds.jsonStringMax);
  const taken = isWhole ? text.length : bounds.stringMax;
  budget.left -= taken;
  if (isWhole) return text;
  if (isReading(bounds) && isJsonLike(text)) return CUT;
  // Marked before it is redacted, too: what masking makes short is not cut again, and would look whole.
  return `${text.slice(0, taken).toWellFormed()}${CUT}`;
}

function isReading(bounds: Bounds): boolean {
  return bounds === ofRecord.read || bounds === ofQuestion.read;
}

function isJsonLike(text: string): boolean {
  return /^\s{0,64}["{[]/.test(text);
}
