import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fchownSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from '../shared/logger.ts';
import { findBinaries, type PostgresBinaries, reachableBinaries } from './postgres-binaries.ts';
import { type Cluster, openCluster, type PostgresRole, readPostmaster, stopLeftover } from './postgres-cluster.ts';
import { databaseName, ownerName, roleNames, seedDatabase } from './seed-database.ts';
import { StartError } from './start-error.ts';

export type { PostgresRole } from './postgres-cluster.ts';

export interface StartPostgresOptions {
  /** A folder for nothing else; made when it is not there. */
  readonly stateDir: string;
  readonly logger: Logger;
  /** Short lines for a person who waits. */
  readonly onProgress?: (line: string) => void;
}

/** A PostgreSQL of our own, seeded, on a free port of the loopback address. */
export interface RunningPostgres {
  readonly port: number;
  /** `reader` reads, `writer` changes rows, `owner` may do everything. */
  connectionString(role: PostgresRole): string;
  /** Where the database's files are: outside `stateDir` when we are root. */
  readonly home: string;
  /** Process id of the server. */
  readonly pid: number;
  /** Ends all connections and stops the server, writing everything to disk. */
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL in `stateDir`; on the first start makes the database and seeds it. Throws {@link StartError} with one sentence.
 * The server ends when this process does, however that happens.
 */
export async function startPostgres({
  stateDir,
  logger,
  onProgress = () => {},
}: StartPostgresOptions): Promise<RunningPostgres> {
  const cluster = openCluster(stateDir);
  const found = findBinaries();
  const binaries = cluster.account === undefined ? found : reachableBinaries(found, cluster.home);
  await stopLeftover(cluster);
  if (!cluster.isComplete) {
    onProgress('PostgreSQL: making the database');
    await initialise(cluster, binaries, stateDir);
  }
  const server = await startServer(cluster, binaries, join(stateDir, 'postgres.log'));
  const connectionString = (role: PostgresRole) => {
    const name = role === 'owner' ? ownerName : roleNames[role];
    return `postgres://${name}:${cluster.passwords[role]}@127.0.0.1:${server.port}/${databaseName}`;
  };
  if (!cluster.isComplete) {
    onProgress('PostgreSQL: filling it with sample data');
    try {
      await seedDatabase(connectionString('owner').replace(/[^/]+$/, 'postgres'), cluster.passwords);
      cluster.markComplete();
    } catch (error) {
      await server.close();
      throw error;
    }
  }
  logger.info({ port: server.port }, 'PostgreSQL answers');
  return { ...server, connectionString, home: cluster.home };
}

async function initialise(cluster: Cluster, binaries: PostgresBinaries, stateDir: string): Promise<void> {
  // initdb reads the password from a file, which its account must be able to read.
  const passwordFile = join(cluster.account === undefined ? stateDir : cluster.home, 'initdb-password');
  rmSync(passwordFile, { force: true });
  const fd = openSync(passwordFile, 'wx', 0o600);
  try {
    writeFileSync(fd, cluster.passwords.owner);
    if (cluster.account !== undefined) fchownSync(fd, cluster.account.uid, cluster.account.gid);
    closeSync(fd);
    await promisify(execFile)(
      binaries.initdb,
      [
        ['-D', cluster.data],
        [`--username=${ownerName}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
        ['--no-sync', '--no-instructions'],
      ].flat(),
      { ...cluster.account, cwd: cluster.home, env: postgresEnv },
    );
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new StartError(
      `PostgreSQL could not make its database in ${cluster.data}: ${lastLine(stderr) ?? String(cause)}`,
      {
        cause,
      },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

interface Server {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

async function startServer(cluster: Cluster, binaries: PostgresBinaries, logFile: string): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawnGuarded(cluster, binaries, port, logFile);
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const failure = await waitUntilReady(cluster.data, child);
    if (failure === undefined) {
      const pid = readPostmaster(cluster.data)?.pid as number;
      let closing: Promise<void> | undefined;
      return { port, pid, close: () => (closing ??= stop(child, exited, pid)) };
    }
    child.stdin?.destroy();
    const why = lastLine(readFileSync(logFile, 'utf8'));
    // Somebody took the port between our look and its use.
    if (attempt < 3 && /could not bind|could not create any TCP/.test(readFileSync(logFile, 'utf8'))) continue;
    throw new StartError(`PostgreSQL did not start: ${why ?? failure}. Its log is ${logFile}.`);
  }
}

// Ends the server when standard input ends, which it does when our process is gone, by kill -9 too; a shell costs a tenth of a Node process.
const guard = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( while read -r line; do :; done; kill -INT "$server" 2>/dev/null ) <&3 &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"`;

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '40',
  shared_buffers: '32MB',
  jit: 'off',
  // A laptop's sample data: a crash of the machine may cost the last moments, never the rest.
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '128MB',
  io_method: 'sync',
  // Statements hold what callers wrote; the log holds only what went wrong with the server.
  log_min_error_statement: 'panic',
  log_min_messages: 'fatal',
  log_parameter_max_length_on_error: '0',
} as const;

const postgresEnv = { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH ?? '/usr/bin:/bin' };

function spawnGuarded(cluster: Cluster, binaries: PostgresBinaries, port: number, logFile: string): ChildProcess {
  const log = openSync(logFile, 'w', 0o600);
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [binaries.postgres, '-D', cluster.data, '-p', String(port), ...options];
  // Detached: Ctrl-C in a terminal reaches our process alone, which closes the database last.
  const child = spawn('/bin/sh', ['-c', guard, 'sh', ...command], {
    ...cluster.account,
    cwd: cluster.home,
    env: postgresEnv,
    stdio: ['pipe', log, log],
    detached: true,
  });
  closeSync(log);
  child.stdin?.on('error', () => {});
  child.on('error', () => {});
  return child;
}

/** Undefined once it accepts connections, else why it does not. */
async function waitUntilReady(data: string, child: ChildProcess): Promise<string | undefined> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    if (child.pid === undefined) return 'it cannot be run';
    if (child.exitCode !== null || child.signalCode !== null) return `it ended with code ${child.exitCode}`;
    if (readPostmaster(data)?.isReady) return undefined;
    await delay(10);
  }
  return 'it was not ready within 60 s';
}

async function stop(child: ChildProcess, exited: Promise<void>, pid: number): Promise<void> {
  child.stdin?.end();
  const late = setTimeout(() => {
    try {
      process.kill(pid, 'SIGQUIT');
    } catch {
      // It is gone, which is what we want.
    }
  }, 10_000);
  await exited;
  clearTimeout(late);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1)?.trim() || undefined;
}
