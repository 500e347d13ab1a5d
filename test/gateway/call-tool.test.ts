import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayWorld, startGatewayWorld } from '../support/gateway-world.ts';

let world: GatewayWorld;
before(async () => {
  world = await startGatewayWorld();
});
after(() => world.close());

test('a call travels the whole way and leaves one record', async () => {
  const eventsBefore = world.audit.events.length;
  const answer = await world.send({ params: { name: 'echo.say', arguments: { text: 'hello' } } });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json.result.content, [{ type: 'text', text: '{"text":"hello"}' }]);
  assert.equal(world.audit.events.length, eventsBefore + 1);
  const event = world.lastEvent();
  assert.equal(event.outcome, 'ok');
  assert.equal(event.tool, 'echo.say');
  assert.equal(event.tenant, 'acme');
  assert.deepEqual(event.arguments, { text: 'hello' });
  assert.match(event.arguments_sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.match(event.response_sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(Object.keys(event.latency_ms), [
    'authenticate',
    'resolve',
    'authorize',
    'spend',
    'validate',
    'elevate',
    'intent',
    'forward',
    'redact',
    'total',
  ]);
});
