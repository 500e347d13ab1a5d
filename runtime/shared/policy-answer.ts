import type { Decision, MaskedColumn, Obligation } from '../contract/decision.ts';
import { hasExactly, isCount, isMaskedColumn, isRecord, isWindowTerms } from '../contract/policy-values.ts';
import { Refusal } from './refusal.ts';

/** What `mcp.quota.decision` and `mcp.approval.decision` answer. */
export interface Verdict {
  readonly allow: boolean;
  readonly reasons: readonly string[];
  readonly revision: string;
}

/**
 * The one value of a result set. Rego's undefined is an empty set, and nothing but one answer is an answer.
 * Throws Refusal `policy_unavailable`.
 */
export function onlyResult(resultSet: unknown): unknown {
  if (!Array.isArray(resultSet) || resultSet.length !== 1) throw malformed('the result set has not one entry');
  const [entry] = resultSet;
  return record(entry, ['result'], 'the entry').result;
}

/**
 * An answer of `mcp.authz.decision`, exactly as the contract has it. Throws Refusal `policy_unavailable` for any other shape,
 * `obligation_unknown` for a yes that demands what this gateway does not know.
 */
export function parseDecision(answer: unknown, revision: string): Decision {
  const parsed = record(answer, ['allow', 'reasons', 'obligations', 'revision'], 'the decision');
  const allow = claim(parsed.allow);
  const reasons = codes(parsed.reasons);
  if (!Array.isArray(parsed.obligations)) throw malformed('obligations are not a list');
  sameRevision(parsed.revision, revision);
  // A no demands nothing, and is a no whatever stands beside it.
  return { allow, reasons, obligations: allow ? parseObligations(parsed.obligations) : [], revision };
}

/** An answer of `mcp.quota.decision` or `mcp.approval.decision`. Throws Refusal `policy_unavailable` for any other shape. */
export function parseVerdict(answer: unknown, revision: string): Verdict {
  const parsed = record(answer, ['allow', 'reasons', 'revision'], 'the verdict');
  sameRevision(parsed.revision, revision);
  return { allow: claim(parsed.allow), reasons: codes(parsed.reasons), revision };
}

/** An answer of `mcp.authz.visible`: some of the candidates. Throws Refusal `policy_unavailable` for any other shape. */
export function parseVisible(answer: unknown, candidates: readonly { readonly name: string }[]): ReadonlySet<string> {
  if (!Array.isArray(answer)) throw malformed('visible is not a list');
  const known = new Set(candidates.map(({ name }) => name));
  for (const name of answer) {
    if (typeof name !== 'string' || !known.has(name)) throw malformed('visible names a tool that was no candidate');
  }
  return new Set<string>(answer);
}

/**
 * What a yes demands. Each type at most once: two limits of one kind leave open which holds.
 * Throws Refusal `obligation_unknown`.
 */
export function parseObligations(list: readonly unknown[]): readonly Obligation[] {
  const parsed = list.map(parseObligation);
  if (new Set(parsed.map(({ type }) => type)).size !== parsed.length) throw unknownObligation('one type twice');
  return parsed;
}

const fieldsByType: Readonly<Record<Obligation['type'], readonly string[]>> = {
  mask_columns: ['columns'],
  redact_pii: [],
  max_result_bytes: ['bytes'],
  max_rows: ['rows'],
  require_approval: ['reason'],
  quota: ['limit', 'window_ms'],
};

function parseObligation(value: unknown): Obligation {
  if (!isRecord(value) || typeof value.type !== 'string' || !Object.hasOwn(fieldsByType, value.type)) {
    throw unknownObligation('a type that is not known');
  }
  const type = value.type as Obligation['type'];
  const more = type === 'require_approval' && Object.hasOwn(value, 'window') ? ['window'] : [];
  if (!hasExactly(value, ['type', ...fieldsByType[type], ...more]))
    throw unknownObligation(`a ${type} with other fields`);
  switch (type) {
    case 'redact_pii':
      return { type };
    case 'mask_columns':
      return { type, columns: maskedColumns(value.columns) };
    case 'max_result_bytes':
      return { type, bytes: count(value.bytes) };
    case 'max_rows':
      return { type, rows: count(value.rows) };
    case 'require_approval':
      if (!isCode(value.reason)) throw unknownObligation('a require_approval without a code');
      if (more.length === 0) return { type, reason: value.reason };
      if (!isWindowTerms(value.window)) throw unknownObligation('a window of another shape');
      return { type, reason: value.reason, window: value.window };
    case 'quota':
      return { type, limit: count(value.limit), window_ms: count(value.window_ms) };
  }
}

/** Throws Refusal `obligation_unknown` for a method that is not known: what cannot be masked is not shown. */
function maskedColumns(value: unknown): readonly MaskedColumn[] {
  if (!Array.isArray(value) || !value.every(isMaskedColumn)) throw unknownObligation('a column mask of another shape');
  return value;
}

/** The refusal for every answer that is not one well-formed answer. */
export function malformed(what: string, cause?: unknown): Refusal {
  return new Refusal('policy_unavailable', { privateDetail: what }, { cause });
}

function record(value: unknown, fields: readonly string[], what: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value) || !hasExactly(value, fields)) throw malformed(`${what} has another shape`);
  return value;
}

function claim(value: unknown): boolean {
  if (typeof value !== 'boolean') throw malformed('allow is neither true nor false');
  return value;
}

function codes(value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every(isCode)) throw malformed('reasons are not codes');
  return value;
}

/** No line ends, no escapes, no words of a caller: reasons go into logs and records as they are. */
function isCode(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 64 && /^[a-z][a-z0-9_]*$/.test(value);
}

function sameRevision(value: unknown, revision: string): void {
  if (value !== revision) throw malformed('the answer names another revision');
}

function count(value: unknown): number {
  if (!isCount(value)) throw unknownObligation('a limit that is not a whole number');
  return value;
}

function unknownObligation(what: string): Refusal {
  return new Refusal('obligation_unknown', { privateDetail: what });
}
