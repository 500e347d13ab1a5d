import type { CapabilityManifest } from '../contract/registry.ts';
import type { ServedTool, ServerIdentity } from './served-tool.ts';

/** What a server tells about itself at `/.well-known/mcp-capabilities`; its schema is `runtime/contract/capability-manifest.schema.json`. */
export function capabilityManifest(
  identity: ServerIdentity,
  tools: readonly ServedTool[],
  door: { readonly url: string; readonly audience: string; readonly issuers: readonly string[] },
): CapabilityManifest {
  const { name, title, description, version, owner, slo } = identity;
  return {
    schemaVersion: '1',
    server: { name, title, description, version, owner, slo },
    transport: { type: 'streamable-http', url: door.url },
    auth: {
      type: 'oauth2',
      audience: door.audience,
      issuers: door.issuers,
      scopes: [...new Set(tools.flatMap(({ definition }) => definition.scopes))].sort(),
    },
    tools: tools.map(({ definition }) => definition),
  };
}
