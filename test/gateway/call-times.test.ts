import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createCallTimes } from '../../runtime/gateway/call-times.ts';
import { type Logger, silentLogger } from '../../runtime/shared/logger.ts';

function open(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const lines: Record<string, unknown>[] = [];
  const logger = Object.assign(silentLogger(), {
    info: (fields: object, msg: string) => lines.push({ msg, ...fields }),
  }) as Logger;
  const times = createCallTimes({ logger });
  t.after(() => times.close());
  return { times, lines, minute: () => t.mock.timers.tick(60_000) };
}

const isNear = (actual: unknown, seconds: number) =>
  assert.ok(Number(actual) >= seconds * 0.999 && Number(actual) <= seconds * 1.051, `${actual} is not ${seconds} s`);

test('calls of a minute are one line with percentiles to within 5 %, and the next minute begins anew', (t) => {
  const { times, lines, minute } = open(t);
  for (let ms = 1; ms <= 200; ms += 1) times.note(ms);
  minute();
  const [first] = lines;
  assert.deepEqual([first?.msg, first?.calls], ['how long calls took', 200]);
  isNear(first?.p50Seconds, 0.1);
  isNear(first?.p90Seconds, 0.18);
  isNear(first?.p99Seconds, 0.198);
  times.note(5000);
  minute();
  assert.equal(lines[1]?.calls, 1);
  isNear(lines[1]?.p50Seconds, 5);
});

test('a minute without calls is no line, and what is left when the gateway ends is told', (t) => {
  const { times, lines, minute } = open(t);
  minute();
  assert.deepEqual(lines, []);
  times.note(3);
  times.close();
  assert.equal(lines.length, 1);
  minute();
  assert.equal(lines.length, 1);
});

test('one slow call in a hundred is the hundredth, however fast or slow calls are', (t) => {
  const { times, lines, minute } = open(t);
  for (let n = 0; n < 99; n += 1) times.note(0.01);
  times.note(3_600_000);
  minute();
  assert.equal(lines[0]?.p99Seconds, 0.001);
  for (let n = 0; n < 98; n += 1) times.note(0.01);
  for (let n = 0; n < 2; n += 1) times.note(3_600_000);
  minute();
  assert.ok(Number(lines[1]?.p99Seconds) > 600);
});
