import type { CatalogueSnapshot, ScopeWords } from '../contract/registry.ts';
import { type ScopeCatalogue, scopeCatalogue } from './scope-catalogue.ts';
import { StoreUnavailable } from './store-unavailable.ts';

/** An MCP door that a token can be for (RFC 8707). */
export interface Resource {
  /** The URI as asked for; it becomes `aud` unchanged. */
  readonly uri: string;
  /** For people. */
  readonly title: string;
  /** Name of the one server behind it; undefined for the door to all. */
  readonly server: string | undefined;
  readonly scopes: ReadonlyMap<string, ScopeWords>;
}

export interface Resources {
  /** The resource of a request that names none: every server, `${gateway}/mcp`. */
  readonly fallback: string;
  /** The resource with exactly this URI; undefined when the gateway has no such door. Throws {@link StoreUnavailable} without a catalogue. */
  find(uri: string): Resource | undefined;
  /** All scopes of all servers; none while there is no catalogue. */
  scopes(): readonly string[];
}

const server = '([a-z][a-z0-9-]{0,62})';
const major = 'v(?:0|[1-9][0-9]{0,3})';
const doorsOfServer = [
  new RegExp(`^/servers/${server}(?:/${major})?/mcp$`),
  new RegExp(`^/mcp/${major}/tools/${server}/rpc$`),
];

/**
 * The gateway's doors, derived from its URL and from the catalogue as it is at the moment: a server that registers has its resource without a
 * restart. Compared as they are: no decoding, no trailing slash. `catalogue` throws while it cannot be had.
 */
export function createResources(gatewayUrl: string, catalogue: () => CatalogueSnapshot): Resources {
  const fallback = `${gatewayUrl}/mcp`;
  const current = (): ScopeCatalogue => {
    try {
      return scopeCatalogue(catalogue());
    } catch (error) {
      throw new StoreUnavailable(error);
    }
  };
  return {
    fallback,
    scopes() {
      try {
        return [...current().everything.keys()];
      } catch {
        // Metadata is served without it: clients then ask for what a door's own metadata names.
        return [];
      }
    },
    find(uri) {
      if (uri === fallback) return { uri, title: 'All servers', server: undefined, scopes: current().everything };
      if (!uri.startsWith(`${gatewayUrl}/`)) return undefined;
      const path = uri.slice(gatewayUrl.length);
      const name = doorsOfServer.map((pattern) => pattern.exec(path)?.[1]).find((found) => found !== undefined);
      const entry = name === undefined ? undefined : current().servers.get(name);
      return entry && { uri, server: name, ...entry };
    },
  };
}

/** Scopes for a request that names none: those that change nothing (RFC 6749 § 3.3). `openid` stands in when there are none. */
export function defaultScope(resource: Resource): string {
  const harmless = [...resource.scopes].filter(([, { changes }]) => !changes).map(([scope]) => scope);
  return harmless.length === 0 ? 'openid' : harmless.join(' ');
}
