import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { grantTable, quotaTable } from '../../runtime/contract/tables.ts';
import { closeAndVerify, expectNo, expectYes } from '../support/expect-wired.ts';
import { openWiredGateway, type WiredGateway, wiredPrefix } from '../support/wired-gateway.ts';

const unavailable = { status: 503 } as const;

test('DynamoDB that is not there at the start: the gateway starts, says so, and refuses', async (t) => {
  const world = await openWiredGateway(t, { beforeStart: ({ dynamo }) => dynamo.close() });
  assert.deepEqual(await world.problems(), ['no catalogue']);
  await expectNo(world, 'catalogue_unavailable', unavailable);
  await expectNo(world, 'catalogue_unavailable', unavailable, { method: 'tools/list' });
});

test('DynamoDB that stops under way: what cannot be counted is refused, and a catalogue that is too old as well', async (t) => {
  const world = await openWiredGateway(t, { env: { CATALOGUE_AGE_MAX_S: '1' } });
  await expectYes(world);
  await world.dynamo.close();
  const first = await expectNo(world, 'quota_unavailable', unavailable);
  assert.doesNotMatch(first.text, /127\.0\.0\.1|ECONN|dynamo/i, 'nothing of what is behind');
  await expectNo(world, 'quota_unavailable', unavailable, { tool: 'echo.change' });
  await expectNo(world, 'quota_unavailable', unavailable, { method: 'tools/list' });
  await untilUnready(world);
  await expectNo(world, 'catalogue_unavailable', unavailable);
  assert.deepEqual(await closeAndVerify(world), []);
});

test('DynamoDB that takes connections and never answers: refused at the deadline, and served when it speaks again', async (t) => {
  const world = await openWiredGateway(t, { env: { QUOTA_DEADLINE_MS: '400' } });
  await expectYes(world);
  world.relay.hold();
  const started = performance.now();
  await expectNo(world, 'quota_unavailable', unavailable);
  assert.ok(performance.now() - started < 10_000, 'it is refused, not waited for');
  world.relay.pass();
  let answer = await world.send();
  for (let i = 0; i < 200 && answer.status !== 200; i += 1) answer = await world.send();
  assert.equal(answer.status, 200, answer.text);
});

test('a table of grants that is gone is no yes for a tool that changes something, and no matter to the others', async (t) => {
  const world = await openWiredGateway(t);
  await drop(world, grantTable.name);
  await expectNo(world, 'approval_unavailable', unavailable, { tool: 'echo.change' });
  await expectYes(world);
});

test('a table of counts that is gone is no limit of zero and no limit at all: it is refused', async (t) => {
  const world = await openWiredGateway(t);
  await drop(world, quotaTable.name);
  await expectNo(world, 'quota_unavailable', unavailable);
});

async function drop(world: WiredGateway, table: string): Promise<void> {
  const client = world.dynamo.createClient();
  await client.send(new DeleteTableCommand({ TableName: wiredPrefix + table }));
  client.destroy();
}

async function untilUnready(world: WiredGateway): Promise<void> {
  const deadline = performance.now() + 5000;
  while ((await world.problems()).length === 0) assert.ok(performance.now() < deadline, 'it stays ready');
  assert.deepEqual(await world.problems(), ['no catalogue']);
}
