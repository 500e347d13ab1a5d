import { auditEnv } from '../shared/audit/audit-env.ts';
import { type EnvVariable, integer, list, type OptionalEnvVariable, text, url } from '../shared/read-env.ts';

/** Variables of every tool server. Units are in the names and sentences. */
export const toolServerEnv = {
  HOST: text('address to listen on', '0.0.0.0'),
  PORT: integer('port to listen on; 0 takes a free one', { min: 0, max: 65_535 }, 8080),
  PUBLIC_URL: optional(url('URL that the gateway calls, without the path; empty: where the server listens')),
  ALLOWED_HOSTS: list('further Host headers to answer to, as name or name:port', []),
  AUDIENCE: text("aud of this server's tokens"),
  GATEWAY_ISSUER: url('issuer of the gateway’s upstream tokens'),
  GATEWAY_JWKS_URL: url('where the keys of these tokens are'),
  ALLOWED_ACTORS: list('SPIFFE ids of the gateways, the only ones that may call'),
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

function optional<T>(variable: EnvVariable<T>): OptionalEnvVariable<T | undefined> {
  return { ...variable, fallback: undefined };
}
