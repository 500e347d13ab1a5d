import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { duckDbScript, recordsView } from '../../bin/commands/duckdb-script.ts';
import { auditQueries } from '../../lib/audit-queries.ts';
import type { AuditEvent } from '../../runtime/contract/audit-event.ts';
import { localAuditBucket, openBucketTestWriter } from '../support/audit-bucket.ts';
import { auditEvent, openTestWriter, testFolder } from '../support/audit-events.ts';
import { type DuckDb, openRecords } from './duckdb-records.ts';
import { openTrinoParser } from './parse-trino.ts';

const day = '2026-11-21';
const caller = (subject: string, kind = 'human') => ({ subject, kind, roles: ['reader'], scopes: ['read:data'] });

/** A day of two tenants by two gateways. */
const events: readonly Partial<AuditEvent>[] = [
  ...Array.from({ length: 20 }, (_, n) => ({
    call_id: `alice-${n}`,
    caller: caller('alice'),
    time: `${day}T09:00:${String(n).padStart(2, '0')}.000Z`,
    latency_ms: { forward: n, total: n + 1 },
  })),
  {
    call_id: 'alice-masked',
    caller: caller('alice'),
    time: `${day}T10:59:59.999Z`,
    arguments: { sql: "select email from customers where name = 'O\u2019Hara'", nested: [{ deep: [1, null] }] },
    redactions: { masked_cells: 3, pii: { email: 2, iban: 1 } },
    latency_ms: { total: 50 },
  },
  {
    call_id: 'alice-list',
    caller: caller('alice'),
    method: 'tools/list',
    server: null,
    tool: null,
    latency_ms: { total: 0.5 },
  },
  {
    call_id: 'bob-refused',
    caller: caller('bob', 'agent'),
    outcome: 'refused',
    code: 'policy_denied',
    reason: 'Policy does not allow this call.',
    http_status: 403,
    policy: { revision: 'r1', reasons: ['role_missing'], obligations: [] },
    response: null,
    redactions: null,
  },
  {
    call_id: 'bob-refused-again',
    caller: caller('bob', 'agent'),
    outcome: 'refused',
    code: 'policy_denied',
    reason: 'Policy does not allow this call.',
    policy: { revision: 'r1', reasons: ['role_missing'], obligations: [] },
  },
  {
    call_id: 'bob-over',
    caller: caller('bob', 'agent'),
    outcome: 'refused',
    code: 'quota_exceeded',
    reason: 'No.',
    policy: null,
  },
  {
    call_id: 'bob-write',
    event: 'mcp_call_intent',
    outcome: 'pending',
    caller: caller('bob', 'agent'),
    server: 'write',
    tool: 'postgres.write',
    approval_id: 'grant-1',
    time: `${day}T11:00:00.000Z`,
  },
  {
    call_id: 'bob-write',
    caller: caller('bob', 'agent'),
    server: 'write',
    tool: 'postgres.write',
    approval_id: 'grant-1',
    time: `${day}T11:00:00.000Z`,
    latency_ms: { total: 12.5 },
  },
  { call_id: 'other-day', caller: caller('alice'), time: '2026-11-22T00:00:00.000Z' },
  { call_id: 'other-tenant', tenant: 'globex', caller: caller('carol') },
  { call_id: 'odd-tenant', tenant: 'Größe & Co', caller: caller('dave') },
];

async function recordedDay(t: TestContext): Promise<string> {
  const bucket = await localAuditBucket(t);
  const folder = testFolder(t);
  for (const subject of ['alice', 'bob']) {
    const writer = await openBucketTestWriter(folder, bucket.objects);
    const own = events.filter(({ call_id = '' }) => call_id.startsWith('bob') === (subject === 'bob'));
    await Promise.all(own.map((event) => writer.append(auditEvent(event))));
    await writer.close();
  }
  return bucket.copy(join(folder, 'copy'));
}

const sqlOf = (name: string) =>
  auditQueries.find((query) => query.name === name)?.sql.replaceAll('{table}', 'records') ?? '';

test("the auditor's queries in DuckDB, over objects that the writer wrote", async (t) => {
  const records = await openRecords(await recordedDay(t));
  t.after(() => records.close());
  const ask = (name: string, ...parameters: string[]) => records.ask(sqlOf(name), 'acme', day, ...parameters);

  await t.test('all records are there, those of every tenant under their own partition', async () => {
    const rows = await records.ask(
      "SELECT tenant, dt, count(*) AS n FROM records WHERE event LIKE 'mcp_call%' GROUP BY tenant, dt ORDER BY tenant, dt",
    );
    assert.deepEqual(rows, [
      { tenant: 'acme', dt: day, n: '27' },
      { tenant: 'acme', dt: '2026-11-22', n: '1' },
      { tenant: 'globex', dt: day, n: '1' },
      { tenant: `x.${Buffer.from('Größe & Co').toString('hex')}`, dt: day, n: '1' },
    ]);
  });

  await t.test('who called what', async () => {
    const rows = await ask('who-called-what');
    assert.deepEqual(
      rows.map(({ subject, kind, tool, outcome, calls }) => [subject, kind, tool, outcome, calls]),
      [
        ['alice', 'human', 'postgres.readonly', 'ok', '21'],
        ['bob', 'agent', 'postgres.readonly', 'refused', '3'],
        ['bob', 'agent', 'postgres.write', 'ok', '1'],
      ],
    );
    assert.deepEqual([rows[0]?.first_call, rows[0]?.last_call], [`${day}T09:00:00.000Z`, `${day}T10:59:59.999Z`]);
  });

  await t.test('refused calls by reason', async () => {
    const rows = await ask('refused-calls-by-reason');
    assert.deepEqual(
      rows.map(({ code, policy_reasons, refusals, subjects }) => [code, policy_reasons, refusals, subjects]),
      [
        ['policy_denied', ['role_missing'], '2', '1'],
        ['quota_exceeded', null, '1', '1'],
      ],
    );
  });

  await t.test('everything one person touched', async () => {
    const rows = await ask('everything-one-person-touched', 'bob');
    assert.deepEqual(
      rows.map(({ event, tool, outcome, approval_id }) => [event, tool, outcome, approval_id]),
      [
        ['mcp_call', 'postgres.readonly', 'refused', null],
        ['mcp_call', 'postgres.readonly', 'refused', null],
        ['mcp_call', 'postgres.readonly', 'refused', null],
        ['mcp_call_intent', 'postgres.write', 'pending', 'grant-1'],
        ['mcp_call', 'postgres.write', 'ok', 'grant-1'],
      ],
    );
    const [masked] = (await ask('everything-one-person-touched', 'alice')).filter(
      ({ call_id }) => call_id === 'alice-masked',
    );
    assert.deepEqual(JSON.parse(String(masked?.arguments)), {
      sql: "select email from customers where name = 'O\u2019Hara'",
      nested: [{ deep: [1, null] }],
    });
  });

  await t.test('calls with PII masked', async () => {
    const rows = await ask('calls-with-pii-masked');
    assert.deepEqual(
      rows.map(({ subject, masked_cells, kinds, call_id }) => [subject, masked_cells, kinds, call_id]),
      [['alice', '3', ['email', 'iban'], 'alice-masked']],
    );
  });

  await t.test('latency by tool', async () => {
    assert.deepEqual(await ask('latency-by-tool'), [
      { server: 'read', tool: 'postgres.readonly', calls: '21', p50_ms: 11, p95_ms: 20, p99_ms: 50, max_ms: 50 },
      { server: 'write', tool: 'postgres.write', calls: '1', p50_ms: 12.5, p95_ms: 12.5, p99_ms: 12.5, max_ms: 12.5 },
    ]);
  });

  await t.test('nobody is found for a subject that is a piece of SQL', async () => {
    assert.deepEqual(await ask('everything-one-person-touched', "bob' OR '1'='1"), []);
  });
});

test('the script of `toolgate audit sql` runs in DuckDB as it is printed, over a bucket and over a directory', async (t) => {
  const { DuckDBInstance } = createRequire(import.meta.url)('@duckdb/node-api') as DuckDb;
  const folder = testFolder(t);
  const writer = await openTestWriter(folder);
  await writer.append(auditEvent({ time: `${day}T09:00:00.000Z` }));
  await writer.close();
  for (const [directory, layout] of [
    [await recordedDay(t), 'bucket'],
    [join(folder, 'audit'), 'directory'],
  ] as const) {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(duckDbScript(directory, layout, { tenant: 'acme', dt: day, subject: "o'hara" }));
    const script = duckDbScript(directory, layout, { tenant: 'acme', dt: day, query: 'who-called-what' });
    const rows = await connection.runAndReadAll(script.slice(script.indexOf('SELECT', script.indexOf('-- '))));
    assert.ok(rows.getRowObjectsJson().length > 0, layout);
    connection.closeSync();
    instance.closeSync();
  }
});

test('a call that a tool server recorded is none, whoever its lines say wrote them', async (t) => {
  const bucket = await localAuditBucket(t);
  const folder = testFolder(t);
  const forger = await openBucketTestWriter(folder, bucket.objects, { writer: 'tools_billing' });
  const masked = { redactions: { masked_cells: 1, pii: {} }, latency_ms: { total: 1 } };
  await forger.append(auditEvent({ caller: caller('alice'), ...masked }));
  await forger.append(
    auditEvent({ event: 'http_refusal', caller: caller('alice'), outcome: 'refused', code: 'token_invalid' }),
  );
  await forger.close();
  const copy = await bucket.copy(join(folder, 'copy'));
  for (const path of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.jsonl.gz')) continue;
    const lines = gunzipSync(readFileSync(join(copy, path)))
      .toString()
      .replaceAll('"writer":"tools_billing', '"writer":"gateway');
    writeFileSync(join(copy, path), gzipSync(lines));
  }
  const records = await openRecords(copy);
  t.after(() => records.close());
  for (const { name, parameters } of auditQueries) {
    const rows = await records.ask(sqlOf(name), ...['acme', day, 'alice'].slice(0, parameters.length));
    const isOfRefusals = ['refused-calls-by-reason', 'everything-one-person-touched'].includes(name);
    assert.equal(rows.length, isOfRefusals ? 1 : 0, name);
  }
});

test('every query is a statement in the grammar of Trino, and names tenant and day first', async () => {
  const parse = await openTrinoParser();
  assert.notDeepEqual(
    parse("SELECT list_sum(a) FROM read_json('x') WHERE b::int = 1"),
    [],
    'DuckDB alone is told apart',
  );
  for (const { name, sql, parameters } of auditQueries) {
    const statement = sql.replaceAll('{table}', 'records');
    assert.deepEqual(parse(statement), [], name);
    assert.equal(statement.match(/\?/g)?.length, parameters.length, name);
    assert.deepEqual(parameters.slice(0, 2), ['tenant', 'dt']);
    assert.match(statement, /WHERE tenant = \? AND dt = \?/);
    assert.doesNotMatch(sql, /;|\$\{/);
  }
  assert.equal(new Set(auditQueries.map(({ name }) => name)).size, auditQueries.length);
});

test('the page shows the statement that makes the table, as it is', () => {
  const page = readFileSync(new URL('../../docs/audit-on-s3.md', import.meta.url), 'utf8');
  assert.ok(page.includes(recordsView('DIR')), 'docs/audit-on-s3.md');
});
