import type { JsonObject } from '../../contract/json.ts';
import type { ToolEntry } from '../../contract/registry.ts';
import type { GatewaySettings } from '../gateway-settings.ts';

export const capabilitiesPath = '/.well-known/mcp-capabilities';

/** The gateway's own manifest: the door to all servers, with the tools and scopes that its reader may know of. */
export function capabilities(
  settings: GatewaySettings,
  known: { readonly tools: readonly ToolEntry[]; readonly scopes: readonly string[] },
): JsonObject {
  return {
    schemaVersion: '1',
    server: {
      name: 'toolgate',
      title: 'Toolgate',
      description: 'The governed door: every tool that the caller may use, across servers.',
      version: '0.1.0',
      owner: 'platform',
      slo: { availability: 99.9, latencyP95Ms: 1000 },
    },
    transport: { type: 'streamable-http', url: `${settings.publicUrl}/mcp` },
    auth: {
      type: 'oauth2',
      audience: `${settings.publicUrl}/mcp`,
      issuers: settings.issuers,
      scopes: known.scopes,
    },
    tools: known.tools.map(describe),
  };
}

/** As a manifest has it: what the registry adds stays here. */
function describe(entry: ToolEntry): JsonObject {
  const { definitionHash: _pinned, annotations, ...tool } = entry;
  return { ...tool, annotations: annotations as JsonObject };
}
