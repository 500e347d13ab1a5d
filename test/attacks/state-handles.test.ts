import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { startGatewayWorld } from '../support/gateway-world.ts';

test('a cursor of one tenant shows another nothing that it may not call, forged or not', async (t) => {
  const names = Array.from({ length: 450 }, (_, i) => `echo.t${String(i).padStart(3, '0')}`);
  const world = await startGatewayWorld({
    servers: (url) => [
      sampleServer('alpha', [
        sampleVersion(
          url,
          names.map((name) => sampleTool({ name })),
        ),
      ]),
    ],
    tenants: {
      acme: { tools_by_role: { reader: names } },
      globex: { tools_by_role: { reader: ['echo.t001', 'echo.t449'] } },
    },
  });
  t.after(() => world.close());
  const list = async (tenant: string, cursor?: string) => {
    const params = cursor === undefined ? {} : { cursor };
    const { json, text } = await world.send({ method: 'tools/list', params, claims: { tenant } });
    assert.ok(json.result, text);
    assert.equal(world.lastEvent().tenant, tenant);
    return json.result as { tools: { name: string }[]; nextCursor?: string };
  };
  const first = await list('acme');
  assert.equal(first.tools.length, 200);
  const replayed = await list('globex', first.nextCursor);
  assert.deepEqual(
    replayed.tools.map(({ name }) => name),
    ['echo.t449'],
  );
  const forged = Buffer.from(
    Buffer.from(String(first.nextCursor), 'base64url').toString().replace(/t\d+/, 't000'),
  ).toString('base64url');
  assert.notEqual(forged, first.nextCursor);
  const answer = await list('globex', forged);
  assert.deepEqual(
    answer.tools.map(({ name }) => name),
    ['echo.t001', 'echo.t449'],
  );
});
