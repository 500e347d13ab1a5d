import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Database } from '../../../runtime/tools/postgres/run-statement.ts';
import { postgresReadonly } from '../../../runtime/tools/read/postgres-readonly.ts';
import { callTool, structureOf } from '../call-tool.ts';
import { postgresWorld } from '../postgres-world.ts';

const column = (name: string, table = 'customers') => ({ kind: 'column', schema: 'public', table, column: name });

/** A query and, for each of its columns: its own table and column, or the tables that it was computed from. */
const rows: readonly [sql: string, ...origins: (object | readonly string[] | 'count of customers')[]][] = [
  ['SELECT email, ssn FROM customers', column('email'), column('ssn')],
  ['SELECT email AS city FROM customers', column('email')],
  ['SELECT c.* FROM (SELECT ssn AS a, city AS b FROM customers) AS c', column('ssn'), column('city')],
  ['SELECT DISTINCT email FROM customers', column('email')],
  ['SELECT email COLLATE "C" AS e FROM customers', ['customers']],
  ['SELECT (c).email FROM customers c', column('email')],
  ['WITH t AS (SELECT ssn s FROM customers) SELECT s FROM t', column('ssn')],
  ['WITH t AS MATERIALIZED (SELECT ssn s FROM customers) SELECT s FROM t', column('ssn')],
  ['SELECT l.ssn FROM products p CROSS JOIN LATERAL (SELECT ssn FROM customers LIMIT p.id) l', column('ssn')],
  ['SELECT id, a.ssn FROM customers a JOIN customers b USING (id)', column('id'), column('ssn')],
  ['SELECT ssn FROM customers a FULL JOIN customers b USING (ssn)', ['customers']],
  ['SELECT lower(email) FROM customers', ['customers']],
  ['SELECT email::varchar AS name FROM customers', ['customers']],
  ["SELECT ssn || '' FROM customers", ['customers']],
  ['SELECT md5(ssn) FROM customers', ['customers']],
  ["SELECT encode(ssn::bytea, 'hex') FROM customers", ['customers']],
  ['SELECT c FROM customers c', ['customers']],
  ['SELECT row_to_json(c) FROM customers c', ['customers']],
  ["SELECT to_jsonb(c) -> 'ssn' FROM customers c", ['customers']],
  ['SELECT ROW(ssn, 1) FROM customers', ['customers']],
  ['SELECT array_agg(ssn) FROM customers', ['customers']],
  ["SELECT string_agg(ssn, ',') FROM customers", ['customers']],
  ['SELECT json_agg(c) FROM customers c', ['customers']],
  ['SELECT min(ssn), count(DISTINCT ssn), count(ssn) FROM customers', ['customers'], ['customers'], ['customers']],
  ['SELECT ascii(ssn) FROM customers', ['customers']],
  ['SELECT first_value(ssn) OVER (ORDER BY id) FROM customers', ['customers']],
  ['SELECT (SELECT ssn FROM customers LIMIT 1)', ['customers']],
  ['SELECT ARRAY(SELECT ssn FROM customers)', ['customers']],
  ["SELECT EXISTS (SELECT FROM customers WHERE ssn LIKE '9%')", ['customers']],
  ["SELECT CASE WHEN ssn > '950' THEN 1 ELSE 0 END FROM customers", ['customers']],
  ['SELECT name FROM products UNION ALL SELECT ssn FROM customers', ['customers', 'products']],
  ['SELECT x FROM (SELECT name AS x FROM products UNION SELECT ssn FROM customers) u', ['customers', 'products']],
  ['SELECT city FROM customers EXCEPT SELECT ssn FROM customers', ['customers']],
  [
    'WITH RECURSIVE t AS (SELECT 1 AS n, ssn FROM customers UNION ALL SELECT n + 1, ssn FROM t WHERE n < 2) SELECT ssn FROM t',
    ['customers'],
  ],
  ['SELECT v.s FROM (VALUES ((SELECT ssn FROM customers LIMIT 1))) AS v (s)', ['customers']],
  ['SELECT j.email FROM customers c, json_to_record(row_to_json(c)) AS j (email text)', ['customers']],
  ['SELECT u FROM customers, unnest(ARRAY[ssn, email]) AS u', ['customers']],
  ["SELECT s FROM customers, regexp_split_to_table(ssn, '-') AS s", ['customers']],
  ['SELECT generate_series(1, length(ssn)) FROM customers', ['customers']],
  ['SELECT ctid, tableoid::regclass FROM customers', ['customers'], ['customers']],
  [
    "SELECT products.name, 1 FROM products LEFT JOIN customers ON ssn LIKE '9%'",
    column('name', 'products'),
    ['customers', 'products'],
  ],
  // Views and copies have names of their own that no mask knows.
  ['SELECT email FROM customer_mails', ['customer_mails', 'customers']],
  ['SELECT email FROM nested_mails', ['customer_mails', 'customers', 'nested_mails']],
  ['SELECT mail FROM stored_mails', ['customers', 'stored_mails']],
  ['SELECT ssn FROM people_2025', ['people', 'people_2025']],
  ['SELECT ssn FROM people', column('ssn', 'people')],
  ['SELECT ssn FROM special_staff', ['special_staff', 'staff']],
  // Nothing is touched.
  ["SELECT 1, 'ssn'", [], []],
  ['VALUES (1), (2)', []],
  // How many rows there are, and what only looks like it.
  ['SELECT count(*) FROM customers', 'count of customers'],
  [
    'SELECT city, count(*) FROM customers GROUP BY city ORDER BY count(*) DESC LIMIT 3',
    column('city'),
    'count of customers',
  ],
  ['SELECT count(*) + 0 FROM customers', ['customers']],
  ["SELECT count(*) FILTER (WHERE ssn LIKE '9%') FROM customers", ['customers']],
  ['SELECT count(*) FROM customers UNION ALL SELECT ascii(ssn) FROM customers', ['customers']],
  ['SELECT ascii(ssn) FROM customers UNION ALL SELECT count(*) FROM customers', ['customers']],
  ['SELECT "count(*)" FROM (SELECT ascii(ssn) AS "count(*)" FROM customers) AS t', ['customers']],
  ['SELECT "(count(*))" FROM (SELECT ascii(ssn) AS "(count(*))" FROM customers OFFSET 0) AS t LIMIT 1', ['customers']],
  ['SELECT max(n) FROM (SELECT count(*) AS n FROM customers GROUP BY ssn) AS t', ['customers']],
  ['SELECT count(*) OVER (ORDER BY ssn) FROM customers', ['customers']],
];

describe('the origin of a result column', () => {
  const world = postgresWorld();
  let database: Database;
  const originsOf = async (sql: string) => {
    const tool = postgresReadonly(database, { rowsMax: 5, cellBytesMax: 100_000 });
    const { columns } = structureOf(await callTool(tool, { sql }));
    return (columns as { origin: { kind: string; relations?: { table: string }[]; count_only?: boolean } }[]).map(
      ({ origin }) => {
        if (origin.kind === 'column') return origin;
        const tables = (origin.relations ?? []).map(({ table }) => table).sort();
        return origin.count_only === true ? `count of ${tables.join(', ')}` : tables;
      },
    );
  };

  before(async () => {
    await world.asOwner(`
      CREATE VIEW customer_mails AS SELECT id, email FROM customers;
      CREATE VIEW nested_mails AS SELECT email FROM customer_mails WHERE id > 0;
      CREATE MATERIALIZED VIEW stored_mails AS SELECT email AS mail FROM customers;
      CREATE TABLE people (born int, ssn text) PARTITION BY RANGE (born);
      CREATE TABLE people_2025 PARTITION OF people FOR VALUES FROM (2025) TO (2026);
      CREATE TABLE staff (ssn text);
      CREATE TABLE special_staff (bonus int) INHERITS (staff);
      INSERT INTO people VALUES (2025, '900-00-0000');
      INSERT INTO special_staff VALUES ('900-00-0001', 5);
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO toolgate_reader`);
    database = world.open('reader');
  });

  for (const [sql, ...origins] of rows) {
    test(sql, async () => {
      assert.deepEqual(await originsOf(sql), origins);
    });
  }

  test('while a function of the database may be called, everything computed counts as read from every table', async () => {
    assert.deepEqual(await originsOf('SELECT 1 AS one'), [[]]);
    // A liar: immutable, so the planner puts its answer into the plan and its name is gone.
    await world.asOwner(`
      CREATE FUNCTION leak() RETURNS text LANGUAGE sql IMMUTABLE SECURITY DEFINER AS 'SELECT ssn FROM public.customers LIMIT 1';
      GRANT EXECUTE ON FUNCTION leak() TO toolgate_reader`);
    try {
      const [tables] = (await originsOf('SELECT leak()')) as [string[]];
      assert.ok(tables.includes('customers'));
      assert.deepEqual(await originsOf('SELECT ssn FROM customers'), [column('ssn')]);
    } finally {
      await world.asOwner('DROP FUNCTION leak()');
    }
  });
});
