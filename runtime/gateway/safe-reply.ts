import type { JsonObject } from '../contract/json.ts';
import type { SafeResult } from '../contract/receipts.ts';

/** What may leave: a result, or the error object of a JSON-RPC error, after redaction. */
export interface SafeReply extends SafeResult {
  readonly kind: 'result' | 'error';
  /** HTTP status to answer with. */
  readonly status: number;
}

/** A reply that the gateway made itself, from the catalogue and its own words. */
export function ownReply(result: JsonObject): SafeReply {
  return { safe: true, kind: 'result', status: 200, result, redactions: { maskedCells: 0, pii: {} } };
}

/** A reply that is recorded, durably; what goes out is exactly what was hashed. */
export interface RecordedReply {
  readonly kind: 'result' | 'error';
  readonly status: number;
  /** JSON text of the `result` or `error` member. */
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a message's notifications go while it is under way. */
export interface Outlet {
  /** Sends a notification that was made safe. */
  readonly notify: (method: string, params: JsonObject) => void;
  readonly keepAlive: () => void;
}
