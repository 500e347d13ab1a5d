import { isIP } from 'node:net';
import { type EnvOf, flag, integer, list, text, url } from '../shared/read-env.ts';

/** Every variable of the authorization server. */
export const authorizationEnv = {
  AUTHORIZATION_ISSUER: url('issuer identifier, an origin without a path, e.g. https://id.example.com'),
  AUTHORIZATION_HOST: text('address to listen on', '127.0.0.1'),
  AUTHORIZATION_PORT: integer('port to listen on; 0 takes any free one', { min: 0, max: 65_535 }, 4401),
  GATEWAY_URL: url(
    'public URL of the gateway, an origin without a path: its MCP doors are the resources that tokens are for',
  ),
  APPROVALS_URL: url(
    'origin of the approvals page, whose people sign in here without being asked for consent; empty: there is none',
    '',
  ),
  CATALOGUE_POLL_MS: integer('how often the catalogue version is read, milliseconds', { min: 100, max: 60_000 }, 1000),
  CATALOGUE_AGE_MAX_S: integer(
    'how long the last good catalogue, and the last good list of agents, serve when they cannot be read, seconds',
    { min: 1, max: 86_400 },
    300,
  ),
  AGENTS_PATH: text(
    'SSM path of the agent declarations, e.g. /toolgate/prod/agents; empty: no agent is declared, for a laptop',
    '',
  ),
  AGENTS_POLL_MS: integer(
    'how often the agent declarations are read, milliseconds; up to a tenth is added',
    { min: 100, max: 3_600_000 },
    30_000,
  ),
  TABLE_PREFIX: text('prefix of the DynamoDB table names', 'toolgate-'),
  AWS_REGION: text('region of the tables and parameters', 'us-east-1'),
  DYNAMODB_ENDPOINT: text('URL of DynamoDB when it is not the one of the region', ''),
  AUTHORIZATION_SEALING_KEY: text(
    'base64 of 32 bytes that seal private keys at rest; a must when the issuer is not loopback',
    '',
  ),
  UPSTREAM_OIDC_ISSUER: text(
    'issuer that people sign in at, an OpenID provider with metadata: a Cognito user pool or any other; https',
    '',
  ),
  UPSTREAM_OIDC_CLIENT_ID: text(
    'client id of this server there; its redirect URI is {AUTHORIZATION_ISSUER}/sign-in/callback',
    '',
  ),
  UPSTREAM_OIDC_CLIENT_SECRET: text('secret of that client; empty for a public client', ''),
  UPSTREAM_OIDC_SCOPES: text('scopes that are asked for there, separated by spaces, openid among them', 'openid'),
  UPSTREAM_OIDC_TIMEOUT_MS: integer('for one answer of that issuer, milliseconds', { min: 100, max: 30_000 }, 5000),
  TENANT_CLAIM: text('claim of its ID token that names the tenant; nobody comes in without', 'custom:tenant'),
  ROLES_CLAIM: text('claim of its ID token that lists the roles', 'cognito:groups'),
  KNOWN_ROLES: list('roles there are; everything else in that claim is dropped', [
    'reader',
    'operator',
    'approver',
    'platform-admin',
  ]),
  SIGN_IN_AGE_MAX_HOURS: integer(
    'how long what the issuer said about a person counts, hours; then refresh tokens are refused and the person signs in again',
    { min: 1, max: 720 },
    12,
  ),
  TOOLGATE_SAMPLE_USERS: flag('"on" lets anybody sign in as a sample user; only with a loopback http issuer'),
  TOOLGATE_LOOPBACK_DOCUMENTS: flag(
    '"on" fetches client documents and keys from this machine too; only with a loopback http issuer',
  ),
  REGISTRATIONS_PER_MINUTE: integer('dynamic client registrations from one address', { min: 1, max: 10_000 }, 20),
  KEY_ROTATION_HOURS: integer('how long one key signs, hours', { min: 2, max: 8760 }, 168),
} as const;

export type AuthorizationEnv = EnvOf<typeof authorizationEnv>;

/** True for an issuer that only this machine can reach. */
export function isLoopbackIssuer(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  const host = hostname.replace(/^\[|\]$/g, '');
  return (
    protocol === 'http:' && (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.')))
  );
}

/** Throws with one sentence when the variables contradict each other or would be unsafe. */
export function checkAuthorizationEnv(env: AuthorizationEnv): void {
  const { origin, protocol } = new URL(env.AUTHORIZATION_ISSUER);
  if (env.AUTHORIZATION_ISSUER !== origin) throw new Error('AUTHORIZATION_ISSUER must be an origin, without a path.');
  if (env.GATEWAY_URL !== new URL(env.GATEWAY_URL).origin)
    throw new Error('GATEWAY_URL must be an origin, without a path.');
  const { APPROVALS_URL: approvals } = env;
  if (approvals !== '' && approvals !== URL.parse(approvals)?.origin)
    throw new Error(`APPROVALS_URL must be an origin, without a path, got ${approvals}.`);
  if (approvals.startsWith('http:') && !isLoopbackIssuer(approvals))
    throw new Error(`APPROVALS_URL must be https, or http on a loopback address, got ${approvals}.`);
  checkUpstream(env, origin);
  if (isLoopbackIssuer(origin)) return;
  if (env.TOOLGATE_SAMPLE_USERS) {
    throw new Error(
      `TOOLGATE_SAMPLE_USERS lets anybody in, so it is refused for ${origin}: only a loopback http issuer may have it.`,
    );
  }
  if (env.TOOLGATE_LOOPBACK_DOCUMENTS) {
    throw new Error(`TOOLGATE_LOOPBACK_DOCUMENTS is refused for ${origin}: only a loopback http issuer may have it.`);
  }
  if (protocol !== 'https:') throw new Error(`The issuer ${origin} must be https, or http on a loopback address.`);
}

function checkUpstream(env: AuthorizationEnv, origin: string): void {
  const { UPSTREAM_OIDC_ISSUER: upstream, UPSTREAM_OIDC_CLIENT_ID: clientId, UPSTREAM_OIDC_SCOPES: scopes } = env;
  if (upstream === '') {
    if (clientId !== '')
      throw new Error('UPSTREAM_OIDC_CLIENT_ID is set without UPSTREAM_OIDC_ISSUER: set both or none.');
    return;
  }
  if (env.TOOLGATE_SAMPLE_USERS) {
    throw new Error('TOOLGATE_SAMPLE_USERS and UPSTREAM_OIDC_ISSUER exclude each other: people sign in at one place.');
  }
  const isHere = isLoopbackIssuer(origin) && URL.canParse(upstream) && isLoopbackIssuer(upstream);
  if (!isHere && URL.parse(upstream)?.protocol !== 'https:') {
    throw new Error(`UPSTREAM_OIDC_ISSUER must be an https URL, got ${upstream}.`);
  }
  if (clientId === '')
    throw new Error('UPSTREAM_OIDC_CLIENT_ID is missing: this server is a client of UPSTREAM_OIDC_ISSUER.');
  if (!scopes.split(' ').includes('openid')) {
    throw new Error(`UPSTREAM_OIDC_SCOPES must have openid, or there is no ID token; got ${scopes}.`);
  }
}
