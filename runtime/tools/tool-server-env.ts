import { auditEnv } from '../shared/audit/audit-env.ts';
import { type EnvVariable, integer, list, type OptionalEnvVariable, text, url } from '../shared/read-env.ts';

/** Variables of every tool server. Units are in the names and sentences. */
export const toolServerEnv = {
  HOST: text('address to listen on', '0.0.0.0'),
  PORT: integer('port to listen on; 0 takes a free one', { min: 0, max: 65_535 }, 8080),
  PUBLIC_URL: optional(url('URL that the gateway calls, without the path; empty: where the server listens')),
  ALLOWED_HOSTS: list('further Host headers to answer to, as name or name:port', []),
  AUDIENCE: text("aud of this server's tokens"),
  GATEWAY_ISSUER: url('issuer of the gateway’s tokens, the only ones that call tools'),
  GATEWAY_JWKS_URL: url('where the keys of these tokens are'),
  ALLOWED_ACTORS: list('SPIFFE ids of the gateways'),
  REGISTRY_ISSUER: optional(
    url(
      'issuer of the registry’s tokens, which list tools and do nothing else. Unset: the registry cannot list the tools of this server, so it is not registered',
    ),
  ),
  REGISTRY_JWKS_URL: optional(url('where the keys of these tokens are; required with REGISTRY_ISSUER')),
  REGISTRY_ACTOR: optional(text('SPIFFE id of the registry; required with REGISTRY_ISSUER')),
  OWNER: text('team that answers for this server', 'platform'),
  ...auditEnv,
  BODY_BYTES_MAX: integer('largest message, bytes', { min: 1024, max: 16_777_216 }, 1_048_576),
  DRAIN_TIMEOUT_MS: integer('for calls under way after SIGTERM, milliseconds', { min: 0, max: 600_000 }, 20_000),
  LOG_LEVEL: text('how much is logged: fatal, error, warn, info, debug or silent', 'info'),
} as const;

/** Variables of a tool server on PostgreSQL. */
export const databaseEnv = {
  DATABASE_URL: text('postgres:// URL of the role that the tool runs as'),
  DATABASE_CONNECTIONS_MAX: integer('connections to the database', { min: 1, max: 1_000 }, 8),
  DATABASE_CONNECT_TIMEOUT_MS: integer('to a connection, new or free, milliseconds', { min: 50, max: 60_000 }, 3_000),
  DATABASE_STATEMENT_TIMEOUT_MS: integer('for one statement, milliseconds', { min: 50, max: 600_000 }, 15_000),
} as const;

/** What is wrong with whom the server trusts, in one sentence; undefined when nothing is. */
export function trustProblem(source: Readonly<Record<string, string | undefined>>): string | undefined {
  const { REGISTRY_ISSUER: issuer, REGISTRY_JWKS_URL: keysUrl, REGISTRY_ACTOR: actor } = source;
  const given = [issuer, keysUrl, actor].filter((value) => value);
  if (given.length !== 0 && given.length !== 3)
    return 'REGISTRY_ISSUER, REGISTRY_JWKS_URL and REGISTRY_ACTOR say together whose tokens list tools: set all three, or none and the registry cannot list this server';
  const { GATEWAY_ISSUER, GATEWAY_JWKS_URL, ALLOWED_ACTORS = '' } = source;
  const actors = ALLOWED_ACTORS.split(',').map((each) => each.trim());
  if (issuer && (issuer === GATEWAY_ISSUER || keysUrl === GATEWAY_JWKS_URL || actors.includes(actor ?? '')))
    return 'the registry and the gateway share an issuer, a key set or a SPIFFE id: the registry could call tools, so give each its own';
  return undefined;
}

function optional<T>(variable: EnvVariable<T>): OptionalEnvVariable<T | undefined> {
  return { ...variable, fallback: undefined };
}
