import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { postgresReadonly } from '../../../runtime/tools/read/postgres-readonly.ts';
import type { ServedTool } from '../../../runtime/tools/served-tool.ts';
import { callTool, errorOf, structureOf } from '../call-tool.ts';
import { postgresWorld } from '../postgres-world.ts';

/** What a caller tries, and the code of the no. */
const attacks: readonly [sql: string, code: string][] = [
  // Statements that change something, plain and in disguise.
  ["UPDATE customers SET city = 'x'", 'permission_denied'],
  ["upd/**/ate customers SET city = 'x'", 'statement_invalid'],
  ["/* SELECT */ UPDATE/**/customers SET city = 'x'", 'permission_denied'],
  ['SELECT 1 -- \n; DROP TABLE customers', 'statement_invalid'],
  ['WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone', 'permission_denied'],
  ['SELECT * INTO copied FROM customers', 'read_only'],
  ['CREATE TABLE copied AS SELECT * FROM customers', 'read_only'],
  ['SELECT * FROM customers FOR UPDATE', 'permission_denied'],
  ['MERGE INTO customers c USING products p ON c.id = p.id WHEN MATCHED THEN DELETE', 'permission_denied'],
  // Everything that is no query.
  ["COPY customers TO PROGRAM 'cat'", 'statement_invalid'],
  ["COPY customers TO '/tmp/x'", 'statement_invalid'],
  ['COPY customers FROM STDIN', 'statement_invalid'],
  ['DO $$ BEGIN PERFORM 1; END $$', 'statement_invalid'],
  ['CALL nothing()', 'statement_invalid'],
  ['SET ROLE toolgate_owner', 'statement_invalid'],
  ['RESET ROLE', 'statement_invalid'],
  ['SET SESSION AUTHORIZATION toolgate_owner', 'statement_invalid'],
  ['SET statement_timeout = 0', 'statement_invalid'],
  ['BEGIN', 'statement_invalid'],
  ['COMMIT', 'statement_invalid'],
  ['ROLLBACK', 'statement_invalid'],
  ['PREPARE p AS SELECT 1', 'statement_invalid'],
  ['EXECUTE p', 'statement_invalid'],
  ['DEALLOCATE ALL', 'statement_invalid'],
  ['LISTEN x', 'statement_invalid'],
  ['LOCK TABLE customers', 'statement_invalid'],
  ["LOAD '/tmp/x.so'", 'statement_invalid'],
  ['VACUUM', 'statement_invalid'],
  ['ANALYZE customers', 'statement_invalid'],
  ['ANALYZE SELECT 1', 'statement_invalid'],
  ['EXPLAIN ANALYZE SELECT 1', 'statement_invalid'],
  ['SHOW ALL', 'statement_invalid'],
  // More than one statement.
  ['SELECT 1; SELECT 2', 'statement_invalid'],
  ['SELECT 1; COMMIT; DROP TABLE customers', 'statement_invalid'],
  ['SELECT 1; COMMIT; SET default_transaction_read_only = off', 'statement_invalid'],
  ['', 'statement_invalid'],
  [';', 'statement_invalid'],
  ['-- nothing', 'statement_invalid'],
  // Functions that act, wait, look around or run what the plan does not show.
  ["SELECT set_config('transaction_read_only', 'off', false)", 'permission_denied'],
  ["SELECT set_config('role', 'toolgate_owner', false)", 'permission_denied'],
  ["SELECT pg_catalog.\"set_config\"('statement_timeout', '0', false)", 'permission_denied'],
  ["SELECT U&\"set_\\0063onfig\"('statement_timeout', '0', false)", 'permission_denied'],
  ['SELECT pg_sleep(60)', 'permission_denied'],
  ["SELECT pg_read_file('/etc/passwd')", 'permission_denied'],
  ["SELECT pg_ls_dir('/')", 'permission_denied'],
  ["SELECT lo_import('/etc/passwd')", 'permission_denied'],
  ["SELECT lo_from_bytea(0, 'x')", 'permission_denied'],
  ["SELECT dblink('host=/tmp', 'SELECT 1')", 'statement_invalid'],
  ['SELECT pg_terminate_backend(pid) FROM pg_stat_activity', 'permission_denied'],
  ['SELECT pg_cancel_backend(1)', 'permission_denied'],
  ["SELECT nextval('customers_id_seq')", 'permission_denied'],
  ["SELECT setval('customers_id_seq', 1)", 'permission_denied'],
  ['SELECT pg_advisory_lock(1)', 'permission_denied'],
  ['SELECT pg_try_advisory_lock(1)', 'permission_denied'],
  ["SELECT pg_notify('a', 'b')", 'permission_denied'],
  ["SELECT pg_logical_emit_message(false, 'a', 'b')", 'permission_denied'],
  ["SELECT query_to_xml('SELECT ssn FROM customers', true, true, '')", 'permission_denied'],
  ["SELECT table_to_xml('customers', true, true, '')", 'permission_denied'],
  ["SELECT database_to_xml(true, true, '')", 'permission_denied'],
  ["SELECT * FROM ts_stat('SELECT to_tsvector(ssn) FROM customers')", 'permission_denied'],
  ["SELECT ts_rewrite('a'::tsquery, 'SELECT to_tsquery(ssn), to_tsquery(ssn) FROM customers')", 'permission_denied'],
  ['SELECT 1 LIMIT pg_sleep(60)::text::int', 'permission_denied'],
  ['SELECT 1 OFFSET pg_backend_pid() - pg_backend_pid() + length(pg_advisory_lock(1)::text)', 'permission_denied'],
  // Where the system keeps values of rows and words of other callers.
  ["SELECT most_common_vals FROM pg_stats WHERE attname = 'ssn'", 'permission_denied'],
  ['SELECT * FROM pg_statistic', 'permission_denied'],
  ['SELECT query FROM pg_stat_activity', 'permission_denied'],
  ['SELECT pg_stat_get_activity(NULL)', 'permission_denied'],
  ['SELECT pg_stat_get_backend_activity(1)', 'permission_denied'],
  ['SELECT rolpassword FROM pg_authid', 'permission_denied'],
  ['SELECT * FROM pg_hba_file_rules', 'permission_denied'],
  ['SELECT * FROM pg_largeobject', 'permission_denied'],
  ['SELECT * FROM pg_prepared_statements', 'permission_denied'],
];

describe('postgres.readonly under attack', () => {
  const world = postgresWorld();
  let tool: ServedTool;

  before(() => {
    // One connection, so that whatever an attack leaves behind would meet the next call.
    tool = postgresReadonly(world.open('reader', { connectionsMax: 1 }), { rowsMax: 50, cellBytesMax: 100_000 });
  });

  for (const [sql, code] of attacks) {
    test(sql === '' ? 'an empty statement' : sql, async () => {
      const started = performance.now();
      assert.equal(errorOf(await callTool(tool, { sql })).code, code);
      assert.ok(performance.now() - started < 3_000, 'it is refused, not waited for');
    });
  }

  test('after all of it nothing has changed, for the data or for the connection', async () => {
    const { rows } = structureOf(
      await callTool(tool, {
        sql: `SELECT current_user::text, current_setting('transaction_read_only'), current_setting('statement_timeout'),
                     current_setting('search_path'), (SELECT count(*) FROM customers WHERE city <> 'x')`,
      }),
    );
    assert.deepEqual(rows, [['toolgate_reader', 'on', '5s', 'public', 120]]);
    const [state] = await world.asOwner(`SELECT
      (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks,
      (SELECT count(*)::int FROM pg_class WHERE relname = 'copied') AS copies,
      (SELECT last_value::int FROM customers_id_seq) AS sequence`);
    assert.deepEqual(state, { locks: 0, copies: 0, sequence: 120 });
  });

  test('a role with more rights than it should have still only reads', async () => {
    const owner = postgresReadonly(world.open('owner', { isReadOnly: true, connectionsMax: 1 }), {
      rowsMax: 5,
      cellBytesMax: 10_000,
    });
    for (const [sql, code] of [
      ["UPDATE customers SET city = 'x'", 'read_only'],
      ['WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone', 'read_only'],
      ['SELECT * INTO copied FROM customers', 'read_only'],
      ['CREATE TABLE copied AS SELECT 1', 'read_only'],
      ["SELECT set_config('transaction_read_only', 'off', false)", 'permission_denied'],
      ["SELECT pg_read_file('postgresql.conf')", 'permission_denied'],
      ['SELECT pg_sleep(60)', 'permission_denied'],
      ["SELECT query_to_xml('SELECT ssn FROM customers', true, true, '')", 'permission_denied'],
      ['SELECT 1 FROM customers WHERE pg_advisory_lock(1) IS NOT NULL', 'permission_denied'],
      ["SELECT most_common_vals FROM pg_stats WHERE attname = 'ssn'", 'permission_denied'],
      ['SELECT * FROM pg_stat_activity', 'permission_denied'],
      ['SELECT 1; DROP TABLE customers', 'statement_invalid'],
    ] as const) {
      assert.equal(errorOf(await callTool(owner, { sql })).code, code, sql);
    }
  });

  test('the shape of the database may be read', async () => {
    const { rows } = structureOf(
      await callTool(tool, {
        sql: "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position LIMIT 2",
      }),
    );
    assert.deepEqual(rows, [
      ['id', 'integer'],
      ['name', 'text'],
    ]);
  });

  test('names in texts and in quotation marks are no calls', async () => {
    const { rows } = structureOf(
      await callTool(tool, {
        sql: `SELECT 'pg_sleep(1)' || city AS "set_config(" FROM customers WHERE name <> 'it''s pg_sleep(1)' LIMIT 1`,
      }),
    );
    assert.equal((rows as unknown[]).length, 1);
  });
});
