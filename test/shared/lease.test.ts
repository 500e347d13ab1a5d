import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLease, type LeaseOptions } from '../../runtime/shared/lease.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { openTestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const opened = 1_795_000_000_000;
const heldMs = 15_000;

/** Two tables have leases, and each has keys of its own. */
const places = {
  approvals: {
    table: `${tablePrefix}grants`,
    key: { pk: 'claim#lease#x', sk: 'claim' },
    code: 'approval_unavailable',
    handOverMs: 1000,
  },
  registry: { table: `${tablePrefix}catalogue`, key: { pk: 'lease', sk: 'x' }, code: 'catalogue_unavailable' },
} as const satisfies Record<string, Partial<LeaseOptions>>;

for (const [whose, place] of Object.entries(places)) {
  test(`one replica of the ${whose} has it until it lets go, or is silent for as long as it is held`, async (t) => {
    const dynamo = await openTestDynamo(t);
    const clock = { ms: opened };
    const open = (more: Partial<LeaseOptions> = {}) =>
      createLease({ client: dynamo.client, now: () => clock.ms, heldMs, ...place, ...more });
    const [first, second] = [open(), open()];
    const claims = await Promise.all([first.hold(), second.hold()]);
    assert.equal(claims.filter(Boolean).length, 1);
    const [holder, other] = claims[0] ? [first, second] : [second, first];
    const writes = () => dynamo.sent.get('PutItemCommand') ?? 0;

    await t.test('it is renewed by asking, with a write in a third of the time', async () => {
      const before = writes();
      for (let s = 0; s < 30; s += 1) {
        clock.ms += 1000;
        assert.equal(await holder.hold(), true);
      }
      assert.equal(writes() - before, 6);
      assert.equal(await other.hold(), false);
    });

    await t.test('whoever asks in half of the time keeps it', async () => {
      for (let n = 0; n < 5; n += 1) {
        clock.ms += heldMs / 2;
        assert.equal(await holder.hold(), true);
        clock.ms += heldMs / 2 - 1;
        assert.equal(await other.hold(), false);
        assert.equal(await holder.hold(), true);
      }
    });

    await t.test('loops of one replica that ask at the same time write once, whatever the answer', async () => {
      const before = writes();
      assert.deepEqual(await Promise.all([other.hold(), other.hold(), other.hold()]), [false, false, false]);
      assert.equal(writes() - before, 1);
      clock.ms += 11_000;
      assert.deepEqual(await Promise.all([holder.hold(), holder.hold()]), [true, true]);
      assert.equal(writes() - before, 2);
    });

    await t.test('a clock that was set back does not make it last longer', async () => {
      const before = writes();
      clock.ms -= 3_600_000;
      assert.equal(await holder.hold(), true);
      assert.equal(writes() - before, 1, 'it is renewed by the new clock');
      clock.ms += heldMs;
      assert.equal(await other.hold(), true);
      await other.release();
      clock.ms += 1000;
      assert.equal(await holder.hold(), true);
    });

    await t.test('the next one has it after the hand-over', async () => {
      await holder.release();
      if ('handOverMs' in place) {
        clock.ms += place.handOverMs - 1;
        assert.equal(await other.hold(), false);
        clock.ms += 1;
      }
      assert.equal(await other.hold(), true);
      assert.equal(await holder.hold(), false);
      await holder.release();
      assert.equal(await other.hold(), true, 'who does not have it cannot let go of it');
    });

    await t.test('one that dies loses it when it has not renewed it for so long', async () => {
      clock.ms += heldMs - 1;
      assert.equal(await holder.hold(), false);
      clock.ms += 1;
      assert.equal(await holder.hold(), true);
      assert.equal(await other.hold(), false);
    });

    await t.test('another lease in the same table is another', async () => {
      assert.equal(await open({ key: { ...place.key, sk: 'y' } }).hold(), true);
    });

    await dynamo.stop();
    clock.ms += 60_000;
    await assert.rejects(first.hold(), (error) => error instanceof Refusal && error.code === place.code);
    await first.release();
  });
}
