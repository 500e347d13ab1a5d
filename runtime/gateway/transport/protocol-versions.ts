import type { Era } from '../../contract/tool-call.ts';

/** Versions with an envelope in every request, newest first. */
export const modernVersions: readonly string[] = ['2026-07-28'];

/** Versions with an `initialize` handshake, newest first. */
export const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

/** True for a version that has envelopes, known to us or not: versions are dates, so they compare as text. */
export function isModernVersion(version: string): boolean {
  return version >= '2026-07-28';
}

const both = ['tools/list', 'tools/call', 'resources/list', 'resources/read', 'resources/templates/list'];
const prompts = ['prompts/list', 'prompts/get', 'completion/complete'];

/** Requests of each era that this gateway knows. Every other method does not exist here. */
const requestMethods: Readonly<Record<Era, ReadonlySet<string>>> = {
  modern: new Set(['server/discover', 'subscriptions/listen', ...both, ...prompts]),
  legacy: new Set([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    ...both,
    ...prompts,
  ]),
};

export function isKnownMethod(method: string, era: Era): boolean {
  return requestMethods[era].has(method);
}

/** Where the body keeps the value that `Mcp-Name` mirrors. MCP streamable HTTP § Standard Request Headers. */
export const nameHeaderSource: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};
