import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import pg from 'pg';
import { type RunningPostgres, startPostgres } from '../../runtime/local/postgres.ts';
import type { PostgresRole } from '../../runtime/local/postgres-cluster.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../runtime/tools/postgres/run-statement.ts';

/** A real PostgreSQL with the sample data for the tests of one suite; call it at the top of `describe`. */
export function postgresWorld() {
  const stateDir = mkdtempSync(join(tmpdir(), 'toolgate-tools-'));
  const databases: Database[] = [];
  let postgres: RunningPostgres | undefined;
  const running = () => {
    if (postgres === undefined) throw new Error('the database is not up yet');
    return postgres;
  };
  before(async () => {
    postgres = await startPostgres({ stateDir, logger: silentLogger() });
  });
  after(async () => {
    await Promise.all(databases.map((database) => database.close()));
    if (postgres !== undefined) {
      await postgres.close();
      rmSync(postgres.home, { recursive: true, force: true });
    }
    rmSync(stateDir, { recursive: true, force: true });
  });
  return {
    running,
    /** A tool's view of it, with small limits. */
    open(role: PostgresRole, overrides: Partial<DatabaseOptions> = {}): Database {
      const database = openDatabase({
        connectionString: running().connectionString(role),
        isReadOnly: role === 'reader',
        connectionsMax: 3,
        connectTimeoutMs: 3_000,
        statementTimeoutMs: 5_000,
        receivedBytesMax: 8_000_000,
        logger: silentLogger(),
        ...overrides,
      });
      databases.push(database);
      return database;
    },
    /** What its owner sees or does. */
    async asOwner(sql: string): Promise<Record<string, unknown>[]> {
      const client = new pg.Client(running().connectionString('owner'));
      await client.connect();
      try {
        const result = (await client.query(sql)) as pg.QueryResult | pg.QueryResult[];
        return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
      } finally {
        await client.end();
      }
    },
  };
}
