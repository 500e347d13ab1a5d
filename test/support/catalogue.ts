import type { JsonObject } from '../../runtime/contract/json.ts';
import type { ServerEntry, ServerVersion, ToolEntry } from '../../runtime/contract/registry.ts';
import { definitionHash } from '../../runtime/shared/definition-hash.ts';

/** A tool with everything that a test does not care about filled in. */
export function sampleTool(changes: Partial<ToolEntry> & { readonly name: string }): ToolEntry {
  const tool = {
    description: `The tool ${changes.name}.`,
    inputSchema: { type: 'object' } as JsonObject,
    annotations: {},
    scopes: ['echo:read'],
    version: '1.0.0',
    destructive: false,
    ...changes,
  };
  return { ...tool, definitionHash: definitionHash(tool) };
}

export function sampleVersion(
  upstreamUrl: string,
  tools: readonly ToolEntry[],
  changes: Partial<ServerVersion> = {},
): ServerVersion {
  return {
    version: '1.0.0',
    major: 1,
    status: 'active',
    upstreamUrl,
    audience: 'urn:upstream:echo',
    tools,
    ...changes,
  };
}

export function sampleServer(name: string, versions: readonly ServerVersion[]): ServerEntry {
  return {
    name,
    title: `Server ${name}`,
    description: `The server ${name}.`,
    owner: 'team-test',
    slo: { availability: 99.9, latencyP95Ms: 500 },
    versions,
  };
}
