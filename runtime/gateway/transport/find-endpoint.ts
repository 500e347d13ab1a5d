import type { Endpoint } from '../../contract/tool-call.ts';

// Nothing is percent-decoded: a path that needs decoding to match is no path of ours.
const server = '([a-z][a-z0-9-]{0,62})';
const major = 'v(0|[1-9][0-9]{0,3})';
const serverPath = new RegExp(`^/servers/${server}(?:/${major})?/mcp$`);
const aliasPath = new RegExp(`^/mcp/${major}/tools/${server}/rpc$`);

/** The MCP door at a path, or undefined. `publicUrl` has no trailing slash. */
export function findEndpoint(path: string, publicUrl: string): Endpoint | undefined {
  if (path === '/mcp' || path === '/') return { kind: 'all', resource: `${publicUrl}/mcp` };
  const direct = serverPath.exec(path);
  if (direct !== null) {
    return { kind: 'server', server: direct[1] as string, major: majorOf(direct[2]), resource: publicUrl + path };
  }
  const alias = aliasPath.exec(path);
  if (alias === null) return undefined;
  // An alias is a door of its own to OAuth clients: they compare the metadata's resource with the URL they were given (RFC 9728 § 3.3).
  return { kind: 'server', server: alias[2] as string, major: majorOf(alias[1]), resource: publicUrl + path };
}

function majorOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
