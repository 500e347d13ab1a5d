import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import {
  type Adapter,
  type AdapterPayload,
  type Configuration,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';

/** A person as Cognito writes one into an ID token of the scope openid. */
export type CognitoPerson = Readonly<Record<string, unknown>> & { readonly sub: string };

export const ada: CognitoPerson = {
  sub: 'aaaabbbb-cccc-4ddd-8eee-ffff00001111',
  'cognito:username': 'ada',
  'cognito:groups': ['approver', 'eu-central-1_EXAMPLE_Google', 'reader'],
  'custom:tenant': 'acme',
  email: 'ada@example.com',
  email_verified: true,
  token_use: 'id',
  event_id: 'bbbb2222',
};
export const bob: CognitoPerson = { ...ada, sub: 'bbbb', 'cognito:username': 'bob', email: 'bob@example.com' };

/** Plays a Cognito user pool: a real OpenID provider whose metadata and claims have Cognito's shape. */
export interface CognitoDouble {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who sits at its sign-in page; undefined: somebody who says no. */
  person: CognitoPerson | undefined;
  /** Answers in its place when it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Authorization requests that it saw. */
  readonly asked: readonly URLSearchParams[];
  /** An ID token of this pool for the last request; `undefined` removes a claim. */
  idToken(claims?: Readonly<Record<string, unknown>>, key?: KeyObject): Promise<string>;
  close(): Promise<void>;
}

// What a user pool publishes at .well-known/openid-configuration, and nothing of RFC 8414 beyond.
const publishedMetadata = [
  'authorization_endpoint',
  'id_token_signing_alg_values_supported',
  'issuer',
  'jwks_uri',
  'response_types_supported',
  'scopes_supported',
  'subject_types_supported',
  'token_endpoint',
  'token_endpoint_auth_methods_supported',
];

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** `host` other than `127.0.0.1` makes it another site for a browser. */
export async function startCognitoDouble(redirectUri: string, host = '127.0.0.1'): Promise<CognitoDouble> {
  const clientId = '7exampleclient';
  const clientSecret = 'a-secret-of-the-pool-0123456789';
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    if (state.intercept?.(request, response) === true) return;
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;

  const provider = new Provider(issuer, {
    ...configurationOf((sub) => (state.person?.sub === sub ? state.person : ada)),
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  });
  provider.use(async (ctx, next) => {
    await next();
    const { oidc, body } = ctx as unknown as KoaContextWithOIDC & { body?: Record<string, unknown> };
    if (oidc?.route === 'discovery' && body !== undefined)
      for (const name of Object.keys(body)) if (!publishedMetadata.includes(name)) delete body[name];
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', issuer);
    if (url.pathname === '/auth') asked.push(url.searchParams);
    if (!url.pathname.startsWith('/login/')) return provider.callback()(request, response);
    const { person } = state;
    const question = await provider.interactionDetails(request, response);
    if (question.session?.uid !== undefined && question.session.accountId !== person?.sub) {
      await (await provider.Session.findByUid(question.session.uid))?.destroy();
      delete question.session;
      await question.persist();
    }
    const result = person === undefined ? { error: 'access_denied' } : { login: { accountId: person.sub } };
    return provider.interactionFinished(request, response, result);
  }

  const state: CognitoDouble = {
    issuer,
    clientId,
    clientSecret,
    person: ada,
    intercept: undefined,
    asked,
    idToken(claims = {}, key = privateKey) {
      const seconds = Math.floor(Date.now() / 1000);
      const usual = { iss: issuer, aud: clientId, iat: seconds, exp: seconds + 600, nonce: asked.at(-1)?.get('nonce') };
      return new SignJWT({ ...ada, ...usual, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'id=' }).sign(key);
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return state;
}

function configurationOf(find: (sub: string) => CognitoPerson): Configuration {
  return {
    jwks: {
      keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'id=', alg: 'RS256', use: 'sig' }],
    } as NonNullable<Configuration['jwks']>,
    cookies: { keys: ['of-the-double'], names: { session: 'pool', interaction: 'pool-login', resume: 'pool-resume' } },
    claims: { openid: Object.keys(ada) },
    scopes: ['openid'],
    adapter: memoryAdapters(),
    renderError(ctx, out) {
      ctx.body = `the pool says ${out.error}: ${out.error_description}`;
    },
    // Cognito writes every readable attribute into the ID token.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    // Two sign-ins of one browser do not end each other.
    expiresWithSession: async () => false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => find(sub) }),
    async loadExistingGrant({ oidc: { client, session, provider } }) {
      const grant = new provider.Grant({
        clientId: client?.clientId as string,
        accountId: session?.accountId as string,
      });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  };
}

/** The library's own store of this kind warns on the terminal. */
function memoryAdapters(): (model: string) => Adapter {
  const items = new Map<string, AdapterPayload>();
  return (model) => ({
    find: async (id) => items.get(`${model} ${id}`),
    findByUid: async (uid) => [...items.values()].find((item) => item.kind === model && item.uid === uid),
    findByUserCode: async () => undefined,
    upsert: async (id, payload) => void items.set(`${model} ${id}`, payload),
    destroy: async (id) => void items.delete(`${model} ${id}`),
    consume: async (id) => {
      const item = items.get(`${model} ${id}`);
      if (item !== undefined) item.consumed = Math.floor(Date.now() / 1000);
    },
    revokeByGrantId: async (grantId) => {
      for (const [key, item] of items) if (item.grantId === grantId) items.delete(key);
    },
  });
}
