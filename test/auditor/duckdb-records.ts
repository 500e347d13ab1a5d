import { createRequire } from 'node:module';
import { recordsView } from '../../bin/commands/duckdb-script.ts';

/** As much of `@duckdb/node-api` as is used; it is installed in this folder only. */
export interface DuckDb {
  readonly DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection>; closeSync(): void }> };
}

interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(
    sql: string,
    parameters?: readonly string[],
  ): Promise<{ getRowObjectsJson(): Record<string, unknown>[]; columnNames(): string[] }>;
  closeSync(): void;
}

/** Rows of one query, as JSON. */
export type Rows = Record<string, unknown>[];

export interface Records {
  ask(sql: string, ...parameters: readonly string[]): Promise<Rows>;
  close(): void;
}

/** A downloaded audit bucket as the table `records`. */
export async function openRecords(directory: string): Promise<Records> {
  const { DuckDBInstance } = createRequire(import.meta.url)('@duckdb/node-api') as DuckDb;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const ask = async (sql: string, ...parameters: readonly string[]) =>
    (await connection.runAndReadAll(sql, parameters)).getRowObjectsJson();
  await ask(recordsView(directory));
  return {
    ask,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
