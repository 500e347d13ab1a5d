import type { Json } from '../contract/json.ts';
import type { Redacted } from '../contract/receipts.ts';

/** Redacts personal data in every string, key and number of a JSON value; keys such as `ssn` also decide. Never throws on any JSON. */
export type RedactJson = (value: Json) => Redacted;
