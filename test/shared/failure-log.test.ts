import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFailureLog, type NotedFailure } from '../../runtime/shared/failure-log.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';

function open() {
  let nowMs = 0;
  const told: NotedFailure[] = [];
  const log = createFailureLog({
    logger: silentLogger(),
    now: () => nowMs,
    onFailure: (failure) => told.push(failure),
    intervalMs: 1000,
  });
  return { log, told, wait: (ms: number) => (nowMs += ms) };
}

test('a failure is told with what lies behind it, innermost last', () => {
  const { log, told } = open();
  const disk = new Refusal('audit_unavailable', { privateDetail: 'the disk is full' });
  log.note(new Refusal('audit_unavailable', {}, { cause: disk }));
  log.note(new Refusal('quota_unavailable', {}, { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }));
  assert.deepEqual(
    told.map(({ sentence }) => sentence),
    [
      'The call cannot be recorded, so it is not answered. (the disk is full)',
      'Calls cannot be counted right now, so none is let through. (connect ECONNREFUSED 127.0.0.1:1)',
    ],
  );
});

test('the same failure is told once in an interval, and then with how often it came back', () => {
  const { log, told, wait } = open();
  for (let n = 0; n < 50; n += 1) log.note(new Refusal('policy_unavailable'));
  assert.equal(told.length, 1);
  wait(1000);
  log.note(new Refusal('policy_unavailable'));
  assert.deepEqual(
    told.map(({ repeated }) => repeated),
    [0, 49],
  );
});

test('causes that never come back are forgotten, so that memory is bounded', () => {
  const { log, told } = open();
  for (let n = 0; n < 101; n += 1) log.note(new Refusal('internal_error', {}, { cause: new Error(`bug ${n}`) }));
  log.note(new Refusal('internal_error', {}, { cause: new Error('bug 0') }));
  log.note(new Refusal('internal_error', {}, { cause: new Error('bug 100') }));
  assert.equal(told.length, 102);
});
