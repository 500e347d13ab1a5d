import { openAudit } from '../shared/audit/open-audit.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import type { EnvOf } from '../shared/read-env.ts';
import { createTokenVerifier, type TokenVerifier } from '../shared/token-verifier.ts';
import { type Database, openDatabase } from './postgres/run-statement.ts';
import type { RunningToolServer, ToolServerOptions } from './serve-tools.ts';
import type { databaseEnv, toolServerEnv } from './tool-server-env.ts';

/** What a tool server is given from outside: by its main.ts, or by the laptop platform that runs several in one process. */
export interface ToolServerDeps {
  readonly verifier: TokenVerifier;
  readonly audit: AuditWriter;
  readonly logger: Logger;
  readonly now: () => number;
}

type DoorEnv = EnvOf<typeof toolServerEnv>;
type DatabaseEnv = EnvOf<typeof databaseEnv>;

/** The options that come from the environment alone. */
export function doorOptions(
  env: DoorEnv,
): Omit<ToolServerOptions, keyof ToolServerDeps | 'identity' | 'tools' | 'problems'> {
  return {
    host: env.HOST,
    port: env.PORT,
    publicUrl: env.PUBLIC_URL,
    allowedHosts: env.ALLOWED_HOSTS,
    audience: env.AUDIENCE,
    gateway: { issuer: env.GATEWAY_ISSUER, actors: env.ALLOWED_ACTORS },
    registry: registryOf(env),
    bodyBytesMax: env.BODY_BYTES_MAX,
    drainTimeoutMs: env.DRAIN_TIMEOUT_MS,
  };
}

function registryOf({ REGISTRY_ISSUER: issuer, REGISTRY_JWKS_URL: jwksUri, REGISTRY_ACTOR: actor }: DoorEnv) {
  if (issuer === undefined || jwksUri === undefined || actor === undefined) return undefined;
  return { issuer, jwksUri, actors: [actor] };
}

export function databaseOf(
  env: DatabaseEnv,
  { isReadOnly, logger }: { isReadOnly: boolean; logger: Logger },
): Database {
  return openDatabase({
    connectionString: env.DATABASE_URL,
    isReadOnly,
    connectionsMax: env.DATABASE_CONNECTIONS_MAX,
    connectTimeoutMs: env.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: env.DATABASE_STATEMENT_TIMEOUT_MS,
    receivedBytesMax: 16_777_216,
    logger,
  });
}

/** One sentence when the database does not answer. */
export async function databaseProblems(database: Database, logger: Logger): Promise<readonly string[]> {
  try {
    await database.ping();
    return [];
  } catch (error) {
    logger.warn({ err: error }, 'the database does not answer');
    return ['the database does not answer'];
  }
}

/** The deps of a server that is a process of its own. */
export async function ownDeps(env: DoorEnv, service: string): Promise<ToolServerDeps> {
  const logger = createLogger(service, env.LOG_LEVEL);
  const now = Date.now;
  const registry = registryOf(env);
  if (registry === undefined)
    logger.warn('REGISTRY_ISSUER is not set: the registry cannot list the tools of this server');
  const gateway = { issuer: env.GATEWAY_ISSUER, jwksUri: env.GATEWAY_JWKS_URL };
  const verifier = createTokenVerifier({ issuers: registry === undefined ? [gateway] : [gateway, registry], now });
  const audit = await openAudit(env, { now, logger });
  return { verifier, audit, logger, now };
}

/** Serves until SIGTERM or SIGINT, then lets calls end and closes the record last. */
export function closeOnSignal(server: RunningToolServer, { audit, logger }: ToolServerDeps): void {
  let isClosing = false;
  const close = async () => {
    if (isClosing) return;
    isClosing = true;
    try {
      await server.close();
      await audit.close();
    } catch (error) {
      logger.error({ err: error }, 'the end was not clean');
      process.exitCode = 1;
    }
  };
  process.once('SIGTERM', close);
  process.once('SIGINT', close);
  logger.info({ url: server.url }, 'serving');
}
