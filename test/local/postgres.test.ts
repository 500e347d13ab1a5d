import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type RunningPostgres, startPostgres } from '../../runtime/local/postgres.ts';
import { linkLibraries, reachableBinaries } from '../../runtime/local/postgres-binaries.ts';
import { StartError } from '../../runtime/local/start-error.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';

const logger = silentLogger();

describe('a database of our own', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'toolgate-pg-'));
  const progress: string[] = [];
  let postgres: RunningPostgres;

  before(async () => {
    postgres = await startPostgres({ stateDir, logger, onProgress: (line) => progress.push(line) });
  });
  after(async () => {
    await postgres.close();
    rmSync(postgres.home, { recursive: true, force: true });
    rmSync(stateDir, { recursive: true, force: true });
  });

  test('is seeded with a few hundred made-up rows, the same every time', async () => {
    const rows = await query('reader', 'SELECT name, email, ssn, phone FROM customers ORDER BY id LIMIT 1');
    assert.deepEqual(rows, [
      { name: 'Bo Birch', email: 'bo.birch1@example.com', ssn: '937-23-7919', phone: '+1-302-555-0101' },
    ]);
    const [counts] = await query(
      'reader',
      `SELECT (SELECT count(*)::int FROM customers) AS customers, (SELECT count(*)::int FROM orders) AS orders,
              (SELECT count(*)::int FROM order_items) AS items, (SELECT count(*)::int FROM order_totals) AS totals`,
    );
    assert.deepEqual(counts, { customers: 120, orders: 300, items: 600, totals: 300 });
  });

  test('has no rights for its reader but to read', async () => {
    for (const sql of [
      "UPDATE customers SET city = 'x'",
      'CREATE TABLE mine (a int)',
      'CREATE TEMP TABLE mine (a int)',
      'CREATE ROLE mighty SUPERUSER',
      "SELECT pg_read_file('/etc/passwd')",
      "SELECT query_to_xml('SELECT ssn FROM customers', true, true, '')",
      'SELECT pg_terminate_backend(1)',
      'SELECT pg_advisory_lock(1)',
      "SELECT lo_import('/etc/passwd')",
      "COPY customers TO PROGRAM 'cat'",
      'SET ROLE toolgate_owner',
      'SELECT * FROM pg_authid',
      'SELECT query FROM pg_stat_activity',
    ]) {
      await assert.rejects(
        connectAndQuery(`${postgres.connectionString('reader')}?options=-c%20default_transaction_read_only=off`, sql),
        /permission denied/,
        sql,
      );
    }
  });

  test('lets its writer change rows and nothing else', async () => {
    await query('writer', "INSERT INTO products (sku, name, price_cents, stock) VALUES ('SKU-T', 'Test', 100, 1)");
    await query('writer', "DELETE FROM products WHERE sku = 'SKU-T'");
    for (const sql of ['DROP TABLE products', 'TRUNCATE products', 'ALTER TABLE products ADD COLUMN a int']) {
      await assert.rejects(query('writer', sql), /must be owner|permission denied/, sql);
    }
  });

  test('knows no password but its own, which only its user can read', async () => {
    const url = new URL(postgres.connectionString('reader'));
    for (const password of ['', 'postgres', 'toolgate_reader', new URL(postgres.connectionString('writer')).password]) {
      url.password = password;
      await assert.rejects(connectAndQuery(url.href, 'SELECT 1'), /password|SASL/);
    }
    assert.equal(statSync(join(stateDir, 'passwords.json')).mode & 0o777, 0o600);
    assert.equal(readdirSync(postgres.home).includes('initdb-password'), false);
  });

  test('says what it does on the first start', () => {
    assert.deepEqual(progress, ['PostgreSQL: making the database', 'PostgreSQL: filling it with sample data']);
  });

  test('keeps what was written over a stop and a start, and stops without leaving a process', async () => {
    await query('writer', "UPDATE customers SET city = 'Newtown' WHERE id = 1");
    const { pid } = postgres;
    await postgres.close();
    assert.equal(isRunning(pid), false);
    postgres = await startPostgres({ stateDir, logger });
    assert.deepEqual(await query('reader', 'SELECT city FROM customers WHERE id = 1'), [{ city: 'Newtown' }]);
  });

  test('dies with its parent, and a start after kill -9 works', async () => {
    await postgres.close();
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { startPostgres } from ${JSON.stringify(new URL('../../runtime/local/postgres.ts', import.meta.url).href)};
         import { silentLogger } from ${JSON.stringify(new URL('../../runtime/shared/logger.ts', import.meta.url).href)};
         const { pid } = await startPostgres({ stateDir: ${JSON.stringify(stateDir)}, logger: silentLogger() });
         process.stdout.write(String(pid));
         process.stdin.resume();`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const pid = Number(String(await firstOutput(parent)));
    assert.ok(isRunning(pid));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => !isRunning(pid));
    postgres = await startPostgres({ stateDir, logger });
    assert.equal((await query('reader', 'SELECT 1 AS one')).length, 1);
  });

  test('a server that a killed start left behind is stopped first', async () => {
    postgres = await startPostgres({ stateDir, logger });
    const { pid } = postgres;
    const next = await startPostgres({ stateDir, logger });
    assert.equal(isRunning(pid), false);
    postgres = next;
    assert.equal((await query('reader', 'SELECT 1 AS one')).length, 1);
  });

  test('a state folder whose database is gone is one clear sentence', async () => {
    const other = mkdtempSync(join(tmpdir(), 'toolgate-pg-'));
    writeFileSync(join(other, 'complete'), '');
    await assert.rejects(
      startPostgres({ stateDir: other, logger }),
      isStartError(/are gone: delete .* and start again/),
    );
    rmSync(other, { recursive: true });
  });

  test('a half-written state folder is one clear sentence', async () => {
    const other = mkdtempSync(join(tmpdir(), 'toolgate-pg-'));
    writeFileSync(join(other, 'passwords.json'), '{}');
    await assert.rejects(
      startPostgres({ stateDir: other, logger }),
      isStartError(/half-written.*delete .* and start again/),
    );
    rmSync(other, { recursive: true });
  });

  async function query(role: 'reader' | 'writer', sql: string): Promise<Record<string, unknown>[]> {
    return connectAndQuery(postgres.connectionString(role), sql);
  }
});

test("root's database of a deleted state folder is removed by the next start", {
  skip: process.geteuid?.() !== 0 && 'not root: the database is in the state folder',
}, async () => {
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'toolgate-pg-')));
  const [first, second] = folders as [string, string];
  const deleted = await startPostgres({ stateDir: first, logger });
  rmSync(first, { recursive: true });
  const other = await startPostgres({ stateDir: second, logger });
  assert.ok(existsSync(deleted.home), 'not while it runs');
  await deleted.close();
  await other.close();
  const again = await startPostgres({ stateDir: second, logger });
  assert.ok(!existsSync(deleted.home));
  await again.close();
  rmSync(again.home, { recursive: true });
  rmSync(second, { recursive: true });
});

test("root's database of a state folder that is away and was not temporary stays", {
  skip: process.geteuid?.() !== 0 && 'not root: the database is in the state folder',
}, async () => {
  // Root's own folder, which no other account can enter, so that the database lies outside of it.
  const [kept, other] = [1, 2].map(() => mkdtempSync(join(homedir(), '.toolgate-pg-'))) as [string, string];
  const moved = `${kept}-moved`;
  const first = await startPostgres({ stateDir: kept, logger });
  await first.close();
  renameSync(kept, moved);
  const second = await startPostgres({ stateDir: other, logger });
  await second.close();
  assert.ok(existsSync(first.home));
  renameSync(moved, kept);
  const again = await startPostgres({ stateDir: kept, logger });
  await again.close();
  for (const path of [first.home, second.home, kept, other]) rmSync(path, { recursive: true });
});

test('missing library links are made, those that are there stay, and a folder that cannot be written is one clear sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-links-'));
  const native = join(folder, 'native');
  await mkdir(join(native, 'lib'), { recursive: true });
  writeFileSync(join(native, 'lib', 'libpq.so.5.18'), 'library');
  writeFileSync(
    join(native, 'pg-symlinks.json'),
    JSON.stringify([
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
      { source: 'native/gone/libxml2.so.2', target: 'native/gone/libxml2.so' },
    ]),
  );
  symlinkSync('libpq.so.5.18', join(native, 'lib', 'libpq.so'));
  assert.throws(() => linkLibraries(native), isStartError(/cannot be linked in .*gone \(ENOENT\)/));
  assert.equal(readFileSync(join(native, 'lib', 'libpq.so.5'), 'utf8'), 'library');
  rmSync(folder, { recursive: true });
  assert.ok(!existsSync(folder));
});

test('programs in a closed folder are copied once to where another account can run them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-closed-'));
  const native = join(folder, 'closed', 'native');
  await mkdir(join(native, 'bin'), { recursive: true });
  for (const program of ['postgres', 'initdb']) writeFileSync(join(native, 'bin', program), program, { mode: 0o755 });
  symlinkSync('postgres', join(native, 'bin', 'link'));
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'closed'), 0o755);
  const binaries = { native, postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') };
  assert.deepEqual(reachableBinaries(binaries, folder), binaries);
  chmodSync(join(folder, 'closed'), 0o700);
  const copied = reachableBinaries(binaries, folder);
  assert.equal(copied.postgres, join(folder, 'native', 'bin', 'postgres'));
  assert.equal(readFileSync(join(copied.native, 'bin', 'link'), 'utf8'), 'postgres');
  rmSync(join(copied.native, 'bin', 'link'));
  reachableBinaries(binaries, folder);
  assert.ok(!existsSync(join(copied.native, 'bin', 'link')), 'copied once');
  rmSync(folder, { recursive: true });
});

async function connectAndQuery(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const result = (await client.query(sql)) as pg.QueryResult | pg.QueryResult[];
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  } finally {
    await client.end();
  }
}

function isStartError(sentence: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof StartError, String(error));
    assert.match(error.message, sentence);
    assert.equal(error.message.includes('\n'), false);
    return true;
  };
}

async function firstOutput(child: ChildProcess): Promise<Buffer> {
  const [chunk] = await Promise.race([
    once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the parent ended with ${code}`))),
  ]);
  return chunk;
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < end, 'the condition did not come true');
    await delay(10);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
