import { isIP } from 'node:net';
import { type EnvOf, integer, type OptionalEnvVariable, text, url } from '../shared/read-env.ts';

/** Every variable of the authorization server. */
export const authorizationEnv = {
  AUTHORIZATION_ISSUER: url('issuer identifier, an origin without a path, e.g. https://id.example.com'),
  AUTHORIZATION_HOST: text('address to listen on', '127.0.0.1'),
  AUTHORIZATION_PORT: integer('port to listen on; 0 takes any free one', { min: 0, max: 65_535 }, 4401),
  GATEWAY_URL: url(
    'public URL of the gateway, an origin without a path: its MCP doors are the resources that tokens are for',
  ),
  CATALOGUE_POLL_MS: integer('how often the catalogue version is read, milliseconds', { min: 100, max: 60_000 }, 1000),
  CATALOGUE_AGE_MAX_S: integer(
    'how long the last good catalogue, and the last good list of agents, serve when they cannot be read, seconds',
    { min: 1, max: 86_400 },
    300,
  ),
  TABLE_PREFIX: text('prefix of the DynamoDB table names', 'toolgate-'),
  AWS_REGION: text('region of the tables', 'us-east-1'),
  DYNAMODB_ENDPOINT: text('URL of DynamoDB when it is not the one of the region', ''),
  AUTHORIZATION_SEALING_KEY: text(
    'base64 of 32 bytes that seal private keys at rest; a must when the issuer is not loopback',
    '',
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

function flag(what: string): OptionalEnvVariable<boolean> {
  return {
    what,
    fallback: false,
    parse(value) {
      if (value !== 'on' && value !== 'off') throw new Error(`expected on or off, got ${value}`);
      return value === 'on';
    },
  };
}
