import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { closeAndVerify } from '../support/expect-wired.ts';
import { openWiredGateway } from '../support/wired-gateway.ts';

const inputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };

test('of 200 calls at once against a limit of 60 exactly 60 get through, malformed ones cost as much, and every one is on record', async (t) => {
  // The window is a minute of the clock: a race over its edge would meet two, so the clock stands in the middle of one.
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 21, 12, 0, 30) });
  const world = await openWiredGateway(t, {
    servers: (url) => [sampleServer('alpha', [sampleVersion(url, [sampleTool({ name: 'echo.say', inputSchema })])])],
    tenants: { acme: { tools_by_role: { reader: ['echo.say'] }, calls_per_minute: { 'echo.say': 60 } } },
    env: { QUOTA_DEADLINE_MS: '10000' },
  });
  const isGood = (i: number) => i % 4 !== 0;
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => world.send({ arguments: { n: isGood(i) ? i : 'x' } })),
  );
  const refused = answers.filter(({ status }) => status === 429);
  const counted = answers.filter(({ status }) => status === 200);
  assert.deepEqual([counted.length, refused.length], [60, 140]);
  for (const { json, headers, text } of refused) {
    assert.equal(json.error.code, 4290, text);
    assert.equal(json.error.data.code, 'quota_exceeded');
    assert.match(String(headers['retry-after']), /^[1-9][0-9]?$/);
  }
  const malformed = counted.filter(({ json }) => json.result.isError === true).length;
  assert.equal(world.upstream.seen.length, 60 - malformed);
  const codes = Map.groupBy(world.records, ({ code }): string => code ?? 'ok');
  assert.deepEqual(
    ['ok', 'arguments_invalid', 'quota_exceeded'].map((code) => codes.get(code)?.length ?? 0),
    [60 - malformed, malformed, 140],
  );
  assert.equal(new Set(world.records.map(({ call_id }) => call_id)).size, 200);
  assert.deepEqual(await closeAndVerify(world), []);
});
