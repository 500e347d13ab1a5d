import type { ServerEntry, ServerVersion } from '../contract/registry.ts';
import type { Endpoint } from '../contract/tool-call.ts';
import { isDeprecated, successorOf } from './catalogue-index.ts';

const none: Readonly<Record<string, string>> = {};

/** Tells a caller that its version ends: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link`, and `X-MCP-Deprecated` for people. */
export function deprecationHeaders(
  server: ServerEntry,
  version: ServerVersion,
  endpoint: Endpoint,
  nowMs: number,
): Readonly<Record<string, string>> {
  if (!isDeprecated(version)) return none;
  const { deprecatedAtMs, sunsetAtMs, guideUrl } = version;
  const successor = successorOf(server, version, nowMs);
  const links = [
    ...(guideUrl === undefined ? [] : [`<${encodeURI(guideUrl)}>; rel="deprecation"; type="text/html"`]),
    ...(successor === undefined
      ? []
      : [
          `<${new URL(endpoint.resource).origin}/servers/${server.name}/v${successor.major}/mcp>; rel="successor-version"`,
        ]),
  ];
  return {
    'x-mcp-deprecated': `${server.name} ${version.version}${sunsetAtMs === undefined ? '' : ` until ${new Date(sunsetAtMs).toISOString()}`}`,
    deprecation: `@${Math.floor((deprecatedAtMs ?? nowMs) / 1000)}`,
    ...(sunsetAtMs !== undefined && { sunset: new Date(sunsetAtMs).toUTCString() }),
    ...(links.length > 0 && { link: links.join(', ') }),
  };
}
