import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditQueries } from '../../lib/audit-queries.ts';
import { openBucketGateway } from '../support/bucket-gateway.ts';
import { expectYes } from '../support/expect-wired.ts';
import { openRecords } from './duckdb-records.ts';

test('an auditor finds in the bucket of a gateway who called, what was refused, and how long it took', async (t) => {
  const world = await openBucketGateway(t);
  const answers = [];
  for (const sub of ['alice', 'alice', 'bob']) answers.push(await expectYes(world, { claims: { sub } }));
  const refused = await world.send({ tool: 'echo.nowhere', claims: { sub: 'bob' } });
  const anonymous = await world.send({ token: 'none' });
  const [{ tenant = '', time = '' } = {}] = world.records;
  const records = await openRecords(await world.closeAndCopy());
  t.after(() => records.close());
  const ask = (name: string, ...more: string[]) => {
    const sql = auditQueries.find((query) => query.name === name)?.sql.replaceAll('{table}', 'records') ?? '';
    return records.ask(sql, tenant, time.slice(0, 10), ...more);
  };

  const called = await ask('who-called-what');
  assert.deepEqual(
    called
      .filter(({ outcome }) => outcome === 'ok')
      .map(({ subject, server, tool, calls }) => [subject, server, tool, calls]),
    [
      ['alice', 'alpha', 'echo.say', '2'],
      ['bob', 'alpha', 'echo.say', '1'],
    ],
  );
  const touched = await ask('everything-one-person-touched', 'bob');
  assert.deepEqual(
    touched.map(({ call_id }) => call_id),
    [answers[2]?.headers['x-call-id'], refused.headers['x-call-id']],
  );
  const no = await ask('refused-calls-by-reason');
  assert.deepEqual(
    no.map(({ code, refusals, subjects }) => [code, refusals, subjects]),
    [[refused.json.error.data.code, '1', '1']],
  );
  const [latency] = await ask('latency-by-tool');
  assert.deepEqual([latency?.tool, latency?.calls], ['echo.say', '3']);
  assert.ok(Number(latency?.p50_ms) > 0 && Number(latency?.p95_ms) >= Number(latency?.p50_ms));
  assert.deepEqual(await ask('calls-with-pii-masked'), []);
  const strangers = await records.ask("SELECT call_id FROM records WHERE tenant = '_unknown' AND outcome = 'refused'");
  assert.deepEqual(strangers, [{ call_id: anonymous.headers['x-call-id'] }]);
});
