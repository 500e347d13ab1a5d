import type { ScopeWords } from '../contract/registry.ts';
import {
  gatewayActor,
  gatewayKeysPath,
  registryActor,
  registryIssuer,
  registryKeysPath,
} from '../contract/upstream-issuers.ts';
import type { Logger } from '../shared/logger.ts';
import { readEnv } from '../shared/read-env.ts';
import { readServerEnv } from '../tools/read/env.ts';
import { startReadServer } from '../tools/read/start-read-server.ts';
import { ownDeps } from '../tools/start-tool-server.ts';
import { writeServerEnv } from '../tools/write/env.ts';
import { startWriteServer } from '../tools/write/start-write-server.ts';
import { type RunningObjectStore, sampleObjects, startObjectStore } from './object-store.ts';
import type { Openings } from './openings.ts';
import { type RunningPostgres, startPostgres } from './postgres.ts';
import type { Place } from './start-platform.ts';
import type { StateFolder } from './state-folder.ts';

/** A tool server that the platform can start. */
export interface LocalToolServer {
  readonly name: string;
  readonly title: string;
  /** What its scopes let their holder do, for the consent page. */
  readonly scopes: Readonly<Record<string, ScopeWords>>;
  start(place: Place): Promise<StartedServer>;
}

export interface StartedServer {
  /** Its MCP endpoint; the manifest is at `/.well-known/mcp-capabilities` of the same origin. */
  readonly url: string;
  close(): Promise<void>;
}

/** One that runs. */
export type RunningToolServer = Omit<LocalToolServer, 'start'> & { readonly url: string };

export interface ToolServerParts {
  readonly place: Place;
  readonly state: StateFolder;
  readonly logger: Logger;
  /** Runs a part of the start and shows it to a person who waits. */
  readonly step: <T>(what: string, work: () => Promise<T>) => Promise<T>;
  readonly extra: readonly LocalToolServer[];
}

/** Starts the databases and the sample tool servers on them, then the extra ones. */
export async function openToolServers(parts: ToolServerParts, openings: Openings): Promise<RunningToolServer[]> {
  const { place, state, logger, step, extra } = parts;
  const postgres = await step('PostgreSQL', async () => {
    const running = await startPostgres({ stateDir: state.inside('postgres'), logger });
    openings.add(() => running.close());
    return running;
  });
  const store = await step('Object store', async () => {
    const running = await startObjectStore({ logger, now: Date.now, seed: sampleObjects });
    openings.add(() => running.close());
    return running;
  });
  const running: RunningToolServer[] = [];
  for (const server of [readServer(postgres, store, logger), writeServer(postgres, logger), ...extra]) {
    const { name, title, scopes } = server;
    const { url, close } = await step(`Tool server "${name}"`, () => server.start(place));
    openings.add(close);
    running.push({ name, title, scopes, url });
  }
  return running;
}

function readServer(postgres: RunningPostgres, store: RunningObjectStore, logger: Logger): LocalToolServer {
  return {
    name: 'read',
    title: 'Business data, read only',
    scopes: {
      'postgres:query:readonly': { words: 'query the business database, without changing it', changes: false },
      's3:list': { words: 'list objects in the object store', changes: false },
    },
    start: async (place) => {
      const env = readEnv(readServerEnv, {
        ...doorVariables('read', place),
        DATABASE_URL: postgres.connectionString('reader'),
        S3_ENDPOINT: store.url,
        S3_BUCKETS: Object.keys(sampleObjects).join(','),
      });
      const deps = { ...(await ownDeps(env, 'tools-read')), logger };
      const server = await startReadServer(env, { ...deps, s3Credentials: store.credentials });
      return { url: server.url, close: () => server.close().finally(() => deps.audit.close()) };
    },
  };
}

function writeServer(postgres: RunningPostgres, logger: Logger): LocalToolServer {
  return {
    name: 'write',
    title: 'Changes to business data',
    scopes: {
      'postgres:query:write': {
        words: 'change rows of the business database, each time a person agrees',
        changes: true,
      },
    },
    start: async (place) => {
      const env = readEnv(writeServerEnv, {
        ...doorVariables('write', place),
        DATABASE_URL: postgres.connectionString('writer'),
      });
      const deps = { ...(await ownDeps(env, 'tools-write')), logger };
      const server = await startWriteServer(env, deps);
      return { url: server.url, close: () => server.close().finally(() => deps.audit.close()) };
    },
  };
}

/** What a tool server's environment holds on a laptop: its door, and whose tokens open it. */
export function doorVariables(
  name: string,
  { gatewayUrl, trustDomain, auditDirectory }: Place,
): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    AUDIENCE: `urn:toolgate:server:${name}`,
    GATEWAY_ISSUER: gatewayUrl,
    GATEWAY_JWKS_URL: `${gatewayUrl}${gatewayKeysPath}`,
    ALLOWED_ACTORS: gatewayActor(trustDomain),
    REGISTRY_ISSUER: registryIssuer(gatewayUrl),
    REGISTRY_JWKS_URL: `${gatewayUrl}${registryKeysPath}`,
    REGISTRY_ACTOR: registryActor(trustDomain),
    AUDIT_DIR: auditDirectory,
    AUDIT_WRITER: `tools-${name}`,
    DRAIN_TIMEOUT_MS: '2000',
    LOG_LEVEL: 'warn',
  };
}
