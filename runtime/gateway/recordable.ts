import type { Json } from '../contract/json.ts';
import { type Bounds, cutJson } from '../shared/cut-json.ts';
import type { RedactJson } from '../shared/redact-json.ts';

/**
 * What is redacted before it is cut to `kept`: JSON in a string whole, so that its keys are seen, and of other text a margin more than is
 * kept, so that personal data across the bound is recognised whole.
 */
const read: Bounds = {
  stringMax: 2304,
  jsonStringMax: 32_768,
  keyMax: 512,
  itemsMax: 100,
  totalMax: 65_536,
  isFirst: true,
};
/** One item more than is read says that some were left out. A payload's SHA-256 stands for the rest. */
const kept: Bounds = { stringMax: 2048, keyMax: 256, itemsMax: 101, totalMax: 16_384, isFirst: false };

/** A payload as a record keeps it: redacted, and cut to a bound. Null when it cannot be redacted: then only its digest is kept. */
export function recordable(value: Json, redactJson: RedactJson): Json {
  try {
    return cutJson(redactJson(cutJson(value, read)).value, kept);
  } catch {
    return null;
  }
}
