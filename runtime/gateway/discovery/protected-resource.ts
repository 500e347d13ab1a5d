import type { JsonObject } from '../../contract/json.ts';
import type { Endpoint } from '../../contract/tool-call.ts';
import { indexCatalogue } from '../catalogue-index.ts';
import type { GatewayDeps } from '../deps.ts';
import type { GatewaySettings } from '../gateway-settings.ts';

/** RFC 9728 metadata of one door. Well-formed doors have it whether or not a server stands behind them: asking tells nothing. */
export function protectedResource(
  endpoint: Endpoint,
  settings: GatewaySettings,
  deps: Pick<GatewayDeps, 'catalogue'>,
): JsonObject {
  const scopes = doorScopes(endpoint, settings, deps);
  return {
    resource: endpoint.resource,
    authorization_servers: settings.issuers,
    bearer_methods_supported: ['header'],
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    resource_name: endpoint.kind === 'all' ? 'Toolgate' : `Toolgate: ${endpoint.server}`,
  };
}

/** RFC 9728 § 3.1: the well-known path is put between host and path of the resource. */
export function metadataUrlOf(endpoint: Endpoint, publicUrl: string): string {
  return `${publicUrl}/.well-known/oauth-protected-resource${endpoint.resource.slice(publicUrl.length)}`;
}

/** Scopes that the tools behind a door need; none when discovery is off, the door is unknown, or there is no catalogue yet. */
export function doorScopes(
  endpoint: Endpoint,
  settings: GatewaySettings,
  deps: Pick<GatewayDeps, 'catalogue'>,
): readonly string[] {
  if (settings.anonymousDiscovery === 'off') return [];
  try {
    const door = indexCatalogue(deps.catalogue()).door(endpoint);
    return [...new Set(door?.callable.flatMap((tool) => tool.scopes) ?? [])].sort();
  } catch {
    return [];
  }
}
