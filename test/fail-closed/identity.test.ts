import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import { sendJson } from '../support/echo-upstream.ts';
import { closeAndVerify, expectNo, expectYes } from '../support/expect-wired.ts';
import { publicUrl } from '../support/gateway-world.ts';
import { openWiredGateway } from '../support/wired-gateway.ts';

const unavailable = { status: 503 } as const;

const gone: readonly (readonly [string, RequestListener])[] = [
  ['breaks off', (request) => request.socket.destroy()],
  ['answers 500', (_request, response) => sendJson(response, { keys: [] }, 500)],
  ['redirects', (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
  ['answers HTML', (_request, response) => void response.writeHead(200).end('<html>down for a moment</html>')],
  ['answers JSON without keys', (_request, response) => sendJson(response, { error: 'gone' })],
  ['answers without an end', (_request, response) => void response.writeHead(200).end('['.repeat(300_000))],
];

for (const [what, answerKeys] of gone) {
  test(`a key endpoint that ${what}: nobody comes in, and the record says why`, async (t) => {
    const world = await openWiredGateway(t);
    world.answerKeys = answerKeys;
    const answer = await expectNo(world, 'identity_unavailable', unavailable);
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal(answer.json.id, null, 'the body is not read before its sender is known');
    assert.equal(world.records.at(-1)?.tenant, '_unknown');
    assert.equal(world.records.at(-1)?.caller, null);
    assert.doesNotMatch(answer.text, /127\.0\.0\.1|jwks/);
  });
}

test('keys that are back are used again, without a restart', async (t) => {
  const world = await openWiredGateway(t);
  const { answerKeys } = world;
  world.answerKeys = (request) => request.socket.destroy();
  await expectNo(world, 'identity_unavailable', unavailable);
  world.answerKeys = answerKeys;
  const deadline = performance.now() + 5000;
  while ((await world.send()).status !== 200) assert.ok(performance.now() < deadline, 'nobody comes in again');
  assert.deepEqual(await closeAndVerify(world), []);
});

test('an endpoint that goes away takes nobody’s yes back for an hour, and gives no forger one', async (t) => {
  const world = await openWiredGateway(t);
  await expectYes(world);
  world.answerKeys = (request) => request.socket.destroy();
  await expectYes(world);
  const forged = world.issuer.token({ aud: `${publicUrl}/mcp` }, { kid: 'another-key' });
  const answer = await world.send({ token: forged });
  assert.equal(answer.status, 401, answer.text);
  assert.equal(world.records.at(-1)?.code, 'token_invalid');
});
