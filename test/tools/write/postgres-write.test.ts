import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../../runtime/contract/json.ts';
import type { ServedTool } from '../../../runtime/tools/served-tool.ts';
import { postgresWrite } from '../../../runtime/tools/write/postgres-write.ts';
import { callTool, errorOf, structureOf } from '../call-tool.ts';
import { postgresWorld } from '../postgres-world.ts';

describe('postgres.write', () => {
  const world = postgresWorld();
  let tool: ServedTool;
  const write = async (args: JsonObject) => structureOf(await callTool(tool, args));
  const refused = async (args: JsonObject) => errorOf(await callTool(tool, args));
  const cities = async (city: string) =>
    (await world.asOwner(`SELECT count(*)::int AS n FROM customers WHERE city = '${city}'`))[0]?.n;

  before(() => {
    tool = postgresWrite(world.open('writer', { connectionsMax: 1 }));
  });

  test('changes rows and says how many', async () => {
    assert.deepEqual(await write({ sql: 'UPDATE customers SET city = $1 WHERE id <= $2', params: ['Newtown', 3] }), {
      rows_affected: 3,
    });
    assert.equal(await cities('Newtown'), 3);
    const sql = 'INSERT INTO products (sku, name, price_cents, stock) VALUES ($1, $2, $3, 1)';
    assert.deepEqual(await write({ sql, params: ['SKU-W', 'Wool desk', 100] }), { rows_affected: 1 });
    assert.deepEqual(await write({ sql: "DELETE FROM products WHERE sku = 'SKU-W'" }), { rows_affected: 1 });
    assert.deepEqual(await write({ sql: "DELETE FROM products WHERE sku = 'SKU-W'" }), { rows_affected: 0 });
  });

  test('keeps nothing of a statement that changes more rows than allowed', async () => {
    const sql = "UPDATE customers SET city = 'Everywhere'";
    assert.match((await refused({ sql })).message, /120 rows, more than the 100 allowed\. Nothing was changed/);
    assert.equal((await refused({ sql, max_affected_rows: 119 })).code, 'too_many_rows');
    assert.equal(await cities('Everywhere'), 0);
    assert.deepEqual(await write({ sql, max_affected_rows: 120 }), { rows_affected: 120 });
  });

  test('returns no row, whatever the statement says', async () => {
    const result = await callTool(tool, {
      sql: "UPDATE customers SET city = 'Quiet' WHERE id <= 5 RETURNING ssn, email",
    });
    assert.deepEqual(structureOf(result), { rows_affected: 5 });
    assert.deepEqual(result.content, [{ type: 'text', text: '{"rows_affected":5}' }]);
    assert.equal(await cities('Quiet'), 5);
  });

  test('takes one INSERT, UPDATE or DELETE and nothing else', async () => {
    for (const [sql, code] of [
      ['SELECT ssn FROM customers', 'statement_invalid'],
      ['SELECT * INTO copied FROM customers', 'statement_invalid'],
      ['CREATE TABLE copied AS SELECT 1', 'statement_invalid'],
      ["UPDATE customers SET city = 'a'; DELETE FROM orders", 'statement_invalid'],
      ['WITH gone AS (DELETE FROM order_items RETURNING *) DELETE FROM orders', 'statement_invalid'],
      ['WITH gone AS (DELETE FROM order_items RETURNING *) SELECT 1', 'statement_invalid'],
      ['MERGE INTO products p USING orders o ON p.id = o.id WHEN MATCHED THEN DELETE', 'statement_invalid'],
      ['TRUNCATE customers', 'statement_invalid'],
      ['DROP TABLE customers', 'statement_invalid'],
      ['COMMIT', 'statement_invalid'],
      ['SET ROLE toolgate_owner', 'statement_invalid'],
      ["COPY customers FROM PROGRAM 'id'", 'statement_invalid'],
      ["UPDATE customers SET city = pg_read_file('/etc/passwd')", 'permission_denied'],
      ["UPDATE customers SET city = set_config('role', 'toolgate_owner', false)", 'permission_denied'],
      ["UPDATE customers SET city = query_to_xml('DELETE FROM orders', true, true, '')::text", 'permission_denied'],
      ['UPDATE order_totals SET status = 1', 'statement_invalid'],
      ['DELETE FROM pg_class', 'permission_denied'],
      ['UPDATE customers SET city = (SELECT most_common_vals::text FROM pg_stats LIMIT 1)', 'permission_denied'],
    ] as const) {
      const error = await refused({ sql, max_affected_rows: 10_000 });
      assert.equal(error.code, code, `${sql}: ${error.message}`);
    }
    const [left] = await world.asOwner(
      'SELECT (SELECT count(*)::int FROM orders) AS orders, (SELECT count(*)::int FROM order_items) AS items',
    );
    assert.deepEqual(left, { orders: 300, items: 600 });
  });

  test('a broken constraint quotes no row', async () => {
    const [person] = await world.asOwner('SELECT email FROM customers WHERE id = 2');
    const error = await refused({
      sql: 'UPDATE customers SET email = (SELECT email FROM customers WHERE id = 2) WHERE id = 1',
    });
    assert.deepEqual([error.code, error.sqlstate], ['constraint_violated', '23505']);
    assert.ok(!JSON.stringify(error).includes(String(person?.email)));
  });

  test('a caller who leaves changes nothing', async () => {
    const leaving = new AbortController();
    const sql =
      "UPDATE customers SET city = 'Gone' || (SELECT count(*) FROM orders a, orders b, orders c, orders d WHERE customers.id > 0)";
    const call = callTool(tool, { sql, max_affected_rows: 1_000 }, leaving.signal);
    const end = performance.now() + 5_000;
    const isActive = async () =>
      (
        await world.asOwner(
          "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'UPDATE%Gone%' AND usename = 'toolgate_writer'",
        )
      ).length === 1;
    while (!(await isActive())) {
      assert.ok(performance.now() < end);
      await delay(10);
    }
    leaving.abort();
    assert.equal(errorOf(await call).code, 'cancelled');
    assert.deepEqual(await world.asOwner("SELECT id FROM customers WHERE city LIKE 'Gone%'"), []);
    assert.deepEqual(await write({ sql: "UPDATE customers SET city = 'Here' WHERE id = 1" }), { rows_affected: 1 });
  });

  test('a lock that somebody else holds is waited for, but not for long', async () => {
    const holder = world.open('writer', { connectionsMax: 1 });
    const impatient = postgresWrite(world.open('writer', { connectionsMax: 1, statementTimeoutMs: 200 }));
    await holder.transact(new AbortController().signal, async (transaction) => {
      const limits = { rowsMax: 0, cellBytesMax: 0, batchRows: 0 };
      await transaction.run("UPDATE customers SET city = 'Held' WHERE id = 9", [], limits);
      const error = errorOf(await callTool(impatient, { sql: "UPDATE customers SET city = 'Other' WHERE id = 9" }));
      assert.ok(['try_again', 'statement_timeout'].includes(error.code), error.code);
    });
    assert.deepEqual(await world.asOwner("SELECT id FROM customers WHERE city IN ('Held', 'Other')"), []);
  });
});
