import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Database } from '../../../runtime/tools/postgres/run-statement.ts';
import { postgresReadonly } from '../../../runtime/tools/read/postgres-readonly.ts';
import { callTool, structureOf } from '../call-tool.ts';
import { postgresWorld } from '../postgres-world.ts';

const digits = 'substr(c.ssn, 2, 2)::int';

/** Each puts digits of `customers.ssn` into rows, counts or neighbours of columns that nobody masks. */
const readers: readonly string[] = [
  `SELECT c.id, o.id FROM customers c JOIN orders o ON o.id = 10 + ${digits}`,
  `SELECT c.id, o.id FROM customers c, orders o WHERE o.id - 10 = ${digits}`,
  `SELECT c.id, o.id FROM customers c LEFT JOIN orders o ON o.id = ascii(c.ssn)`,
  `SELECT c.id, count(*) FROM customers c, generate_series(1, ${digits}) GROUP BY c.id`,
  `SELECT c.id FROM customers c, generate_series(1, ${digits})`,
  'SELECT id, generate_series(1, ascii(ssn)) FROM customers',
  'SELECT id FROM (SELECT id, generate_series(1, ascii(ssn)) FROM customers) AS t',
  `SELECT c.id, o.id FROM customers c, LATERAL (VALUES (${digits})) v (x) JOIN orders o ON o.id = v.x`,
  `SELECT c.id, o.id FROM customers c, LATERAL (VALUES (1), (${digits})) v (x) JOIN orders o ON o.id = v.x`,
  `SELECT c.id, o.id FROM customers c, LATERAL (SELECT id FROM orders ORDER BY id OFFSET ${digits} LIMIT 1) o`,
  `SELECT c.id, o.id FROM customers c JOIN orders o ON o.id = (SELECT id FROM orders ORDER BY id OFFSET ${digits} LIMIT 1)`,
  `WITH t AS MATERIALIZED (SELECT c.id, (SELECT id FROM orders ORDER BY id OFFSET ${digits} LIMIT 1) AS x FROM customers c)
   SELECT t.id, o.id FROM t JOIN orders o ON o.id = t.x`,
  `WITH t AS MATERIALIZED (SELECT id, ${digits} AS x FROM customers c) SELECT t.id, o.id FROM t JOIN orders o ON o.id = t.x`,
  `WITH t AS MATERIALIZED (SELECT id, ssn AS city FROM customers c) SELECT a.id FROM t a JOIN t b ON a.city < b.city`,
  `WITH RECURSIVE t (id, n) AS (SELECT id, ${digits} FROM customers c UNION ALL SELECT id, n - 1 FROM t WHERE n > 0) SELECT o.id FROM t JOIN orders o ON o.id = t.id`,
  `SELECT o.id FROM orders o JOIN (SELECT 5 AS x UNION ALL SELECT ${digits} FROM customers c) u ON u.x = o.id`,
  `SELECT o.id FROM orders o JOIN (SELECT name AS x FROM products UNION ALL SELECT ssn FROM customers) u ON u.x LIKE o.id || '%'`,
  `SELECT o.id FROM orders o JOIN (SELECT id FROM orders INTERSECT SELECT ascii(ssn) FROM customers) u ON u.id = o.id`,
  'SELECT id FROM orders WHERE id = (SELECT ascii(ssn) FROM customers WHERE id = 1)',
  'SELECT id FROM orders ORDER BY id LIMIT (SELECT ascii(ssn) FROM customers WHERE id = 1)',
  'SELECT id FROM orders WHERE id IN (SELECT ascii(ssn) FROM customers)',
  'SELECT id FROM orders WHERE EXISTS (SELECT FROM customers WHERE ascii(ssn) = orders.id)',
  'SELECT id FROM orders TABLESAMPLE bernoulli ((SELECT ascii(ssn) FROM customers LIMIT 1))',
  `SELECT id FROM customers WHERE ssn LIKE '9%'`,
  `SELECT count(*) FROM customers WHERE ssn < '950'`,
  `SELECT id FROM customers WHERE ssn IN ('900-00-0000', '900-00-0001')`,
  `SELECT id FROM customers WHERE ssn::char(2) = '93'`,
  `SELECT id FROM customers WHERE ssn = '9' || name`,
  `SELECT a.id, b.id FROM customers a LEFT JOIN customers b ON a.id = b.id AND b.ssn = '1' JOIN customers d ON d.id = a.id AND d.ssn = '2'`,
  'SELECT id FROM customers WHERE ssn IS NOT DISTINCT FROM name',
  `SELECT id FROM customers ORDER BY ssn LIKE '95%', id`,
  'SELECT city, count(*) FROM customers GROUP BY city, substr(ssn, 2, 1)',
  `SELECT city FROM customers GROUP BY city HAVING max(ssn) > '95'`,
  `SELECT city, count(*) FROM customers GROUP BY GROUPING SETS ((city), (left(ssn, 2)))`,
  'SELECT id FROM (SELECT id, substr(ssn, 2, 1) AS x FROM customers OFFSET 0) t ORDER BY x, id',
  'SELECT count(*) FROM (SELECT substr(ssn, 2, 1) AS x FROM customers OFFSET 0) t GROUP BY x ORDER BY x',
  `SELECT o.id FROM (SELECT id, ssn LIKE '9%' AS f FROM customers OFFSET 0) t JOIN orders o ON t.f AND o.id = t.id`,
  `SELECT c.id FROM customers c JOIN orders o ON (c.ssn, o.id) IN (VALUES ('900-00-0000', 1), ('900-00-0001', 2))`,
  `SELECT id FROM customers c WHERE jsonb_path_exists(to_jsonb(c), '$.ssn ? (@ starts with "95")')`,
  `SELECT id FROM customers ORDER BY ssn COLLATE "C", id`,
  `SELECT id FROM customers c WHERE c::text LIKE '%950%'`,
  `SELECT id FROM customers c WHERE to_jsonb(c) ->> 'ssn' > '95'`,
  `SELECT c.id FROM customers c, jsonb_each_text(to_jsonb(c)) e JOIN orders o ON o.id = length(e.value)`,
  `SELECT o.id FROM orders o JOIN (SELECT row_number() OVER (ORDER BY ascii(ssn)) AS r FROM customers) w ON w.r = o.id`,
  `SELECT o.id FROM customers AS "order ""x""" (a, b, d, e) JOIN orders o ON o.id = ascii("order ""x""".e)`,
  `SELECT o.id FROM customers AS c (id, ssn, email, name) JOIN orders o ON o.id = ascii(c.name)`,
  `SELECT c.id FROM customers c/**/(id, ssn, email, name) WHERE c.name = '900-00-0000' AND c.name = c.email`,
  `SELECT o.id FROM customers U&"\\0063" (id, ssn, email, name) JOIN orders o ON o.id = ascii(c.name)`,
  `SELECT o.id FROM products c, customers "C"
   (id, ssn, email, name) JOIN orders o ON o.id = ascii("C".name)`,
  'SELECT id FROM secret_people WHERE born = 2025 AND ssn > name',
];

/** What people ask every day and tells nothing of `customers.ssn`. */
const askers: readonly string[] = [
  'SELECT id, name, ssn, email FROM customers ORDER BY id LIMIT 5',
  'SELECT * FROM customers',
  'SELECT c.ssn, o.id FROM customers c JOIN orders o ON o.customer_id = c.id',
  `SELECT c.name, c.ssn, sum(i.quantity) FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_items i ON i.order_id = o.id
   WHERE c.city LIKE 'P%' AND o.placed_at > now() - interval '10 years' GROUP BY c.id ORDER BY sum(i.quantity) DESC`,
  `WITH top AS (SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id)
   SELECT c.name, c.ssn, top.n FROM customers c JOIN top ON top.customer_id = c.id WHERE top.n > 1`,
  `SELECT id, name FROM customers WHERE ssn = '900-00-0000'`,
  `SELECT count(*) FROM customers WHERE ssn::varchar = '900-00-0000' AND city IN ('Easton', 'Greyfield')`,
  'SELECT name, lower(ssn) FROM customers ORDER BY ssn',
  'SELECT ssn, count(*) FROM customers GROUP BY ssn',
  'SELECT city, count(*) FROM customers GROUP BY city HAVING count(*) > 3 ORDER BY 2',
  'SELECT ssn FROM customers UNION SELECT name FROM products',
  'SELECT lower(ssn) FROM customers UNION ALL SELECT name FROM products LIMIT 3',
  'SELECT o.id, (SELECT ssn FROM customers WHERE id = o.customer_id) FROM orders o',
  'SELECT * FROM order_totals WHERE total_cents > 5000',
  `SELECT column_name FROM information_schema.columns WHERE table_name = 'customers'`,
  'SELECT 1',
];

describe('the columns that steer which rows there are', () => {
  const world = postgresWorld();
  let database: Database;
  const steers = async (sql: string, params: string[] = []) => {
    const tool = postgresReadonly(database, { rowsMax: 5, cellBytesMax: 100_000 });
    const { steered_by: steering } = structureOf(await callTool(tool, { sql, params }));
    return (steering as { schema: string; table: string; column: string | null }[]).some(
      ({ schema, table, column }) =>
        schema === 'public' && ['customers', 'people'].includes(table) && (column ?? 'ssn') === 'ssn',
    );
  };

  before(async () => {
    await world.asOwner(`
      CREATE TABLE people (born int, name text, ssn text) PARTITION BY RANGE (born);
      CREATE TABLE secret_people PARTITION OF people FOR VALUES FROM (2025) TO (2026);
      ALTER TABLE people ADD COLUMN id int;
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO toolgate_reader`);
    database = world.open('reader');
  });

  for (const sql of readers) test(`told: ${sql}`, async () => assert.equal(await steers(sql), true));
  for (const sql of askers) test(`untold: ${sql}`, async () => assert.equal(await steers(sql), false));

  test('subqueries that name each other twice take no time', async () => {
    const levels = Array.from(
      { length: 40 },
      (_, n) => `t${n + 1} AS MATERIALIZED (SELECT a.x, b.x AS y FROM t${n} a, t${n} b LIMIT 1)`,
    );
    const sql = `WITH t0 AS MATERIALIZED (SELECT ssn AS x FROM customers), ${levels.join(', ')} SELECT c.id FROM t40 t JOIN customers c ON t.x = c.city`;
    const started = performance.now();
    assert.equal(await steers(sql), true);
    assert.ok(performance.now() - started < 2_000);
  });

  test('a value in params is a constant', async () => {
    assert.equal(await steers('SELECT id FROM customers WHERE ssn = $1', ['900-00-0000']), false);
  });

  test('a function of the database may compare anything', async () => {
    await world.asOwner(`
      CREATE FUNCTION digit(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT ascii(ssn) FROM public.customers WHERE id = $1); END';
      GRANT EXECUTE ON FUNCTION digit(int) TO toolgate_reader`);
    try {
      assert.equal(await steers('SELECT o.id FROM orders o JOIN products p ON p.id = digit(o.id)'), true);
      assert.equal(await steers('SELECT o.id FROM orders o JOIN products p ON p.id = o.id'), false);
    } finally {
      await world.asOwner('DROP FUNCTION digit(int)');
    }
  });
});
