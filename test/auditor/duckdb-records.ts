import { createRequire } from 'node:module';
import { auditColumns } from '../../lib/constructs/audit-columns.ts';

/** As much of `@duckdb/node-api` as is used; it is installed in this folder only. */
interface DuckDb {
  readonly DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection>; closeSync(): void }> };
}

interface Connection {
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

/** The statement that makes the table, from the columns that the Glue table has. */
export function recordsView(directory: string): string {
  const columns = auditColumns.map(({ name, type }) => `    ${name}: '${duckType(type)}'`).join(',\n');
  return `CREATE VIEW records AS SELECT *, filename AS "$path" FROM read_json(
  '${directory.replaceAll("'", "''")}/calls/*/*/*/*.jsonl.gz',
  format = 'newline_delimited',
  maximum_object_size = 1048576,
  filename = true,
  hive_partitioning = true,
  hive_types = {tenant: VARCHAR, dt: VARCHAR, hour: INTEGER},
  columns = {
${columns}
  }
)`;
}

/** A type in Hive's words, in DuckDB's. */
function duckType(type: string): string {
  const inside = /^(struct|array|map)<(.*)>$/.exec(type);
  const [, kind, text = ''] = inside ?? [];
  if (kind === 'array') return `${duckType(text)}[]`;
  if (kind === 'map') return `MAP(${splitTop(text).map(duckType).join(', ')})`;
  if (kind === 'struct') {
    const members = splitTop(text).map((member) => {
      const [name = '', ...rest] = member.split(':');
      return `${name} ${duckType(rest.join(':'))}`;
    });
    return `STRUCT(${members.join(', ')})`;
  }
  return type === 'string' ? 'VARCHAR' : type.toUpperCase();
}

/** Splits at the commas that are not inside of angle brackets. */
function splitTop(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of text) {
    depth += char === '<' ? 1 : char === '>' ? -1 : 0;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}
