import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLease } from '../../../runtime/approvals/clients/lease.ts';
import { Refusal } from '../../../runtime/shared/refusal.ts';
import { openTestDynamo, tablePrefix } from '../../support/local-dynamo.ts';

const opened = 1_795_000_000_000;

test('one replica has it until it lets go, or is silent for fifteen seconds', async (t) => {
  const dynamo = await openTestDynamo(t);
  const clock = { ms: opened };
  const open = () => createLease({ client: dynamo.client, tablePrefix, now: () => clock.ms, name: 'x' });
  const [first, second] = [open(), open()];
  const both = async () => [await first.hold(), await second.hold()];
  const claims = await Promise.all([first.hold(), second.hold()]);
  assert.equal(claims.filter(Boolean).length, 1);
  const [holder, other] = claims[0] ? [first, second] : [second, first];

  await t.test('it is renewed by asking, with a write in ten seconds', async () => {
    const before = dynamo.sent.get('PutItemCommand') ?? 0;
    for (let s = 0; s < 30; s += 1) {
      clock.ms += 1000;
      assert.equal(await holder.hold(), true);
    }
    assert.equal((dynamo.sent.get('PutItemCommand') ?? 0) - before, 3);
    assert.equal(await other.hold(), false);
  });

  await t.test('loops of one replica that ask at the same time write once, whatever the answer', async () => {
    const before = dynamo.sent.get('PutItemCommand') ?? 0;
    assert.deepEqual(await Promise.all([other.hold(), other.hold(), other.hold()]), [false, false, false]);
    assert.equal((dynamo.sent.get('PutItemCommand') ?? 0) - before, 1);
    clock.ms += 11_000;
    assert.deepEqual(await Promise.all([holder.hold(), holder.hold()]), [true, true]);
    assert.equal((dynamo.sent.get('PutItemCommand') ?? 0) - before, 2);
  });

  await t.test('the next one has it a second after the first lets go', async () => {
    await holder.release();
    assert.equal(await other.hold(), false);
    clock.ms += 1000;
    assert.equal(await other.hold(), true);
    assert.equal(await holder.hold(), false);
    await holder.release();
    assert.equal(await other.hold(), true, 'who does not have it cannot let go of it');
  });

  await t.test('one that dies loses it fifteen seconds after it was renewed', async () => {
    clock.ms += 14_999;
    assert.equal(await holder.hold(), false);
    clock.ms += 1;
    assert.equal(await holder.hold(), true);
    assert.equal((await both()).filter(Boolean).length, 1);
  });

  await dynamo.stop();
  clock.ms += 60_000;
  await assert.rejects(first.hold(), (error) => error instanceof Refusal && error.code === 'approval_unavailable');
  await first.release();
});
