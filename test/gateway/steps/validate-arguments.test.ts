import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../runtime/contract/json.ts';
import { canonicalSha256 } from '../../../runtime/shared/canonical-json.ts';
import { startGatewayWorld } from '../../support/gateway-world.ts';

test('what was decided is what is sent: from the check on, nothing can change the arguments', async (t) => {
  const world = await startGatewayWorld();
  t.after(() => world.close());
  const { policy, mint } = world.deps;
  let decided: JsonObject | undefined;
  const wasChanged: boolean[] = [];
  world.override({
    policy: {
      ...policy,
      decide: (input) => {
        decided = input.request?.arguments;
        return policy.decide(input);
      },
    },
    // Runs after every check and before the call is sent.
    mint: (...args) => {
      const target = decided as { list: object[] } & JsonObject;
      wasChanged.push(Reflect.set(target, 'text', 'evil'), Reflect.set(target.list[0] as object, 'a', 'evil'));
      wasChanged.push(Reflect.deleteProperty(target, 'text'), Reflect.set(target, 'more', 1));
      return mint(...args);
    },
  });
  const args = { text: 'hello', list: [{ a: 1 }] };
  const answer = await world.send({ params: { name: 'echo.say', arguments: args } });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(wasChanged, [false, false, false, false]);
  assert.deepEqual(world.upstream.lastSeen().message.params.arguments, args);
  assert.equal(world.lastEvent().arguments_sha256, canonicalSha256(args));
});
