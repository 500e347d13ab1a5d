import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TenantSettings } from '../../runtime/contract/decision.ts';
import { gatewayKeysPath, registryIssuer, registryKeysPath } from '../../runtime/contract/upstream-issuers.ts';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import type { LocalToolServer } from '../../runtime/local/open-tool-servers.ts';
import { createTokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { type AuthorizingProxy, startAuthorizingProxy } from './authorizing-proxy.ts';
import { fixtureScope } from './conformance-fixture/fixture-tool.ts';
import { fixtureToolNames, startConformanceFixture } from './conformance-fixture.ts';
import type { ConformanceTarget } from './conformance-runs.ts';
import { startTestPlatform, type TestPlatform } from './test-platform.ts';
import { startToolServerTargets, type ToolServerTargets } from './tool-server-targets.ts';

/** The platform with the fixture behind its gateway, and doors for a suite that brings no token. */
export interface ConformanceWorld {
  readonly target: ConformanceTarget;
  close(): Promise<void>;
}

const audience = 'urn:toolgate:fixture';

/** Starts everything; rejects with one sentence of the platform when it cannot. */
export async function startConformanceWorld(): Promise<ConformanceWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-conformance-world-'));
  const proxies: AuthorizingProxy[] = [];
  let platform: TestPlatform | undefined;
  let toolServers: ToolServerTargets | undefined;
  const close = async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await toolServers?.close();
    await platform?.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const tenantsFile = join(folder, 'tenants.json');
    await writeFile(tenantsFile, JSON.stringify(await tenantsWithFixture()));
    platform = await startTestPlatform({ extraServers: [fixtureServer], tenantsFile });
    const started = platform;
    const openDoor = async (server: string, user: string, scope?: string): Promise<string> => {
      const url = started.servers[server];
      if (url === undefined) throw new Error(`the platform has no server ${server}`);
      const proxy = await startAuthorizingProxy(
        url,
        tokenKeeper(() => started.token(user, url, scope)),
      );
      proxies.push(proxy);
      return proxy.origin + new URL(url).pathname;
    };
    const fixture = {
      '2026-07-28': await openDoor('fixture', 'oscar'),
      '2025-11-25': await openDoor('fixture', 'ada'),
    };
    const doors = {
      read: await openDoor('read', 'alice'),
      // A scope that changes something is granted only when it is asked for by name.
      write: await openDoor('write', 'pat', 'postgres:query:write'),
    };
    toolServers = await startToolServerTargets();
    const authorization = await authorizationTarget(platform);
    return { target: { fixture, doors, toolServers: toolServers.urls, authorization }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const fixtureServer: LocalToolServer = {
  name: 'fixture',
  title: 'Conformance fixture',
  scopes: { [fixtureScope]: { words: 'call the tools of the conformance fixture', changes: false } },
  async start({ gatewayUrl }) {
    const fixture = await startConformanceFixture({
      audience,
      issuers: [gatewayUrl],
      verifier: createTokenVerifier({
        issuers: [
          { issuer: gatewayUrl, jwksUri: `${gatewayUrl}${gatewayKeysPath}` },
          { issuer: registryIssuer(gatewayUrl), jwksUri: `${gatewayUrl}${registryKeysPath}` },
        ],
        now: Date.now,
      }),
    });
    return { url: fixture.baseUrl, close: () => fixture.close() };
  },
};

/** The sample tenants, in which those who run the suite may also use everything of the fixture. */
async function tenantsWithFixture(): Promise<{ readonly tenants: Readonly<Record<string, TenantSettings>> }> {
  const sample = fileURLToPath(new URL('../../policies/data/tenants.json', import.meta.url));
  const { tenants } = JSON.parse(await readFile(sample, 'utf8')) as { tenants: Record<string, TenantSettings> };
  const { acme } = tenants;
  if (acme === undefined) throw new Error('the sample tenants have no acme');
  const toolsByRole = { ...acme.tools_by_role };
  const serversByRole = { ...acme.servers_by_role };
  for (const role of ['operator', 'approver']) {
    toolsByRole[role] = [...(toolsByRole[role] ?? []), ...fixtureToolNames];
    serversByRole[role] = [...(serversByRole[role] ?? []), 'fixture'];
  }
  return { tenants: { ...tenants, acme: { ...acme, tools_by_role: toolsByRole, servers_by_role: serversByRole } } };
}

/** A token that is got again before it runs out. */
function tokenKeeper(obtain: () => Promise<string>): () => Promise<string> {
  const renewAfterMs = 10 * 60_000;
  let kept: { readonly token: Promise<string>; readonly untilMs: number } | undefined;
  return () => {
    if (kept === undefined || Date.now() > kept.untilMs) {
      kept = { token: obtain(), untilMs: Date.now() + renewAfterMs };
    }
    return kept.token;
  };
}

async function authorizationTarget({ issuer, endpoint }: TestPlatform): Promise<ConformanceTarget['authorization']> {
  const callbackPort = await freePort();
  const redirectUri = `http://127.0.0.1:${callbackPort}/callback`;
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Conformance suite',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    }),
  });
  const { client_id: clientId } = (await response.json()) as { client_id?: string };
  if (clientId === undefined) throw new Error(`the authorization server registered nobody: ${response.status}`);
  return {
    issuer,
    resource: endpoint,
    clientId,
    callbackPort,
    signIn: async (url) => {
      await fetch(await driveSignIn(url, redirectUri, { user: 'alice' }));
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
