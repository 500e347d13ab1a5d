import { randomBytes } from 'node:crypto';
import type { Allowed, MaskedColumn, Obligation } from '../../contract/decision.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { SafeResult } from '../../contract/receipts.ts';
import type { RedactJson } from '../../shared/redact-json.ts';
import { Refusal } from '../../shared/refusal.ts';
import { isObject, MASKED, maskTable, pseudonym } from './mask-columns.ts';
import { findMaskedSteering, withheldTable } from './masked-steering.ts';
import { type Found, isProtocolMetaKey, protocolFields, redactProtocol, run } from './redact-protocol.ts';

export interface RedactDeps {
  readonly redactJson: RedactJson;
  /** Key of pseudonyms, 32 bytes, shared by every replica. Without it each process makes its own, and pseudonyms end with it. */
  readonly maskKey?: Uint8Array;
}

/** Whose call this is. */
export interface RedactCall {
  /** Pseudonyms of two tenants never match. */
  readonly tenant?: string;
  /** What the caller sent: quoting it back in an error discloses nothing. */
  readonly arguments?: JsonObject;
}

/**
 * Makes an upstream's result, or its JSON-RPC error object, safe to leave: masks columns, cuts rows, redacts personal data, as the
 * decision obliges. Throws Refusal `redaction_failed` (the result is dropped) when it cannot, `obligation_unknown` for an obligation or
 * a mask method that it does not know, `upstream_too_large` for a result above `max_result_bytes`.
 */
export function redact(result: JsonObject, allowed: Allowed, deps: RedactDeps, call: RedactCall = {}): SafeResult {
  const duties = readDuties(allowed);
  try {
    const safe = applyDuties(result, duties, deps, call);
    checkSize(safe.result, duties.resultBytesMax);
    return safe;
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('redaction_failed', {}, { cause });
  }
}

/** Makes the params of a progress, message or log notification safe; under a mask plan its words are withheld. Never throws. */
export function redactNotification(params: JsonObject, allowed: Allowed, deps: RedactDeps): JsonObject {
  try {
    const { plan, isPiiRedacted } = readDuties(allowed);
    if (plan.length > 0) return withhold(params);
    return isPiiRedacted ? redactProtocol(params, deps.redactJson, { pii: {} }) : params;
  } catch {
    return withhold(params);
  }
}

/** Throws Refusal `obligation_unknown` unless this gateway can do all that the decision asks for. Called before anything is sent. */
export function checkObligations(allowed: Pick<Allowed, 'obligations'>): void {
  readDuties(allowed);
}

interface Duties {
  readonly plan: readonly MaskedColumn[];
  readonly isPiiRedacted: boolean;
  readonly rowsMax: number;
  readonly resultBytesMax: number;
}

const maskMethods: ReadonlySet<string> = new Set([
  'redact',
  'null',
  'last4',
  'hash',
] satisfies MaskedColumn['method'][]);

function readDuties({ obligations }: Pick<Allowed, 'obligations'>): Duties {
  let plan: readonly MaskedColumn[] = [];
  let isPiiRedacted = false;
  let rowsMax = Number.POSITIVE_INFINITY;
  let resultBytesMax = Number.POSITIVE_INFINITY;
  for (const obligation of obligations) {
    switch (obligation.type) {
      case 'mask_columns':
        plan = [...plan, ...readPlan(obligation)];
        break;
      case 'redact_pii':
        isPiiRedacted = true;
        break;
      case 'max_rows':
        rowsMax = Math.min(rowsMax, readLimit(obligation.rows));
        break;
      case 'max_result_bytes':
        resultBytesMax = Math.min(resultBytesMax, readLimit(obligation.bytes));
        break;
      // Done before the call was sent.
      case 'require_approval':
      case 'quota':
        break;
      default:
        throw new Refusal('obligation_unknown', {
          privateDetail: `obligation ${String((obligation as Obligation).type)}`,
        });
    }
  }
  return { plan, isPiiRedacted, rowsMax, resultBytesMax };
}

function readPlan({ columns }: Extract<Obligation, { type: 'mask_columns' }>): readonly MaskedColumn[] {
  for (const { method } of columns) {
    if (!maskMethods.has(method))
      throw new Refusal('obligation_unknown', { privateDetail: `mask method ${String(method)}` });
  }
  return columns;
}

function readLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new Refusal('obligation_unknown', { privateDetail: 'a limit that is no whole number' });
  }
  return limit;
}

function applyDuties(result: JsonObject, duties: Duties, deps: RedactDeps, call: RedactCall): SafeResult {
  const found: Found = { pii: {} };
  if (duties.plan.length > 0) return maskResult(result, duties, deps, call, found);
  const cut = cutRows(result, duties.rowsMax);
  const safe = duties.isPiiRedacted ? redactProtocol(cut, deps.redactJson, found) : cut;
  return { safe: true, result: safe, redactions: { maskedCells: 0, pii: found.pii } };
}

/** Under a mask plan a result is built anew from what is understood; nothing else of it leaves. */
function maskResult(result: JsonObject, duties: Duties, deps: RedactDeps, call: RedactCall, found: Found): SafeResult {
  const isFailure = result.isError === true || (typeof result.code === 'number' && typeof result.message === 'string');
  if (isFailure || result.resultType === 'input_required') {
    const quiet = isFailure ? withoutQuotes(result, call) : result;
    const safe = redactProtocol(quiet as JsonObject, deps.redactJson, found);
    return { safe: true, result: safe, redactions: { maskedCells: 0, pii: found.pii } };
  }
  const steering = findMaskedSteering(result.structuredContent, duties.plan);
  if (steering !== undefined) {
    const withheld = { ...protocolMembers(result), ...withheldTable(steering) };
    return { safe: true, result: withheld, redactions: { maskedCells: 0, pii: {} } };
  }
  const hash = (value: string) => pseudonym(value, call.tenant ?? '', deps.maskKey ?? processKey());
  const table = maskTable(result.structuredContent, duties.plan, duties.rowsMax, hash);
  if (table === undefined) {
    throw new Refusal('redaction_failed', { privateDetail: 'a result under a mask plan is not a table' });
  }
  const structured = duties.isPiiRedacted
    ? (run(table.structured, deps.redactJson, found) as JsonObject)
    : table.structured;
  const safe = {
    ...protocolMembers(result),
    content: [{ type: 'text', text: JSON.stringify(structured) }],
    structuredContent: structured,
  };
  return { safe: true, result: safe, redactions: { maskedCells: table.maskedCells, pii: found.pii } };
}

function protocolMembers(result: JsonObject): JsonObject {
  const members = Object.entries(result).filter(([key, member]) => protocolFields.has(key) && !isNested(member));
  if (isObject(result._meta)) {
    members.push(['_meta', Object.fromEntries(Object.entries(result._meta).filter(([key]) => isProtocolMetaKey(key)))]);
  }
  return Object.fromEntries(members);
}

function isNested(member: Json | undefined): boolean {
  return typeof member === 'object' && member !== null;
}

/** What PostgreSQL puts values into: quotation marks, `Key (a)=(b)`, `Failing row contains (...`. Bounded, so the cost is linear. */
const quoted =
  /"[^"\n]{1,4096}"?|(?<![A-Za-z])'[^'\n]{1,4096}'|\((?:[^()\n]{1,4096})\)=\((?:[^()\n]{0,4096})\)|contains \([^\n]{0,4096}/g;

/**
 * An error of a database quotes values (`invalid input syntax for type integer: "Jane Doe"`), so a cast would read a masked column.
 * Quotations leave only when the caller sent the very words.
 */
function withoutQuotes(
  value: Json,
  call: RedactCall,
  sent = call.arguments === undefined ? '' : textsOf(call.arguments),
): Json {
  if (typeof value === 'string') {
    return value.replace(quoted, (quotation) => (isSent(quotation, sent) ? quotation : MASKED));
  }
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => withoutQuotes(item, call, sent));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) =>
      protocolFields.has(key) && !isNested(member) ? [key, member] : [key, withoutQuotes(member ?? null, call, sent)],
    ),
  );
}

function isSent(quotation: string, sent: string): boolean {
  const words = /^["'](.{3,})["']$/.exec(quotation)?.[1];
  return words !== undefined && sent.includes(words);
}

function textsOf(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value)
    .map((member) => textsOf(member ?? null))
    .join('\n');
}

/** Cuts `structuredContent.rows`, and with it every copy of the rows in the content. */
function cutRows(result: JsonObject, rowsMax: number): JsonObject {
  const { structuredContent: structured } = result;
  if (!isObject(structured) || !Array.isArray(structured.rows) || structured.rows.length <= rowsMax) return result;
  const rows = structured.rows.slice(0, rowsMax);
  const cut: JsonObject = { ...structured, rows, row_count: rows.length, truncated: true };
  return { ...result, content: [{ type: 'text', text: JSON.stringify(cut) }], structuredContent: cut };
}

/** Only what the protocol reads; a notification without words still says that the call goes on. */
function withhold(params: JsonObject): JsonObject {
  const kept: Record<string, Json | undefined> = { ...protocolMembers(params) };
  for (const key of ['message', 'data']) if (params[key] !== undefined) kept[key] = MASKED;
  return kept;
}

function checkSize(result: JsonObject, bytesMax: number): void {
  if (bytesMax === Number.POSITIVE_INFINITY || fits(result, { left: bytesMax })) return;
  if (Buffer.byteLength(JSON.stringify(result)) > bytesMax) {
    throw new Refusal('upstream_too_large', {
      reason: `The answer of the tool server is larger than the ${bytesMax} bytes allowed; ask for less.`,
    });
  }
}

/** Whether a value surely fits, without writing it out: 6 bytes is the longest that JSON makes of one UTF-16 unit. */
function fits(value: Json | undefined, budget: { left: number }): boolean {
  if (typeof value === 'string') budget.left -= value.length * 6 + 3;
  else if (typeof value !== 'object' || value === null) budget.left -= 26;
  else {
    budget.left -= 2;
    for (const [key, member] of Object.entries(value)) {
      budget.left -= key.length * 6 + 4;
      if (budget.left < 0 || !fits(member, budget)) return false;
    }
  }
  return budget.left >= 0;
}

let ownKey: Uint8Array | undefined;

function processKey(): Uint8Array {
  ownKey ??= randomBytes(32);
  return ownKey;
}
