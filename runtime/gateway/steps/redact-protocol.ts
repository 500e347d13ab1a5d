import { isUtf8 } from 'node:buffer';
import type { Json, JsonObject } from '../../contract/json.ts';
import { findPii, type RedactJson } from '../../shared/redact-json.ts';
import { isObject } from './mask-columns.ts';

/**
 * Members that the protocol reads: altering one breaks a client or a server, so their scalar values are never touched. They count only
 * in the protocol's own objects; inside `structuredContent` and `data` the same names are a tool's business and are redacted.
 * MCP 2026-07-28 schema.ts, and 2025-11-25 for the names that it alone has.
 */
export const protocolFields: ReadonlySet<string> = new Set([
  ...['jsonrpc', 'id', 'method', 'code', 'resultType', 'isError', 'type', 'role', 'mimeType', 'encoding'],
  ...['ttlMs', 'cacheScope', 'cursor', 'nextCursor', 'requestState', 'progressToken', 'progress', 'total', 'level'],
  ...['logger', 'requestId', 'subscriptionId', 'taskId', 'status', 'pollInterval', 'createdAt', 'lastUpdatedAt', 'ttl'],
  ...['protocolVersion', 'supportedVersions', 'mode', 'action', 'elicitationId', 'priority', 'audience', 'size'],
  ...['hasMore', 'lastModified', 'theme', 'sizes', 'version'],
]);

/** Members of `_meta` that the protocol or tracing reads (MCP basic/index § _meta; W3C Trace Context). */
const metaFields: ReadonlySet<string> = new Set(['progressToken', 'traceparent', 'tracestate']);

/** Objects and lists of objects of the protocol, whose members are looked at one by one. */
const containers: ReadonlySet<string> = new Set([
  ...[
    'content',
    'contents',
    'messages',
    'resource',
    'resources',
    'resourceTemplates',
    'prompts',
    'tools',
    'annotations',
  ],
  ...['inputRequests', 'params', 'completion', 'icons', 'capabilities', 'serverInfo', 'arguments', 'task'],
]);

/** Definitions that are pinned and hashed: their words come from the registry, not from this answer. */
const definitions: ReadonlySet<string> = new Set(['inputSchema', 'outputSchema']);

export interface Found {
  readonly pii: Record<string, number>;
}

/** Redacts a result, an error object or a notification's params; protocol fields keep their values. */
export function redactProtocol(value: JsonObject, redactJson: RedactJson, found: Found): JsonObject {
  return redactMembers(value, redactJson, found, '');
}

function redactMembers(value: JsonObject, redactJson: RedactJson, found: Found, container: string): JsonObject {
  const members: [string, Json | undefined][] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || isProtocolField(key, member, value, container)) members.push([key, member]);
    else if (key === '_meta' && isObject(member)) members.push([key, redactMeta(member, redactJson, found)]);
    else if (key === 'blob' || (key === 'data' && isMedia(value)))
      members.push([key, redactBlob(member, redactJson, found)]);
    else if (key === 'arguments' && !Array.isArray(member))
      members.push(...redactPlain(key, member, redactJson, found));
    else if (containers.has(key) || container === 'inputRequests') {
      members.push([key, redactContainer(key, member, redactJson, found)]);
    } else members.push(...redactPlain(key, member, redactJson, found));
  }
  return Object.fromEntries(members);
}

function isProtocolField(key: string, member: Json, owner: JsonObject, container: string): boolean {
  if (definitions.has(key)) return container === 'tools';
  // A client calls tools and gets prompts by this name; a resource's name is only shown.
  if (key === 'name') return container === 'tools' || container === 'prompts' || container === 'serverInfo';
  if (!protocolFields.has(key)) return false;
  if (key === 'code' && typeof member !== 'number') return false;
  if (key === 'type' && owner.type !== member) return false;
  return !isObject(member) && (!Array.isArray(member) || member.every((item) => typeof item !== 'object'));
}

function redactContainer(key: string, member: Json, redactJson: RedactJson, found: Found): Json {
  if (Array.isArray(member)) {
    const items = (member as readonly Json[]).map((item) =>
      isObject(item) ? redactMembers(item, redactJson, found, key) : run(item, redactJson, found),
    );
    return key === 'content' || key === 'contents' ? joinTexts(items, found) : items;
  }
  return isObject(member) ? redactMembers(member, redactJson, found, key) : run(member, redactJson, found);
}

/** With its key, because a key such as `ssn` says what the value is. */
function redactPlain(key: string, member: Json, redactJson: RedactJson, found: Found): [string, Json | undefined][] {
  return Object.entries(run({ [key]: member }, redactJson, found) as JsonObject);
}

function redactMeta(meta: JsonObject, redactJson: RedactJson, found: Found): JsonObject {
  const isKept = (key: string) => isProtocolMetaKey(key);
  return Object.fromEntries(
    Object.entries(meta).flatMap(([key, member]): [string, Json | undefined][] =>
      member === undefined || isKept(key) ? [[key, member]] : redactPlain(key, member, redactJson, found),
    ),
  );
}

export function isProtocolMetaKey(key: string): boolean {
  return metaFields.has(key) || key.startsWith('io.modelcontextprotocol/');
}

function isMedia(owner: JsonObject): boolean {
  return owner.type === 'image' || owner.type === 'audio';
}

/** Base64 that is text inside, whatever its declared type, is redacted inside; pictures and sound are left as they are. */
function redactBlob(blob: Json, redactJson: RedactJson, found: Found): Json {
  if (typeof blob !== 'string') return run(blob, redactJson, found);
  const bytes = Buffer.from(blob, 'base64');
  if (!isUtf8(bytes)) return blob;
  const text = bytes.toString('utf8');
  const redacted = run(text, redactJson, found);
  return redacted === text || typeof redacted !== 'string' ? blob : Buffer.from(redacted, 'utf8').toString('base64');
}

/** A number may be cut in two by the border of two blocks; so much of each side is read together. */
const BORDER = 64;

/** Redacts what only shows when one block's end is read together with the next block's beginning. */
function joinTexts(items: readonly Json[], found: Found): readonly Json[] {
  const joined = [...items];
  for (let index = 1; index < joined.length; index += 1) {
    const [before, after] = [joined[index - 1], joined[index]];
    if (!isObject(before) || !isObject(after) || typeof before.text !== 'string' || typeof after.text !== 'string')
      continue;
    const tail = before.text.slice(-BORDER);
    const border = tail.length;
    const across = findPii(tail + after.text.slice(0, BORDER)).find(({ start, end }) => start < border && end > border);
    if (across === undefined) continue;
    found.pii[across.type] = (found.pii[across.type] ?? 0) + 1;
    const cut = before.text.length - border + across.start;
    joined[index - 1] = { ...before, text: `${before.text.slice(0, cut)}<${across.type}>` };
    joined[index] = { ...after, text: after.text.slice(across.end - border) };
  }
  return joined;
}

/** Redacts one value and adds what was found. */
export function run(value: Json, redactJson: RedactJson, found: Found): Json {
  const { value: redacted, pii } = redactJson(value);
  for (const [type, count] of Object.entries(pii)) found.pii[type] = (found.pii[type] ?? 0) + count;
  return redacted;
}
