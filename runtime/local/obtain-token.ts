import { createHash, randomBytes } from 'node:crypto';
import { commandLineClientId } from '../authorization/client-kinds.ts';
import { driveSignIn } from './drive-sign-in.ts';

export interface TokenWish {
  /** Issuer of the running platform. */
  readonly issuer: string;
  /** Name of a sample user. */
  readonly user: string;
  /** URL of the MCP door that the token is for. @default the gateway's /mcp */
  readonly resource?: string;
  /** Scopes, separated by blanks. @default every scope of the resource that changes nothing */
  readonly scope?: string;
  /** A public client that is registered with `redirectUri`. @default the command line's own */
  readonly clientId?: string;
  readonly redirectUri?: string;
  /** Goes through the pages as the user. @default as a sample user, who has nothing to type */
  readonly signIn?: SignInDrive;
}

/** Takes a person from the authorization URL to the redirect to the client, which it returns without following it. */
export type SignInDrive = (authorizationUrl: string, redirectUri: string, user: string) => Promise<URL>;

/** The token endpoint's answer (RFC 6749 § 5.1). */
export interface ObtainedTokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
  readonly refresh_token?: string;
}

/**
 * Gets an access token for a sample user by the real flow: authorization code with PKCE, the chooser, the consent page, the token endpoint.
 * Throws with one sentence when the server says no.
 */
export async function obtainToken(wish: TokenWish): Promise<string> {
  return (await obtainTokens(wish)).access_token;
}

export async function obtainTokens(wish: TokenWish): Promise<ObtainedTokens> {
  const {
    issuer,
    user,
    resource,
    scope,
    clientId = commandLineClientId,
    redirectUri = 'http://127.0.0.1/callback',
    signIn = driveSampleSignIn,
  } = wish;
  const metadata = await readMetadata(issuer);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const url = new URL(metadata.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(resource === undefined ? {} : { resource }),
    ...(scope === undefined ? {} : { scope }),
  }).toString();
  const callback = (await signIn(url.href, redirectUri, user)).searchParams;
  // RFC 9207 § 2.4: an answer of another issuer is not for us.
  if (callback.get('iss') !== issuer || callback.get('state') !== state)
    throw new Error('The answer is not for this request.');
  const code = callback.get('code');
  if (code === null) throw new Error(problemOf(callback.get('error'), callback.get('error_description')));
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: clientId,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...(resource === undefined ? {} : { resource }),
    }),
  });
  const answer = (await response.json()) as ObtainedTokens & { error?: string; error_description?: string };
  if (!response.ok) throw new Error(problemOf(answer.error, answer.error_description));
  return answer;
}

function driveSampleSignIn(authorizationUrl: string, redirectUri: string, user: string): Promise<URL> {
  return driveSignIn(authorizationUrl, redirectUri, { user });
}

async function readMetadata(issuer: string): Promise<{ authorization_endpoint: string; token_endpoint: string }> {
  const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`);
  const metadata = response.ok ? ((await response.json()) as Record<string, unknown>) : {};
  const { authorization_endpoint, token_endpoint } = metadata;
  if (metadata.issuer !== issuer || typeof authorization_endpoint !== 'string' || typeof token_endpoint !== 'string') {
    throw new Error(`${issuer} is no authorization server.`);
  }
  return { authorization_endpoint, token_endpoint };
}

function problemOf(error: string | null | undefined, description: string | null | undefined): string {
  return `The authorization server refused: ${description ?? error ?? 'no reason given'}${error ? ` (${error})` : ''}.`;
}
