import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echoReply, type SeenRequest } from '../support/echo-upstream.ts';
import { exchange, startGatewayWorld } from '../support/gateway-world.ts';

test('a call under way is answered and recorded before the gateway is gone', async () => {
  const world = await startGatewayWorld();
  const reached = Promise.withResolvers<() => void>();
  world.upstream.reply = (seen: SeenRequest, response) => reached.resolve(() => echoReply(seen, response));
  const answer = world.send();
  const goOn = await reached.promise;
  const closed = world.gateway.close();
  goOn();
  assert.equal((await answer).status, 200);
  assert.equal((await answer).headers.connection, 'close');
  await closed;
  assert.equal(world.lastEvent().outcome, 'ok');
  await assert.rejects(exchange(world.gateway, { path: '/healthz', httpMethod: 'GET', headers: {} }));
  await world.close();
});

test('what does not end in time is ended, with a refusal and a record', async () => {
  const world = await startGatewayWorld({ settings: { drainTimeoutMs: 20 } });
  const reached = Promise.withResolvers<void>();
  world.upstream.reply = () => reached.resolve();
  const answer = world.send();
  await reached.promise;
  await world.gateway.close();
  assert.equal((await answer).status, 503);
  assert.equal((await answer).json.error.data.code, 'shutting_down');
  assert.equal(world.lastEvent().code, 'shutting_down');
  await world.close();
});

test('a subscription ends at once, and with the token that opened it', async () => {
  const world = await startGatewayWorld({ settings: { drainTimeoutMs: 60_000 } });
  const path = '/servers/alpha/mcp';
  const open = (claims = {}) => {
    const reached = Promise.withResolvers<void>();
    world.upstream.reply = (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': open\n\n');
      reached.resolve();
    };
    return { reached: reached.promise, answer: world.send({ path, method: 'subscriptions/listen', claims }) };
  };
  // Within the verifier's tolerance for clocks, and already over.
  const expired = open({ exp: Math.floor(Date.now() / 1000) - 5 });
  assert.match((await expired.answer).text, /"code":"token_expired"/);
  const subscription = open();
  await subscription.reached;
  assert.equal(world.lastEvent().event, 'mcp_call_intent', 'that it began is on record');
  await world.gateway.close();
  assert.match((await subscription.answer).text, /"code":"shutting_down"/);
  assert.equal(world.lastEvent().code, 'shutting_down');
  await world.close();
});

test('a gateway that is not ready says what it lacks, and refuses calls', async () => {
  const world = await startGatewayWorld();
  const ready = () => exchange(world.gateway, { path: '/readyz', httpMethod: 'GET', headers: {} });
  assert.equal((await ready()).status, 200);
  const restore = world.override({
    policy: { ...world.deps.policy, revision: () => undefined },
    catalogue: () => {
      throw new Error('not read yet');
    },
  });
  const answer = await ready();
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.json.problems, ['no policy bundle', 'no catalogue']);
  assert.equal((await world.send()).status, 500);
  assert.equal((await exchange(world.gateway, { path: '/healthz', httpMethod: 'GET', headers: {} })).status, 200);
  restore();
  await world.close();
});
