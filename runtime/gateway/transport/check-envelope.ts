import type { JsonObject } from '../../contract/json.ts';
import type { Era } from '../../contract/tool-call.ts';
import { Refusal } from '../../shared/refusal.ts';
import { decodeHeaderValue } from './header-value.ts';
import {
  isKnownMethod,
  isModernVersion,
  legacyVersions,
  metaKeys,
  modernVersions,
  nameHeaderSource,
} from './protocol-versions.ts';
import type { RequestHeaders } from './read-headers.ts';

/** The era of a message and its version, after its headers were found equal to its body. */
export interface Envelope {
  readonly era: Era;
  readonly protocolVersion: string | undefined;
}

/** What of a JSON-RPC message the envelope's rules look at. */
export interface EnvelopeSubject {
  readonly method: string;
  readonly params: JsonObject;
  readonly isRequest: boolean;
}

/**
 * Finds the era and holds the headers against the body: whoever reads headers downstream must see what was decided here.
 * MCP 2026-07-28 basic/transports/streamable-http § Server Validation. Throws Refusal `header_mismatch`, `version_unsupported`,
 * `envelope_missing` or `method_not_found`.
 */
export function checkEnvelope(subject: EnvelopeSubject, headers: RequestHeaders): Envelope {
  for (const name of ['mcp-protocol-version', 'mcp-method', 'mcp-name']) {
    if (headers.repeated.has(name)) throw mismatch(`The header ${name} came more than once.`);
  }
  const header = headers.values['mcp-protocol-version'];
  const meta = subject.params._meta;
  const claimed = isObject(meta) ? meta[metaKeys.protocolVersion] : undefined;
  if (claimed === undefined && (header === undefined || !isModernVersion(header))) {
    return checkLegacy(subject, headers, header);
  }
  return checkModern(subject, headers, header, isObject(meta) ? meta : undefined);
}

function checkModern(
  subject: EnvelopeSubject,
  headers: RequestHeaders,
  header: string | undefined,
  meta: JsonObject | undefined,
): Envelope {
  const { method, isRequest } = subject;
  const claimed = meta?.[metaKeys.protocolVersion];
  const methodHeader = headers.values['mcp-method'];
  if (isRequest || claimed !== undefined) checkMeta(meta, isRequest);
  if (claimed !== undefined && header !== undefined && header !== claimed) {
    throw mismatch('MCP-Protocol-Version differs from the version in _meta.');
  }
  if (methodHeader !== undefined && methodHeader !== method) throw mismatch('Mcp-Method differs from the method.');
  const version = (claimed ?? header) as string;
  if (!modernVersions.includes(version)) throw unsupported(version, modernVersions);
  if (isRequest) {
    if (header === undefined) throw mismatch('The header MCP-Protocol-Version is missing.');
    if (methodHeader === undefined) throw mismatch('The header Mcp-Method is missing.');
  }
  checkName(subject, headers, isRequest);
  checkParamHeaders(headers);
  if (isRequest && !isKnownMethod(method, 'modern')) throw new Refusal('method_not_found');
  return { era: 'modern', protocolVersion: version };
}

function checkLegacy(subject: EnvelopeSubject, headers: RequestHeaders, header: string | undefined): Envelope {
  if (header !== undefined && !legacyVersions.includes(header)) {
    throw unsupported(header, [...modernVersions, ...legacyVersions]);
  }
  // Bridges send these on legacy too. They need not be there, but they must not lie.
  const methodHeader = headers.values['mcp-method'];
  if (methodHeader !== undefined && methodHeader !== subject.method) {
    throw mismatch('Mcp-Method differs from the method.');
  }
  checkName(subject, headers, false);
  checkParamHeaders(headers);
  if (subject.isRequest && !isKnownMethod(subject.method, 'legacy')) throw new Refusal('method_not_found');
  return { era: 'legacy', protocolVersion: header };
}

function checkMeta(meta: JsonObject | undefined, isRequest: boolean): void {
  const version = meta?.[metaKeys.protocolVersion];
  if (typeof version !== 'string') throw envelope(`_meta needs ${metaKeys.protocolVersion}, a string.`);
  if (!isRequest) return;
  if (!isObject(meta?.[metaKeys.clientCapabilities])) {
    throw envelope(`_meta needs ${metaKeys.clientCapabilities}, an object.`);
  }
  const info = meta?.[metaKeys.clientInfo];
  if (info !== undefined && !(isObject(info) && typeof info.name === 'string' && typeof info.version === 'string')) {
    throw envelope(`${metaKeys.clientInfo} needs a name and a version.`);
  }
}

function checkName(subject: EnvelopeSubject, headers: RequestHeaders, isRequired: boolean): void {
  const source = Object.hasOwn(nameHeaderSource, subject.method) ? nameHeaderSource[subject.method] : undefined;
  if (source === undefined) return;
  const header = headers.values['mcp-name'];
  const value = subject.params[source];
  if (header === undefined) {
    if (isRequired && typeof value === 'string') throw mismatch('The header Mcp-Name is missing.');
    return;
  }
  const decoded = decodeHeaderValue(header);
  if (decoded === undefined) throw mismatch('Mcp-Name is not valid Base64.');
  if (decoded !== value) throw mismatch(`Mcp-Name differs from params.${source}.`);
}

function checkParamHeaders(headers: RequestHeaders): void {
  for (const name of headers.repeated) {
    if (name.startsWith('mcp-param-')) throw mismatch(`The header ${name} came more than once.`);
  }
}

function mismatch(reason: string): Refusal {
  return new Refusal('header_mismatch', { reason });
}

function envelope(reason: string): Refusal {
  return new Refusal('envelope_missing', { reason });
}

function unsupported(requested: string, supported: readonly string[]): Refusal {
  return new Refusal('version_unsupported', { data: { supported, requested: requested.slice(0, 64) } });
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
