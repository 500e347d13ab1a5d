import type { Json } from '../contract/json.ts';

/** Bounds of one payload, in characters and items. */
export interface Bounds {
  readonly stringMax: number;
  /** Before redaction: a longer string is left out whole when it may be JSON, which no rule can read once it is cut. */
  readonly jsonStringMax?: number;
  readonly keyMax: number;
  readonly itemsMax: number;
  readonly totalMax: number;
  /** True where nothing was cut before, so that how many items are left out is known. */
  readonly isFirst: boolean;
}

const depthMax = 16;
const CUT = '[cut]';

/** The very same value when it is within the bounds, and a copy with marks where it was cut when it is not. */
export function cutJson(value: Json, bounds: Bounds): Json {
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
        items.push(bounds.isFirst ? `[${value.length - items.length} more]` : CUT);
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

function cutText(text: string, { stringMax, jsonStringMax = stringMax }: Bounds, budget: { left: number }): string {
  const isLeftOut = jsonStringMax > stringMax && isJsonLike(text);
  const isWhole = text.length <= (isLeftOut ? jsonStringMax : stringMax);
  const taken = isWhole ? text.length : stringMax;
  budget.left -= taken;
  if (isWhole) return text;
  if (isLeftOut) return CUT;
  // Marked before it is redacted, too: what masking makes short is not cut again, and would look whole.
  return `${text.slice(0, taken).toWellFormed()}${CUT}`;
}

function isJsonLike(text: string): boolean {
  return /^\s{0,64}["{[]/.test(text);
}
