import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Answer, sampleTenants, startGatewayWorld } from '../../support/gateway-world.ts';

async function open(t: TestContext) {
  const acme = { ...sampleTenants.acme, request_bytes_max: { 'echo.shout': 2000 } } as never;
  const world = await startGatewayWorld({ tenants: { ...sampleTenants, acme } });
  t.after(() => world.close());
  /** A call with so many characters beside what belongs to every call. */
  const call = (name: string, length: number) =>
    world.send({ params: { name, arguments: { text: 'a'.repeat(length) } } });
  return { world, call };
}

function said({ status, json }: Answer) {
  return [status, json.error?.message];
}

test('policy’s no to a message that is too large has its bytes and those of the limit: of the tool, or of all', async (t) => {
  const { world, call } = await open(t);
  for (const [name, max] of Object.entries({ 'echo.shout': 2000, 'echo.say': 131_072 })) {
    const [status, words] = said(await call(name, max));
    assert.equal(status, 403);
    const [, bytes, allowed] =
      /^Policy denies this call\. The message has (\d+) bytes, and (\d+) are allowed\.$/.exec(words) ?? [];
    assert.equal(Number(allowed), max);
    // What the numbers are for: so much less, and it goes through.
    const fits = max - (Number(bytes) - max);
    assert.equal(said(await call(name, fits))[0], 200);
    assert.equal(said(await call(name, fits + 1))[0], 403);
  }
  assert.equal(world.lastEvent().code, 'policy_denied');
});

test('another no of policy, and one to a message that is not over what its data allow, says no number', async (t) => {
  const { world, call } = await open(t);
  const no = { allow: false, reasons: ['request_too_large'], obligations: [], revision: 'r' };
  const restore = world.override({ policy: { ...world.deps.policy, decide: () => no } });
  assert.deepEqual(said(await call('echo.say', 10)), [403, 'Policy denies this call.']);
  restore();
});

test('a body that the gateway does not read is told how many bytes it reads', async (t) => {
  const { world } = await open(t);
  const answer = await world.send({ body: `"${'a'.repeat(1_048_576)}"` });
  const words = 'The message is larger than this gateway reads. 1048578 bytes were sent, and 1048576 are read at most.';
  assert.deepEqual(said(answer), [413, words]);
});
