import type { Asker, StepUp } from '../contract/step-up.ts';
import { createCatalogueStore } from '../shared/catalogue-store.ts';
import type { DynamoDBClient } from '../shared/dynamo.ts';
import type { Logger } from '../shared/logger.ts';
import { createListParameters, createSsmClient, type ListParameters } from '../shared/parameters.ts';
import { createSafeFetch, type SafeFetch } from '../shared/safe-fetch.ts';
import { createStepUps } from '../shared/step-ups.ts';
import { createUpstreamIssuer, type UpstreamIssuer } from '../shared/upstream-issuer.ts';
import { type CatalogueWatch, watchCatalogue } from '../shared/watch-catalogue.ts';
import { createItemStore, type ItemStore } from './clients/item-store.ts';
import { type DeclaredAgents, watchDeclaredAgents, withDeclaredAgents } from './declared-agents.ts';
import { type AuthorizationEnv, isLoopbackIssuer } from './env.ts';
import { aesSealing, type KeySealing, unsealed } from './key-sealing.ts';
import { StoreUnavailable } from './store-unavailable.ts';
import { callbackPath } from './upstream-sign-in.ts';

/** Everything the authorization server may reach. */
export interface AuthorizationDeps {
  readonly now: () => number;
  readonly logger: Logger;
  readonly items: ItemStore;
  /** Servers and their scopes, as they are at the moment. */
  readonly catalogue: CatalogueWatch;
  /** Questions of the gateway that sent their askers here. Throws `StoreUnavailable` when they cannot be read. */
  readonly findStepUps: (asker: Asker) => Promise<readonly StepUp[]>;
  /** Agents of the platform team; they are in `items` too. Undefined where none are declared. */
  readonly agents: DeclaredAgents | undefined;
  /** For addresses that clients name. */
  readonly safeFetch: SafeFetch;
  readonly sealing: KeySealing;
  /** Where people sign in; undefined with sample users. */
  readonly upstream: UpstreamIssuer | undefined;
  /** Ends what follows catalogue and agents. */
  readonly close: () => void;
}

export interface AuthorizationParts {
  readonly dynamodb: DynamoDBClient;
  readonly logger: Logger;
  readonly now?: () => number;
  readonly safeFetch?: SafeFetch;
  /** A key service; without it keys are sealed with AUTHORIZATION_SEALING_KEY, or not at all on a laptop. */
  readonly sealing?: KeySealing;
  /** @default SSM of the region */
  readonly listParameters?: ListParameters;
}

/** Throws with one sentence when keys would lie open in a table that others can read. */
export function createAuthorizationDeps(env: AuthorizationEnv, parts: AuthorizationParts): AuthorizationDeps {
  const { dynamodb, logger, now = Date.now } = parts;
  // First, because nothing must run yet when it throws.
  const sealing = parts.sealing ?? sealingOf(env);
  const upstream = upstreamOf(env, now);
  const ageMaxMs = env.CATALOGUE_AGE_MAX_S * 1000;
  const items = createItemStore({ dynamodb, tablePrefix: env.TABLE_PREFIX, now, logger });
  const store = createCatalogueStore({ client: dynamodb, tablePrefix: env.TABLE_PREFIX });
  const catalogue = watchCatalogue({ store, now, logger, intervalMs: env.CATALOGUE_POLL_MS, ageMaxMs });
  const agents = agentsOf(env, { ...parts, now }, ageMaxMs);
  const stepUps = createStepUps({ client: dynamodb, tablePrefix: env.TABLE_PREFIX, deadlineMs: 5000 });
  return {
    now,
    logger,
    items: agents === undefined ? items : withDeclaredAgents(items, agents),
    catalogue,
    findStepUps: (asker) =>
      stepUps.find(asker, now()).catch((error: unknown) => {
        throw new StoreUnavailable(error);
      }),
    agents,
    safeFetch:
      parts.safeFetch ??
      createSafeFetch({ allowLoopback: env.TOOLGATE_LOOPBACK_DOCUMENTS, bodyBytesMax: 64 * 1024, timeoutMs: 5000 }),
    sealing,
    upstream,
    close() {
      catalogue.close();
      agents?.close();
    },
  };
}

function agentsOf(
  env: AuthorizationEnv,
  { now, logger, listParameters }: Pick<AuthorizationParts, 'logger' | 'listParameters'> & { now: () => number },
  ageMaxMs: number,
): DeclaredAgents | undefined {
  if (env.AGENTS_PATH === '') return undefined;
  const ssm = createSsmClient({ region: env.AWS_REGION });
  const list = listParameters ?? createListParameters(ssm);
  const agents = watchDeclaredAgents({
    list: () => list(env.AGENTS_PATH),
    now,
    logger,
    intervalMs: env.AGENTS_POLL_MS,
    ageMaxMs,
  });
  return {
    ...agents,
    close() {
      agents.close();
      ssm.destroy();
    },
  };
}

function upstreamOf(env: AuthorizationEnv, now: () => number): UpstreamIssuer | undefined {
  if (env.UPSTREAM_OIDC_ISSUER === '') return undefined;
  return createUpstreamIssuer({
    issuer: env.UPSTREAM_OIDC_ISSUER,
    clientId: env.UPSTREAM_OIDC_CLIENT_ID,
    clientSecret: env.UPSTREAM_OIDC_CLIENT_SECRET,
    scope: env.UPSTREAM_OIDC_SCOPES,
    redirectUri: env.AUTHORIZATION_ISSUER + callbackPath,
    allowHttp: isLoopbackIssuer(env.AUTHORIZATION_ISSUER),
    timeoutMs: env.UPSTREAM_OIDC_TIMEOUT_MS,
    now,
  });
}

function sealingOf(env: AuthorizationEnv): KeySealing {
  if (env.AUTHORIZATION_SEALING_KEY !== '') return aesSealing(env.AUTHORIZATION_SEALING_KEY);
  if (isLoopbackIssuer(env.AUTHORIZATION_ISSUER)) return unsealed;
  throw new Error('AUTHORIZATION_SEALING_KEY is missing: without it private keys would lie readable in the table.');
}
