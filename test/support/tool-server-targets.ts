import { canonicalSha256 } from '../../runtime/shared/canonical-json.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import { readServerEnv } from '../../runtime/tools/read/env.ts';
import { startReadServer } from '../../runtime/tools/read/start-read-server.ts';
import { writeServerEnv } from '../../runtime/tools/write/env.ts';
import { startWriteServer } from '../../runtime/tools/write/start-write-server.ts';
import { startAuthorizingProxy } from './authorizing-proxy.ts';
import { createMemoryAudit } from './memory-audit.ts';
import { createTestIssuer } from './test-issuer.ts';

/** The real tool servers, each alone, behind a proxy that brings a token such as the gateway's. */
export interface ToolServerTargets {
  /** MCP URLs by server name. */
  readonly urls: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const actor = 'spiffe://toolgate.test/gateway';

/** The suite calls the first tool of a server to see how its headers are read; the gateway's token for that call says this. */
const callClaims: Readonly<
  Record<string, { readonly tool: string; readonly scope: string; readonly arguments_sha256?: string }>
> = {
  read: { tool: 'postgres.readonly', scope: 'postgres:query:readonly' },
  write: {
    tool: 'postgres.write',
    scope: 'postgres:query:write approved:by:human',
    arguments_sha256: canonicalSha256({}),
  },
};

/** Starts them without a database: the suite sends no arguments that get as far. */
export async function startToolServerTargets(): Promise<ToolServerTargets> {
  const issuer = createTestIssuer();
  const deps = { verifier: issuer.verifier, audit: createMemoryAudit(), logger: silentLogger(), now: Date.now };
  const environment = (name: string) => ({
    HOST: '127.0.0.1',
    PORT: '0',
    ALLOWED_HOSTS: 'localhost',
    AUDIENCE: `urn:toolgate:${name}`,
    GATEWAY_ISSUER: issuer.issuer,
    GATEWAY_JWKS_URL: `${issuer.issuer}/jwks`,
    ALLOWED_ACTORS: actor,
    AUDIT_DIR: 'kept in memory',
    AUDIT_WRITER: name,
    DRAIN_TIMEOUT_MS: '1000',
    // Nobody listens on port 1.
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  });
  const servers = {
    read: await startReadServer(readEnv(readServerEnv, environment('read')), deps),
    write: await startWriteServer(readEnv(writeServerEnv, environment('write')), deps),
  };
  const doors = await Promise.all(
    Object.entries(servers).map(async ([name, { port }]) => {
      const claims = { aud: `urn:toolgate:${name}`, act: { sub: actor }, ...callClaims[name] };
      return { name, proxy: await startAuthorizingProxy(`http://127.0.0.1:${port}`, () => issuer.token(claims)) };
    }),
  );
  return {
    urls: Object.fromEntries(doors.map(({ name, proxy }) => [name, `${proxy.origin}/mcp`])),
    close: async () => {
      await Promise.all(doors.map(({ proxy }) => proxy.close()));
      await Promise.all(Object.values(servers).map((server) => server.close()));
    },
  };
}
