import type { AuditEvent } from '../../contract/audit-event.ts';
import type { Json } from '../../contract/json.ts';
import { Refusal } from '../refusal.ts';
import { tenantSegment } from './audit-layout.ts';

/** An event as text that only lacks its place in the chain. */
export interface EncodedEvent {
  /** As recorded: cut, when it was too long. */
  readonly event: AuditEvent;
  /** The members of the event, in their fixed order, from the first key to the closing brace; ASCII, one line. */
  readonly members: string;
  readonly segment: string;
  /** YYYY-MM-DD of `time`, UTC: the partition. */
  readonly date: string;
  /** HH of `time`, UTC: the partition of objects. */
  readonly hour: string;
}

/** Longest event as text. A line is a little longer: its place in the chain comes before. */
export const eventBytesMax = 256 * 1024;

/** How strings, lists and objects are cut when an event is too long; the first that makes it fit is taken. */
const cuts = [
  { charsMax: 8192, membersMax: 1000 },
  { charsMax: 1024, membersMax: 100 },
  { charsMax: 256, membersMax: 16 },
] as const;
const cutDepthMax = 64;

const timePattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;

/**
 * Encodes an event. Throws Refusal `audit_unavailable` for one that cannot be recorded at all: a tenant or time of which no path
 * may be made, or a length that no cut brings down.
 */
export function encodeEvent(event: AuditEvent): EncodedEvent {
  const segment = typeof event.tenant === 'string' ? tenantSegment(event.tenant) : undefined;
  if (segment === undefined) throw unrecordable('the tenant is empty or longer than 100 bytes');
  if (typeof event.time !== 'string' || !timePattern.test(event.time))
    throw unrecordable('time is not RFC 3339 in UTC');
  const placed = { segment, date: event.time.slice(0, 10), hour: event.time.slice(11, 13) };
  let kept = event;
  let members: string;
  try {
    members = toMembers(event);
  } catch {
    // A payload that has no text (too deep, a cycle) is dropped, never the record: its hash stays.
    kept = { ...event, arguments: null, response: null, detail: { ...event.detail, payload_dropped: true } };
    members = toMembers(kept);
  }
  if (members.length <= eventBytesMax) return { event: kept, members, ...placed };
  const full = members.length;
  for (const cut of cuts) {
    const shorter = cutDown(kept as unknown as Json, cut, 0) as unknown as AuditEvent;
    kept = { ...shorter, tenant: event.tenant, detail: { ...shorter.detail, cut_from_bytes: full } };
    members = toMembers(kept);
    if (members.length <= eventBytesMax) return { event: kept, members, ...placed };
  }
  throw unrecordable(`the event has ${full} bytes and cannot be cut to ${eventBytesMax}`);
}

/** One line of a chain, without its newline. */
export function encodeRecord(writer: string, seq: number, prev: string, members: string): string {
  return `{"v":1,"writer":"${writer}","seq":${seq},"prev":"${prev}",${members}`;
}

/** The keys in the order in which they are written. Anything else that an object carries is not recorded. */
function toMembers(event: AuditEvent): string {
  const text = JSON.stringify({
    event: event.event,
    time: event.time,
    tenant: event.tenant,
    call_id: event.call_id,
    caller: event.caller && {
      subject: event.caller.subject,
      kind: event.caller.kind,
      roles: event.caller.roles,
      scopes: event.caller.scopes,
    },
    client: event.client && {
      id: event.client.id,
      name: event.client.name,
      user_agent: event.client.user_agent,
    },
    method: event.method,
    server: event.server,
    tool: event.tool,
    version: event.version,
    definition_hash: event.definition_hash,
    arguments: event.arguments,
    arguments_sha256: event.arguments_sha256,
    response: event.response,
    response_sha256: event.response_sha256,
    response_bytes: event.response_bytes,
    outcome: event.outcome,
    code: event.code,
    reason: event.reason,
    http_status: event.http_status,
    policy: event.policy && {
      revision: event.policy.revision,
      reasons: event.policy.reasons,
      obligations: event.policy.obligations,
    },
    approval_id: event.approval_id,
    redactions: event.redactions && { masked_cells: event.redactions.masked_cells, pii: event.redactions.pii },
    latency_ms: event.latency_ms,
    trace_id: event.trace_id,
    detail: event.detail ?? null,
  });
  return toOneAsciiLine(text.slice(1));
}

/**
 * JSON text as ASCII. JSON.stringify has escaped CR, LF and the other C0 controls; here go U+2028, U+2029, C1 controls, bidi marks and
 * all else that a terminal or a line reader may take for something (as `\uXXXX`, RFC 8259 § 7). A lone surrogate, which
 * JSON.stringify escapes and strict parsers refuse, becomes U+FFFD, so that one bad string cannot make a file unreadable.
 */
function toOneAsciiLine(text: string): string {
  let line = text;
  // Pairs of backslashes are stepped over: in `\\ud800` the backslash is text.
  if (line.includes('\\ud'))
    line = line.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (match) => (match === '\\\\' ? match : '\\ufffd'));
  if (!/[^\x20-\x7e]/.test(line)) return line;
  return line.replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function cutDown(value: Json, to: { charsMax: number; membersMax: number }, depth: number): Json {
  if (typeof value === 'string') return cutText(value, to.charsMax);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === cutDepthMax) return '[cut: nested deeper]';
  if (Array.isArray(value)) {
    const items: Json[] = value.slice(0, to.membersMax).map((item: Json) => cutDown(item ?? null, to, depth + 1));
    if (value.length > to.membersMax) items.push(`[cut: ${value.length} items in all]`);
    return items;
  }
  const members = Object.entries(value);
  const kept = members
    .slice(0, to.membersMax)
    .map(([key, member]) => [cutText(key, to.charsMax), cutDown(member as Json, to, depth + 1)]);
  if (members.length > to.membersMax) kept.push(['[cut]', `${members.length} members in all`]);
  return Object.fromEntries(kept);
}

function cutText(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}[cut: ${text.length} characters in all]`;
}

function unrecordable(privateDetail: string): Refusal {
  return new Refusal('audit_unavailable', { privateDetail });
}
