import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Database } from '../../../runtime/tools/postgres/run-statement.ts';
import { postgresReadonly } from '../../../runtime/tools/read/postgres-readonly.ts';
import type { ServedTool } from '../../../runtime/tools/served-tool.ts';
import { callTool, errorOf, structureOf } from '../call-tool.ts';
import { postgresWorld } from '../postgres-world.ts';

/** Runs for minutes without needing disk or memory. */
const endless = 'customers a, customers b, customers c, customers d, customers e';

describe('postgres.readonly', () => {
  const world = postgresWorld();
  let database: Database;
  let tool: ServedTool;
  const ask = async (sql: string, params?: readonly (string | number | boolean | null)[]) =>
    structureOf(await callTool(tool, { sql, ...(params !== undefined && { params }) }));
  const refused = async (sql: string, params?: readonly string[]) =>
    errorOf(await callTool(tool, { sql, ...(params !== undefined && { params }) }));

  before(() => {
    database = world.open('reader');
    tool = postgresReadonly(database, { rowsMax: 50, cellBytesMax: 20_000 });
  });

  test('answers with typed columns, rows and a text that says the same', async () => {
    const result = await callTool(tool, {
      sql: 'SELECT id, name FROM customers WHERE id <= $1 ORDER BY id',
      params: [2],
    });
    const structure = structureOf(result);
    assert.deepEqual(structure.rows, [
      [1, 'Bo Birch'],
      [2, 'Carla Cedar'],
    ]);
    assert.deepEqual([structure.row_count, structure.truncated], [2, false]);
    const [text] = result.content as { type: string; text: string }[];
    assert.deepEqual(JSON.parse(text?.text ?? ''), structure);
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(tool.definition.outputSchema ?? {});
    assert.ok(validate(structure), JSON.stringify(validate.errors));
  });

  test('writes each type so that JSON neither loses nor changes it', async () => {
    const { columns, rows } = await ask(`SELECT
      true, 7::int2, 9007199254740991::int8, 9007199254740992::int8, 1.10::numeric, 'NaN'::float8, 0.1::float8, NULL::text,
      timestamptz '2026-01-02 03:04:05.6+02', timestamp '2026-01-02 03:04:05', date '2026-01-02', '\\xdeadbeef'::bytea,
      '{"a": 1e999}'::json, ARRAY[1,2], interval '1 day 2 hours', timestamptz 'infinity'`);
    assert.deepEqual((rows as unknown[])[0], [
      ...[true, 7, 9007199254740991, '9007199254740992', '1.10', 'NaN', 0.1, null],
      ...['2026-01-02T01:04:05.6Z', '2026-01-02T03:04:05', '2026-01-02', '3q2+7w=='],
      ...['{"a": 1e999}', '{1,2}', 'P1DT2H', 'infinity'],
    ]);
    assert.deepEqual(
      (columns as { type: string }[]).slice(2, 5).map(({ type }) => type),
      ['bigint', 'bigint', 'numeric'],
    );
  });

  test('sends values apart from the statement, so a quotation mark in one is a quotation mark', async () => {
    const { rows } = await ask('SELECT $1::text, $2::int + 1, $3::bool, $4::text', [
      "'; DROP TABLE customers --",
      41,
      false,
      null,
    ]);
    assert.deepEqual(rows, [["'; DROP TABLE customers --", 42, false, null]]);
  });

  test('stops at the row limit and says so', async () => {
    const sql = 'SELECT generate_series(1, 1000000000)';
    const started = performance.now();
    const all = await ask(sql);
    assert.deepEqual([all.row_count, all.truncated], [50, true]);
    const few = structureOf(await callTool(tool, { sql, max_rows: 3 }));
    assert.deepEqual([few.rows, few.truncated], [[[1], [2], [3]], true]);
    assert.equal((await ask('SELECT n FROM generate_series(1, 50) AS n')).truncated, false);
    assert.ok(performance.now() - started < 4_000, 'rows beyond the limit are not produced');
  });

  test('stops at the byte limit and says so', async () => {
    const { rows, truncated } = await ask("SELECT repeat('é', 2500) FROM generate_series(1, 40)");
    assert.equal((rows as unknown[]).length, 3);
    assert.equal(truncated, true);
  });

  test('a row that is too large is a clear no, and the next call works', async () => {
    assert.equal((await refused("SELECT repeat('x', 30000)")).code, 'row_too_large');
    const before = process.memoryUsage().rss;
    assert.equal((await refused('SELECT repeat(city, 50000000) FROM customers')).code, 'row_too_large');
    assert.ok(process.memoryUsage().rss - before < 200_000_000, 'it is not collected whole');
    assert.equal((await ask('SELECT 1')).row_count, 1);
  });

  test('a slow statement ends at the timeout, whether it computes or waits between batches', async () => {
    const slow = postgresReadonly(world.open('reader', { statementTimeoutMs: 300 }), {
      rowsMax: 1000,
      cellBytesMax: 1e6,
    });
    for (const sql of [
      `SELECT count(*) FROM ${endless}`,
      `SELECT 1 FROM ${endless} WHERE a.id + b.id + c.id + d.id + e.id < 0`,
    ]) {
      const started = performance.now();
      const error = errorOf(await callTool(slow, { sql }));
      assert.deepEqual([error.code, error.sqlstate], ['statement_timeout', '57014']);
      assert.ok(performance.now() - started < 2_500);
    }
  });

  test('a statement that heeds no cancel request is cut off, and the next call works', async () => {
    const hard = postgresReadonly(
      world.open('reader', { statementTimeoutMs: 100, cancelGraceMs: 50, connectionsMax: 1 }),
      { rowsMax: 10, cellBytesMax: 1e6 },
    );
    // The planner makes the whole text at once.
    assert.equal(errorOf(await callTool(hard, { sql: "SELECT repeat('x', 900000000)" })).code, 'statement_timeout');
    assert.equal(structureOf(await callTool(hard, { sql: 'SELECT 1' })).row_count, 1);
  });

  test('a server that does not keep its timeout is told to stop all the same', async () => {
    const connectionString = `${world.running().connectionString('reader')}?options=-c%20statement_timeout=0`;
    const lax = postgresReadonly(world.open('reader', { connectionString, statementTimeoutMs: 100 }), {
      rowsMax: 1,
      cellBytesMax: 100,
    });
    const started = performance.now();
    const error = errorOf(await callTool(lax, { sql: `SELECT count(*) FROM ${endless}` }));
    assert.equal(error.code, 'statement_timeout');
    assert.ok(performance.now() - started < 1_800);
  });

  test('a caller who leaves cancels the statement on the server', async () => {
    const leaving = new AbortController();
    const call = callTool(tool, { sql: `SELECT count(*) AS cancel_me FROM ${endless}` }, leaving.signal);
    const active = () =>
      world.asOwner(
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT%cancel_me%' AND usename = 'toolgate_reader'",
      );
    await until(async () => (await active()).length === 1);
    const started = performance.now();
    leaving.abort();
    assert.equal(errorOf(await call).code, 'cancelled');
    assert.deepEqual(await active(), []);
    assert.ok(performance.now() - started < 1_500, 'the server is told; the connection is not merely cut');
    assert.equal((await ask('SELECT 1')).row_count, 1);
  });

  test('a call that was cancelled before it began never reaches the database', async () => {
    assert.equal(errorOf(await callTool(tool, { sql: 'SELECT 1' }, AbortSignal.abort())).code, 'cancelled');
  });

  test('nothing of a call is left on its connection for the next one', async () => {
    // As the owner, who may do what no caller can, past the checks of the tool.
    const one = world.open('owner', { isReadOnly: true, connectionsMax: 1 });
    const { signal } = new AbortController();
    const limits = { rowsMax: 1, cellBytesMax: 1_000, batchRows: 1 };
    const state = `SELECT pg_backend_pid()::text, current_setting('search_path'), current_setting('work_mem'),
      (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())::text,
      (SELECT count(*) FROM pg_prepared_statements)::text`;
    const look = () => one.transact(signal, async (transaction) => (await transaction.run(state, [], limits)).rows[0]);
    const before = await look();
    await one.transact(signal, async (transaction) => {
      for (const sql of [
        'SET SESSION search_path = pg_toast',
        "SET work_mem = '1MB'",
        'PREPARE left_over AS SELECT 1',
        'SELECT pg_advisory_lock(7)',
      ]) {
        await transaction.run(sql, [], limits);
      }
      await transaction.commit();
    });
    assert.deepEqual(await look(), before);
  });

  test('more calls than connections wait their turn', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask('SELECT $1::int', [n])));
    assert.deepEqual(
      answers.map(({ rows }) => (rows as number[][])[0]?.[0]),
      Array.from({ length: 20 }, (_, n) => n),
    );
  });

  test('errors while rows are read quote no row', async () => {
    const leaks = [
      'SELECT ssn::int FROM customers',
      'SELECT ssn::regclass FROM customers',
      'SELECT ssn::regproc FROM customers',
      'SELECT ssn::regtype FROM customers',
      'SELECT ssn::regrole FROM customers',
      'SELECT current_setting(ssn) FROM customers',
      'SELECT ssn::json FROM customers',
      'SELECT ssn::date FROM customers',
      "SELECT to_tsquery(ssn::regconfig, 'a') FROM customers",
      "SELECT has_table_privilege(ssn, 'SELECT') FROM customers",
      'SELECT 1 / (length(ssn) - 11) FROM customers',
      "SELECT xmlparse(document '<' || ssn) FROM customers",
      "SELECT jsonb_path_query(to_jsonb(ssn), '$.datetime()') FROM customers",
      'SELECT (SELECT ssn::int FROM customers WHERE id = 1)',
    ];
    const people = await world.asOwner('SELECT ssn, email FROM customers');
    for (const sql of leaks) {
      const error = await refused(sql);
      const said = JSON.stringify(error);
      for (const { ssn, email } of people) {
        assert.ok(!said.includes(String(ssn)) && !said.includes(String(email)), `${sql}: ${said}`);
      }
      assert.match(error.sqlstate ?? '', /^[0-9A-Z]{5}$/, sql);
    }
  });

  test('errors of the statement itself say what is wrong', async () => {
    assert.match((await refused('SELECT nosuch FROM customers')).message, /column "nosuch" does not exist/);
    assert.match((await refused('SELEC 1')).message, /syntax error at or near "SELEC"/);
    assert.match((await refused('SELECT 1 FROM nowhere')).message, /relation "nowhere" does not exist/);
    // A constant that the caller sent is still not repeated: the plan may hold what a function made of it.
    assert.doesNotMatch((await refused("SELECT 'abc'::int")).message, /abc/);
  });

  test('a NUL character is refused before it can end a text on the wire', async () => {
    assert.equal((await refused('SELECT 1\0; DROP TABLE customers')).code, 'value_invalid');
    assert.equal((await refused('SELECT $1', ['a\0b'])).code, 'value_invalid');
  });

  test('a database that is gone is a clear no', async () => {
    const url = new URL(world.running().connectionString('reader'));
    url.port = '1';
    const nowhere = postgresReadonly(world.open('reader', { connectionString: url.href }), {
      rowsMax: 1,
      cellBytesMax: 1,
    });
    assert.equal(errorOf(await callTool(nowhere, { sql: 'SELECT 1' })).code, 'database_unreachable');
  });

  test('a connection that breaks in the middle is a clear no, and the next call works', async () => {
    const call = callTool(tool, { sql: `SELECT count(*) AS break_me FROM ${endless}` });
    await until(async () => {
      const [row] = await world.asOwner(
        "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE query LIKE 'SELECT count%break_me%' AND usename = 'toolgate_reader'",
      );
      return row?.ended === true;
    });
    assert.equal(errorOf(await call).code, 'database_unreachable');
    assert.equal((await ask('SELECT 1')).row_count, 1);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, 'the condition did not come true');
    await delay(10);
  }
}
