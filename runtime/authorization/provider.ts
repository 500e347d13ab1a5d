import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Client, type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { createAdapter, hashSecret } from './adapter.ts';
import { approvalsClientId, clientProblem, isSameRedirectUri, registeredIdPrefix } from './client-kinds.ts';
import type { Consents } from './consents.ts';
import type { AuthorizationDeps } from './deps.ts';
import type { AuthorizationEnv } from './env.ts';
import type { Keys } from './keys.ts';
import { isWaitingForYes, loadGrant } from './load-grant.ts';
import { approvalsClient, commandLineClient } from './own-clients.ts';
import { errorPage } from './pages/pages.ts';
import { questions } from './questions.ts';
import type { RequestLimit } from './request-limit.ts';
import { accessTokenSeconds, resourceServerFor } from './resource-servers.ts';
import type { Resources } from './resources.ts';
import type { Account } from './sample-users.ts';
import type { StepUpScope } from './step-up-scope.ts';
import { claimsFor } from './token-claims.ts';

const day = 24 * 3600;
export const refreshIdleSeconds = 14 * day;
export const refreshTotalSeconds = 30 * day;
export const sessionSeconds = 8 * 3600;

export interface ProviderParts {
  readonly env: AuthorizationEnv;
  readonly deps: AuthorizationDeps;
  readonly keys: Keys;
  readonly resources: Resources;
  readonly consents: Consents;
  readonly stepUp: StepUpScope;
  readonly documentLimit: RequestLimit;
  readonly findAccount: (subject: string) => Promise<Account | undefined>;
}

/** The OAuth protocol, by oidc-provider. Made anew whenever the keys change; it keeps nothing that another instance needs. */
export function createProvider(parts: ProviderParts): Provider {
  const { env, deps, resources } = parts;
  const provider = new Provider(env.AUTHORIZATION_ISSUER, configurationOf(parts));
  provider.proxy = true;
  provider.use(async (ctx, next) => {
    await next();
    const { oidc, body } = ctx as unknown as KoaContextWithOIDC & { body?: Record<string, unknown> };
    if (ctx.path.startsWith('/.well-known/') && ctx.status === 200 && oidc?.route === 'discovery' && body) {
      body.scopes_supported = ['openid', ...resources.scopes()];
      ctx.set('cache-control', 'public, max-age=300');
    }
    if (oidc?.route === 'jwks') ctx.set('cache-control', 'public, max-age=300');
  });
  provider.on('server_error', (_ctx, error) => deps.logger.error({ err: error }, 'request failed'));
  provider.on('grant.error', (ctx, error) => {
    deps.logger.info(
      { client: ctx.oidc.client?.clientId, error: error.error, detail: error.error_detail },
      'token refused',
    );
  });
  // The client class belongs to this provider alone, so these are not global.
  const client = provider.Client.prototype as unknown as ClientMethods;
  client.redirectUriAllowed = function (sent) {
    // Nobody is asked before the approvals page learns who a person is, so no other program on the same machine may be taken for it.
    if (this.clientId === approvalsClientId) return this.redirectUris.includes(sent);
    return this.redirectUris.some((registered) => isSameRedirectUri(registered, sent));
  };
  client.compareClientSecret = function (sent) {
    const [stored, given] = [Buffer.from(this.clientSecret ?? ''), Buffer.from(hashSecret(sent))];
    return stored.length === given.length && timingSafeEqual(stored, given);
  };
  // RFC 7591 § 2: scope is what a client may ask for. What it gets is asked of a person each time, so what it says here is not kept.
  const { Schema } = provider.Client as unknown as { Schema: { prototype: { scopes(): void } } };
  Schema.prototype.scopes = function (this: { scope?: string }) {
    delete this.scope;
  };
  return provider;
}

interface ClientMethods {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly clientSecret?: string;
  redirectUriAllowed(this: ClientMethods, sent: string): boolean;
  compareClientSecret(this: ClientMethods, sent: string): boolean;
}

function configurationOf(parts: ProviderParts): Configuration {
  const { env, deps, keys, resources, stepUp, findAccount } = parts;
  const isSecure = env.AUTHORIZATION_ISSUER.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, ...(isSecure ? { secure: true } : {}) } as const;
  return {
    adapter: (model) => createAdapter(model, deps.items, deps.now),
    jwks: { keys: [...keys.signing] } as NonNullable<Configuration['jwks']>,
    cookies: {
      keys: [...keys.cookies],
      names: isSecure
        ? { session: '__Host-toolgate', interaction: '__Secure-toolgate-question', resume: '__Secure-toolgate-resume' }
        : { session: 'toolgate', interaction: 'toolgate-question', resume: 'toolgate-resume' },
      long: cookie,
      short: cookie,
    },
    routes: {
      authorization: '/authorize',
      token: '/token',
      registration: '/register',
      revocation: '/revoke',
      jwks: '/jwks',
    },
    // The tools' scopes belong to resources; see resources.ts. Without offline_access, refresh tokens follow the grant type alone.
    scopes: ['openid'],
    claims: { openid: ['sub', 'name', 'tenant', 'roles', 'email', 'email_verified'] },
    responseTypes: ['code'],
    subjectTypes: ['public'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      idTokenSigningAlgValues: ['RS256'],
    },
    // OAuth 2.1 § 4.1.1: for confidential clients too.
    pkce: { required: () => true },
    clients: [
      ...(env.TOOLGATE_SAMPLE_USERS ? [commandLineClient()] : []),
      ...(env.APPROVALS_URL === '' ? [] : [approvalsClient(env.APPROVALS_URL)]),
    ],
    clientDefaults: { grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'RS256' },
    extraClientMetadata: {
      // One property that nobody sets, so that the library runs the check on every client that it registers, fetches or loads.
      properties: ['toolgate'],
      validator(_ctx, _key, value, metadata) {
        const problem = value === undefined ? clientProblem(metadata) : 'toolgate is not a client property';
        if (problem !== undefined) throw new errors.InvalidClientMetadata(problem);
      },
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      registration: {
        enabled: true,
        initialAccessToken: false,
        issueRegistrationAccessToken: false,
        idFactory: () => registeredIdPrefix + randomBytes(16).toString('base64url'),
        secretFactory: () => randomBytes(32).toString('base64url'),
      },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        cacheDuration: { min: 60, max: 3600 },
        allowFetch: async (ctx) => (await parts.documentLimit.take(ctx.ip)) === 0,
        allowClient: async () => true,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => oneOf ?? resources.fallback,
        useGrantedResource: async () => true,
        getResourceServerInfo: (ctx, uri, client) =>
          resourceServerFor(uri, client.clientId, ctx, { resources, items: deps.items, stepUp, now: deps.now }),
      },
    },
    fetch: (url, options) => fetchSafely(String(url), options?.method ?? 'GET', deps),
    fetchResponseBodyLimits: { 'client_id metadata document': 10 * 1024, jwks_uri: 64 * 1024 },
    async findAccount(ctx, subject) {
      const account = await findAccount(subject);
      // Tenant and roles of a person are for our own services only.
      const isOurs = ctx.oidc.client?.clientId === approvalsClientId;
      return account && { accountId: account.subject, claims: async () => (isOurs ? claimsOf(account) : sub(account)) };
    },
    extraTokenClaims: (_ctx, token) => claimsFor(token, findAccount, deps.items),
    loadExistingGrant: (ctx) => loadGrant(ctx, parts),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    interactions: {
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
      policy: questions((ctx) => isWaitingForYes(ctx, parts)),
    },
    renderError(ctx, out) {
      ctx.type = 'html';
      ctx.body = errorPage(
        ctx.status === 503 ? 'Not right now' : 'This cannot go on',
        out.error === 'server_error'
          ? 'Something is broken on our side.'
          : sentence(out.error_description ?? out.error),
      );
    },
    clientBasedCORS: (_ctx, origin, client) => isOriginOf(client, origin),
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? accessTokenSeconds,
      ClientCredentials: accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: 15 * 60,
      Interaction: 15 * 60,
      Session: sessionSeconds,
      Grant: refreshTotalSeconds + day,
      // However often it is rotated, a person is asked again after the total.
      RefreshToken(ctx) {
        const rotated = ctx.oidc.entities.RotatedRefreshToken;
        const left = refreshTotalSeconds - (rotated?.totalLifetime() ?? 0);
        return Math.max(1, Math.min(refreshIdleSeconds, left));
      },
    },
  };
}

function sub({ subject }: Account) {
  return { sub: subject };
}

function claimsOf({ subject, displayName, tenant, roles, email }: Account) {
  const confirmed = email === undefined ? {} : { email, email_verified: true };
  return { sub: subject, name: displayName, tenant, roles: [...roles], ...confirmed };
}

/** Only GETs leave this server, and only through the guard against SSRF. */
async function fetchSafely(url: string, method: string, { safeFetch }: AuthorizationDeps): Promise<Response> {
  if (method !== 'GET') throw new Error(`${method} requests are never sent to an address that a client chose`);
  const { status, headers, body } = await safeFetch(url, {
    contentTypes: ['application/json', 'application/jwk-set+json'],
  });
  return new Response(status === 204 || status === 304 ? null : new Uint8Array(body), { status, headers });
}

function isOriginOf(client: Client, origin: string): boolean {
  return client.redirectUris?.some((uri) => URL.parse(uri)?.origin === origin) ?? false;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`;
}
