import type { ScopeCatalogue, ScopeWords } from './scope-catalogue.ts';

/** An MCP door that a token can be for (RFC 8707). */
export interface Resource {
  /** The URI as asked for; it becomes `aud` unchanged. */
  readonly uri: string;
  /** For people. */
  readonly title: string;
  readonly scopes: ReadonlyMap<string, ScopeWords>;
}

export interface Resources {
  /** The resource of a request that names none: every server, `${gateway}/mcp`. */
  readonly fallback: string;
  /** The resource with exactly this URI; undefined when the gateway has no such door. */
  find(uri: string): Resource | undefined;
  /** All scopes of all servers. */
  readonly scopes: readonly string[];
}

const server = '([a-z][a-z0-9-]{0,62})';
const major = 'v(?:0|[1-9][0-9]{0,3})';

/** The gateway's doors, derived from its URL and the scopes of its servers. Compared as they are: no decoding, no trailing slash. */
export function createResources(gatewayUrl: string, catalogue: ScopeCatalogue): Resources {
  const ofServer = [
    new RegExp(`^/servers/${server}(?:/${major})?/mcp$`),
    new RegExp(`^/mcp/${major}/tools/${server}/rpc$`),
  ];
  const everything = new Map(Object.values(catalogue).flatMap(({ scopes }) => Object.entries(scopes)));
  const fallback = `${gatewayUrl}/mcp`;
  return {
    fallback,
    scopes: [...everything.keys()],
    find(uri) {
      if (uri === fallback) return { uri, title: 'All servers', scopes: everything };
      if (!uri.startsWith(`${gatewayUrl}/`)) return undefined;
      const path = uri.slice(gatewayUrl.length);
      const name = ofServer.map((pattern) => pattern.exec(path)?.[1]).find((found) => found !== undefined);
      const entry = name !== undefined && Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
      return entry && { uri, title: entry.title, scopes: new Map(Object.entries(entry.scopes)) };
    },
  };
}

/** Scopes for a request that names none: those that change nothing (RFC 6749 § 3.3). `openid` stands in when there are none. */
export function defaultScope(resource: Resource): string {
  const harmless = [...resource.scopes].filter(([, { changes }]) => !changes).map(([scope]) => scope);
  return harmless.length === 0 ? 'openid' : harmless.join(' ');
}
