import type { Json } from '../contract/json.ts';
import type { Redacted } from '../contract/receipts.ts';
import type { Hit, Mark } from './redactor/hits.ts';
import type { RedactedText } from './redactor/redact-text.ts';
import { findInPlainText, redactPlainText, redactValue, redactWithin } from './redactor/redact-value.ts';

/**
 * Redacts personal data in every string, key and number of a JSON value; keys such as `ssn` also decide. Never throws on any JSON. With `readMax` no more
 * characters than that are read, each as often as it can be read in another way; what is left is `<UNSCANNED>`, and counted so. Then `mark` may write the
 * masks and learn what they cover.
 */
export type RedactJson = (value: Json, readMax?: number, mark?: Mark) => Redacted;

/** The redactor in this process: see docs/redaction.md for what it finds and what it does not. Keeps the shape of the value. */
export const redactJson: RedactJson = (value, readMax, mark) =>
  readMax === undefined ? redactValue(value) : redactWithin(value, readMax, mark);

/** Redacts one text; encodings inside it are opened. */
export function redactText(text: string): RedactedText {
  return redactPlainText(text);
}

/** Where personal data is in a text: ranges of UTF-16 units, sorted, without overlaps. */
export function findPii(text: string): readonly Hit[] {
  return findInPlainText(text);
}
