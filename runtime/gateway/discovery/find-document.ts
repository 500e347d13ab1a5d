import type { Json, JsonObject } from '../../contract/json.ts';
import type { ServerEntry } from '../../contract/registry.ts';
import { gatewayKeysPath, registryKeysPath } from '../../contract/upstream-issuers.ts';
import type { PublicKeys } from '../../shared/signing-keys/signing-keys.ts';
import { indexCatalogue, isServed } from '../catalogue-index.ts';
import type { GatewayDeps } from '../deps.ts';
import type { GatewaySettings } from '../gateway-settings.ts';
import { findEndpoint } from '../transport/find-endpoint.ts';
import { legacyVersions, modernVersions } from '../transport/protocol-versions.ts';
import { capabilities, capabilitiesPath } from './capabilities.ts';
import { doorScopes, protectedResource } from './protected-resource.ts';

/** A document that anyone may read. */
export interface Document {
  readonly contentType: string;
  /** A reader asks every time whether it changed. */
  readonly isFresh?: boolean;
  /** A reader with a token is told more. */
  readonly varies?: boolean;
  readonly body: Json;
}

const metadataPath = '/.well-known/oauth-protected-resource';

/** The public document at a path; undefined when there is none. Throws Refusal `catalogue_unavailable` or `signing_unavailable`. */
export async function findDocument(
  path: string,
  settings: GatewaySettings,
  deps: GatewayDeps,
): Promise<Document | undefined> {
  if (path === metadataPath || path.startsWith(`${metadataPath}/`)) {
    const endpoint = findEndpoint(path.slice(metadataPath.length) || '/mcp', settings.publicUrl);
    return endpoint && json(protectedResource(endpoint, settings, deps));
  }
  if (path === gatewayKeysPath) return keySet(deps.signingKeys);
  if (path === registryKeysPath) return deps.registryKeys && keySet(deps.registryKeys);
  if (path === capabilitiesPath) {
    // Names of servers and their scopes are for everybody, tools are not: a reader with a token gets those that it may call.
    const scopes = doorScopes({ kind: 'all', resource: `${settings.publicUrl}/mcp` }, settings, deps);
    return { ...json(capabilities(settings, { tools: [], scopes })), varies: true };
  }
  if (path === '/.well-known/ai-catalog.json') {
    return { contentType: 'application/ai-catalog+json', body: aiCatalog(settings, deps) };
  }
  const card = /^\/servers\/([a-z][a-z0-9-]{0,62})\/mcp\/server-card$/.exec(path);
  if (card !== null) {
    const server = publicServers(settings, deps).find(({ name }) => name === card[1]);
    return server && { contentType: 'application/mcp-server-card+json', body: serverCard(server, settings) };
  }
  return undefined;
}

async function keySet(keys: PublicKeys): Promise<Document> {
  return { ...json((await keys.jwks()) as unknown as JsonObject), isFresh: true };
}

function json(body: Json): Document {
  return { contentType: 'application/json', body };
}

function aiCatalog(settings: GatewaySettings, deps: GatewayDeps): JsonObject {
  const { hostname } = new URL(settings.publicUrl);
  return {
    specVersion: '1.0',
    entries: publicServers(settings, deps).map((server) => ({
      identifier: `urn:air:${hostname}:mcp:${server.name}`,
      displayName: server.title,
      type: 'application/mcp-server-card+json',
      url: `${settings.publicUrl}/servers/${server.name}/mcp/server-card`,
    })),
  };
}

/** SEP-2127, experimental: who and where, no tools. */
function serverCard(server: ServerEntry, settings: GatewaySettings): JsonObject {
  const { hostname } = new URL(settings.publicUrl);
  return {
    $schema: 'https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json',
    name: `${hostname.split('.').reverse().join('.')}/${server.name}`,
    title: server.title,
    description: server.description.slice(0, 100),
    version: server.versions.find(({ status }) => status === 'active')?.version ?? '0.0.0',
    remotes: [
      {
        type: 'streamable-http',
        url: `${settings.publicUrl}/servers/${server.name}/mcp`,
        supportedProtocolVersions: [...modernVersions, ...legacyVersions],
      },
    ],
  };
}

function publicServers(settings: GatewaySettings, deps: GatewayDeps): readonly ServerEntry[] {
  if (settings.anonymousDiscovery === 'off') return [];
  const nowMs = deps.now();
  return indexCatalogue(deps.catalogue())
    .servers.filter((server) => server.versions.some((version) => isServed(version, nowMs)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
