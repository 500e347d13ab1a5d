import { readFileSync } from 'node:fs';
import pg from 'pg';

export const ownerName = 'toolgate_owner';
export const databaseName = 'shop';
export const roleNames = { reader: 'toolgate_reader', writer: 'toolgate_writer' } as const;

/**
 * Makes the sample database in a new cluster: tables, a few hundred made-up rows, and the two roles that tools use. `adminUrl` names the
 * owner and the database `postgres`. Throws what the database says.
 */
export async function seedDatabase(
  adminUrl: string,
  passwords: { readonly reader: string; readonly writer: string },
): Promise<void> {
  await run(adminUrl, [`CREATE DATABASE ${databaseName}`]);
  const roles = Object.entries(roleNames).map(([role, name]) => {
    const password = pg.escapeLiteral(passwords[role as keyof typeof roleNames]);
    return `CREATE ROLE ${name} LOGIN NOINHERIT CONNECTION LIMIT 16 PASSWORD ${password}`;
  });
  await run(adminUrl.replace(/[^/]+$/, databaseName), [
    ...roles,
    sqlFile('seed-database.sql'),
    sqlFile('harden-database.sql'),
  ]);
}

function sqlFile(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
