import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { activeKey, keptKeys, type StoredKey, successorDueMs } from '../../runtime/authorization/key-ring.ts';

const plan = { periodMs: 10_000, publishAheadMs: 1000, keepMs: 900 };
const key = (kid: string, activeFromMs: number): StoredKey => ({ kid, activeFromMs, sealed: '' });

test('an empty ring needs a key at once', () => {
  assert.equal(successorDueMs([], 5, plan), 5);
});

test('a successor is due one notice before the period ends, and never takes over without notice', () => {
  assert.equal(successorDueMs([key('a', 0)], 8999, plan), undefined);
  assert.equal(successorDueMs([key('a', 0)], 9000, plan), 10_000);
  assert.equal(successorDueMs([key('a', 0)], 50_000, plan), 51_000);
  assert.equal(successorDueMs([key('a', 0), key('b', 10_000)], 9500, plan), undefined);
});

test('the active key is the latest whose time has come', () => {
  const ring = [key('b', 10_000), key('a', 0)];
  assert.deepEqual(
    [0, 9999, 10_000, 99_999].map((nowMs) => activeKey(ring, nowMs).kid),
    ['a', 'a', 'b', 'b'],
  );
  assert.equal(activeKey(ring, -1).kid, 'a');
});

test('however the clock moves on, a key that signed is published for as long as its signatures live', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 30_000 })), { maxLength: 40 }),
      (steps) => {
        let nowMs = 0;
        let ring: readonly StoredKey[] = [key('0', 0)];
        let made = 0;
        const signed = new Map<string, number>([['0', 0]]);
        for (const step of steps) {
          // Between two refreshes the active key signs until the very moment at which its successor takes over.
          const inOrder = ring.toSorted((one, other) => one.activeFromMs - other.activeFromMs);
          for (const [i, { kid, activeFromMs }] of inOrder.entries()) {
            const untilMs = Math.min(inOrder[i + 1]?.activeFromMs ?? Number.POSITIVE_INFINITY, nowMs + step);
            if (activeFromMs <= untilMs && untilMs >= nowMs) signed.set(kid, untilMs);
          }
          nowMs += step;
          ring = keptKeys(ring, nowMs, plan);
          const dueMs = successorDueMs(ring, nowMs, plan);
          if (dueMs !== undefined) {
            assert.ok(dueMs >= nowMs + plan.publishAheadMs);
            made += 1;
            ring = [...ring, key(String(made), dueMs)];
          }
          for (const [kid, atMs] of signed) {
            if (atMs + plan.keepMs > nowMs)
              assert.ok(
                ring.some((item) => item.kid === kid),
                `${kid} is gone`,
              );
          }
        }
        assert.ok(ring.length <= 3);
      },
    ),
  );
});
