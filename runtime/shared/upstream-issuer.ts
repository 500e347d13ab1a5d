import * as oidc from 'openid-client';
import { UpstreamProblem } from './upstream-problem.ts';

/** What one sign-in at the upstream issuer is held to. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly codeVerifier: string;
}

/** The issuer that knows the people: Cognito, or any OpenID provider. Both methods throw {@link UpstreamProblem}. */
export interface UpstreamIssuer {
  readonly issuer: string;
  /** Where the browser goes. `mustAsk` lets nobody in by an earlier sign-in. */
  authorizationUrl(secrets: SignInSecrets, mustAsk: boolean): Promise<URL>;
  /** Exchanges the code of the callback; the claims of an ID token whose signature, issuer, audience, times and nonce were checked. */
  redeem(callback: URL, secrets: SignInSecrets): Promise<Readonly<Record<string, unknown>>>;
}

export interface UpstreamIssuerOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Empty for a public client; PKCE is used in any case. */
  readonly clientSecret: string;
  readonly scope: string;
  readonly redirectUri: string;
  /** True lets an http issuer be one, on this machine. */
  readonly allowHttp: boolean;
  readonly now: () => number;
  /** Of each request, milliseconds. */
  readonly timeoutMs: number;
  readonly fetch?: typeof fetch;
}

const metadataMs = 3_600_000;
const answerBytesMax = 512 * 1024;

/** Talks to the upstream issuer. Nothing is fetched before the first sign-in; its metadata is read anew every hour. */
export function createUpstreamIssuer(options: UpstreamIssuerOptions): UpstreamIssuer {
  const { issuer, clientId, clientSecret, scope, redirectUri, allowHttp, now, timeoutMs } = options;
  const boundedFetch = bounded(options.fetch ?? fetch);
  let discovered: { readonly config: Promise<oidc.Configuration>; readonly atMs: number } | undefined;

  function discover(): Promise<oidc.Configuration> {
    if (discovered !== undefined && now() - discovered.atMs < metadataMs) return discovered.config;
    const config = oidc.discovery(
      new URL(issuer),
      clientId,
      // Without a list of its own an issuer may sign with nothing but RS256 (OpenID Connect Core § 3.1.3.7); oauth4webapi holds it to that.
      undefined,
      clientSecret === '' ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
      {
        timeout: timeoutMs / 1000,
        [oidc.customFetch]: boundedFetch,
        // The signature counts too, not only the connection that the token came by.
        execute: [oidc.enableNonRepudiationChecks, ...(allowHttp ? [oidc.allowInsecureRequests] : [])],
      },
    );
    const entry = { config, atMs: now() };
    discovered = entry;
    config.catch(() => {
      if (discovered === entry) discovered = undefined;
    });
    return config;
  }

  return {
    issuer,
    async authorizationUrl({ state, nonce, codeVerifier }, mustAsk) {
      try {
        return oidc.buildAuthorizationUrl(await discover(), {
          redirect_uri: redirectUri,
          scope,
          state,
          nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          ...(mustAsk ? { prompt: 'login' } : {}),
        });
      } catch (error) {
        throw problemOf(error);
      }
    },
    async redeem(callback, { state, nonce, codeVerifier }) {
      try {
        const tokens = await oidc.authorizationCodeGrant(await discover(), callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        });
        return { ...tokens.claims() };
      } catch (error) {
        throw problemOf(error);
      }
    },
  };
}

/** An answer of any size would be read into memory whole. */
function bounded(fetchOf: typeof fetch): oidc.CustomFetch {
  return async (url, options) => {
    const response = await fetchOf(url, options as RequestInit);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > answerBytesMax)
        throw new UpstreamProblem('unusable', `an answer of more than ${answerBytesMax} bytes`);
      chunks.push(chunk);
    }
    const { status, headers } = response;
    return new Response(bytes === 0 ? null : Buffer.concat(chunks), { status, headers });
  };
}

function problemOf(error: unknown): UpstreamProblem {
  const known = chainOf(error);
  const own = known.find((each) => each instanceof UpstreamProblem);
  if (own !== undefined) return own;
  // RFC 6749 § 4.1.2.1: only this code says that somebody said no; the others are mistakes of the two services.
  if (error instanceof oidc.AuthorizationResponseError) {
    return new UpstreamProblem(
      error.error === 'access_denied' ? 'denied' : 'unusable',
      `it answered ${word(error.error)}`,
    );
  }
  if (error instanceof oidc.ResponseBodyError) {
    return new UpstreamProblem('unusable', `its token endpoint answered ${error.status} ${word(error.error)}`);
  }
  const names = known.map(({ name, code }) => `${name} ${code ?? ''}`).join(' ');
  if (/TimeoutError|AbortError|OAUTH_TIMEOUT|UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT|ETIMEDOUT/.test(names))
    return new UpstreamProblem('slow', 'it did not answer in time');
  if (known.some((each) => each instanceof TypeError && /fetch failed|terminated/.test(each.message)))
    return new UpstreamProblem('silent', `it gave no answer (${known.at(-1)?.code ?? 'no connection'})`);
  const [first] = known;
  return new UpstreamProblem(
    'unusable',
    `${first?.message ?? 'unknown'}${first?.code === undefined ? '' : ` (${first.code})`}`,
  );
}

type Coded = Error & { readonly code?: string };

function chainOf(error: unknown): readonly Coded[] {
  const chain: Coded[] = [];
  for (let each = error; each instanceof Error && chain.length < 5; each = each.cause) chain.push(each as Coded);
  return chain;
}

/** What a stranger may have written, cut down to what an error code of OAuth looks like. */
function word(text: string): string {
  return /^[\w.-]{1,64}$/.test(text) ? text : 'with an error';
}
