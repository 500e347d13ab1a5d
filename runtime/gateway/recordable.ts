import type { Json } from '../contract/json.ts';
import type { RedactJson } from '../shared/redact-json.ts';

/** Bounds of one payload in a record, in characters and items. Its SHA-256 stands for the rest. */
const stringMax = 2048;
const itemsMax = 100;
const totalMax = 16_384;
/** Kept while redacting, so that personal data across the bound is recognised whole, and cut after it. */
const margin = 256;
const depthMax = 16;

/** A payload as a record keeps it: redacted, and cut to a bound. Null when it cannot be redacted: then only its digest is kept. */
export function recordable(value: Json, redactJson: RedactJson): Json {
  try {
    return shorten(redactJson(prune(value, { left: totalMax }, 0)).value);
  } catch {
    return null;
  }
}

function prune(value: Json, budget: { left: number }, depth: number): Json {
  if (typeof value === 'string') {
    budget.left -= Math.min(value.length, stringMax);
    return value.length <= stringMax + margin ? value : value.slice(0, stringMax + margin);
  }
  if (typeof value !== 'object' || value === null) {
    budget.left -= 8;
    return value;
  }
  if (depth >= depthMax || budget.left <= 0) return '[cut]';
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value) {
      if (items.length >= itemsMax || budget.left <= 0) {
        items.push(`[${value.length - items.length} more]`);
        break;
      }
      items.push(prune(item, budget, depth + 1));
    }
    return items;
  }
  const object: Record<string, Json> = {};
  let count = 0;
  for (const [key, item] of Object.entries(value)) {
    if (count >= itemsMax || budget.left <= 0) {
      object['[cut]'] = true;
      break;
    }
    count += 1;
    budget.left -= key.length;
    object[key.slice(0, 256)] = prune(item as Json, budget, depth + 1);
  }
  return object;
}

/** Cuts what the margin had kept. Returns the same object when nothing is to cut. */
function shorten(value: Json): Json {
  if (typeof value === 'string')
    return value.length <= stringMax ? value : `${value.slice(0, stringMax).toWellFormed()}[cut]`;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shorten);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shorten(item as Json)]));
}
