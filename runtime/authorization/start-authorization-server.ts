import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { authorizationTable } from '../contract/tables.ts';
import { createAccounts } from './accounts.ts';
import { createAdapter } from './adapter.ts';
import { type NewAgent, type RegisteredAgent, registerAgent } from './agents.ts';
import { createApp } from './app.ts';
import { createConsents } from './consents.ts';
import { type AuthorizationParts, createAuthorizationDeps } from './deps.ts';
import { type AuthorizationEnv, checkAuthorizationEnv } from './env.ts';
import { createKeyStore } from './keys.ts';
import { createProvider, refreshTotalSeconds } from './provider.ts';
import { createRequestLimit } from './request-limit.ts';
import { accessTokenSeconds } from './resource-servers.ts';
import { createResources } from './resources.ts';
import { sampleUsers } from './sample-users.ts';
import { createSignInsUnderWay } from './sign-ins-under-way.ts';
import { createStepUpScope } from './step-up-scope.ts';
import { StoreUnavailable } from './store-unavailable.ts';

export interface AuthorizationServer {
  readonly issuer: string;
  /** The address that it listens on. */
  readonly url: string;
  readonly port: number;
  /** Registers an agent for client credentials. An operator's act: it is reachable from this process only. */
  registerAgent(agent: NewAgent): Promise<RegisteredAgent>;
  /** Rotates what is due and takes over what other replicas rotated. Runs every minute by itself. */
  refreshKeys(): Promise<void>;
  /** Reads the catalogue now, for whoever has just changed it. Never rejects; runs every second by itself. */
  refreshCatalogue(): Promise<void>;
  /** Reads the declared agents now. Never rejects; runs every AGENTS_POLL_MS by itself. */
  refreshAgents(): Promise<void>;
  /** Stops taking requests, lets those in flight finish for `drainMs`, and releases everything. */
  close(drainMs?: number): Promise<void>;
}

const hour = 3_600_000;
const day = 24 * hour;
const keyRefreshMs = 60_000;
// A key must be known to every replica and every reader of the key set before it is used, and to them after, as long as a token lives.
const publishAheadMs = hour;
const tokenKeepMs = accessTokenSeconds * 1000 + 15 * 60_000;

/** Starts the authorization server. Throws with one sentence when its environment is unsafe or its store gives no answer. */
export async function startAuthorizationServer(
  env: AuthorizationEnv,
  parts: AuthorizationParts,
): Promise<AuthorizationServer> {
  checkAuthorizationEnv(env);
  const deps = createAuthorizationDeps(env, parts);
  const { items, now, logger } = deps;
  const resources = createResources(env.GATEWAY_URL, deps.catalogue.current);
  const consents = createConsents(items, now);
  const users = env.TOOLGATE_SAMPLE_USERS ? sampleUsers : [];
  const accounts = createAccounts(items, now, env.SIGN_IN_AGE_MAX_HOURS * hour);
  const signIn = deps.upstream && {
    ownIssuer: env.AUTHORIZATION_ISSUER,
    upstream: deps.upstream,
    signIns: createSignInsUnderWay(items, now),
    accounts,
    rules: { tenantClaim: env.TENANT_CLAIM, rolesClaim: env.ROLES_CLAIM, knownRoles: env.KNOWN_ROLES },
    logger,
  };
  const findAccount = async (subject: string) =>
    signIn === undefined ? users.find((user) => user.subject === subject) : accounts.find(subject);
  const stepUp = createStepUpScope({ find: deps.findStepUps, findAccount });
  if (signIn === undefined && users.length === 0) logger.warn('nobody can sign in: UPSTREAM_OIDC_ISSUER is not set');
  const documentLimit = createRequestLimit('documents', 60, items, now);
  const keyStore = createKeyStore({
    items,
    now,
    sealing: deps.sealing,
    signing: { periodMs: env.KEY_ROTATION_HOURS * hour, publishAheadMs, keepMs: tokenKeepMs },
    cookies: { periodMs: 30 * day, publishAheadMs, keepMs: refreshTotalSeconds * 1000 },
  });

  let keys = await keyStore.refresh().catch((error: unknown) => {
    deps.close();
    if (!(error instanceof StoreUnavailable)) throw error;
    const table = env.TABLE_PREFIX + authorizationTable.name;
    throw new Error(`The DynamoDB table ${table} gives no answer, so there are no keys to sign with.`, {
      cause: error,
    });
  });
  await Promise.all([deps.catalogue.refresh(), deps.agents?.refresh()]);
  const make = () => createProvider({ env, deps, keys, resources, consents, stepUp, documentLimit, findAccount });
  let provider = make();
  let isDraining = false;

  async function refreshKeys(): Promise<void> {
    const next = await keyStore.refresh();
    if (next.fingerprint === keys.fingerprint) return;
    keys = next;
    provider = make();
    logger.info({ kid: keys.signing[0]?.kid, published: keys.signing.length }, 'keys changed');
  }
  const timer = setInterval(() => {
    // Tokens already out stay valid and the keys in memory go on signing, so a silent store is no reason to stop.
    refreshKeys().catch((error: unknown) => logger.warn({ err: error }, 'keys not refreshed'));
  }, keyRefreshMs).unref();

  const server = createApp({
    env,
    deps,
    interactions: {
      ...{ issuer: env.AUTHORIZATION_ISSUER, approvalsUrl: env.APPROVALS_URL, now },
      ...{ resources, consents, stepUp, users, signIn, findAccount },
    },
    registrationLimit: createRequestLimit('registrations', env.REGISTRATIONS_PER_MINUTE, items, now),
    provider: () => provider,
    isDraining: () => isDraining,
  });
  try {
    server.listen(env.AUTHORIZATION_PORT, env.AUTHORIZATION_HOST);
    await once(server, 'listening');
  } catch (error) {
    clearInterval(timer);
    deps.close();
    throw error;
  }
  const { port, address, family } = server.address() as AddressInfo;
  return {
    issuer: env.AUTHORIZATION_ISSUER,
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    registerAgent: (agent) =>
      registerAgent(agent, items, async (clientId, metadata) => {
        await provider.Client.validate(metadata as unknown as Parameters<typeof provider.Client.validate>[0]);
        await createAdapter('Client', items, now).upsert(clientId, metadata, 0);
      }),
    refreshKeys,
    refreshCatalogue: async () => void (await deps.catalogue.refresh()),
    refreshAgents: async () => deps.agents?.refresh(),
    async close(drainMs = 10_000) {
      isDraining = true;
      clearInterval(timer);
      deps.close();
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(deadline);
    },
  };
}
