import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { checkSizing, type McpServiceSizing, sizingOf } from '../../../lib/constructs/service-sizing.ts';

const scope = new cdk.Stack(new cdk.App(), 'Billing');

test('what Fargate has is taken, and what is not said is decided', () => {
  assert.deepEqual(checkSizing(scope, {}), {
    cpu: 256,
    memoryLimitMiB: 512,
    desiredCount: 2,
    maxCount: 10,
    requestsPerTargetPerMinute: 3000,
  });
  assert.equal(checkSizing(scope, { desiredCount: 20 }).maxCount, 20);
  for (const [cpu, memoryLimitMiB] of [
    [256, 2048],
    [512, 4096],
    [1024, 3072],
    [4096, 30_720],
    [16_384, 122_880],
  ]) {
    checkSizing(scope, { cpu, memoryLimitMiB });
  }
});

const token = cdk.Token.asNumber({ Ref: 'Count' });
const mistakes: readonly [string, McpServiceSizing, RegExp][] = [
  ['fewer tasks at most than always', { desiredCount: 3, maxCount: 2 }, /maxCount is 2, less than the 3 tasks/],
  ['no task', { desiredCount: 0 }, /desiredCount is 0: give a whole number from 1 to 5000/],
  ['half a task', { desiredCount: 1.5 }, /desiredCount is 1.5: give a whole number/],
  ['half a task more', { maxCount: 2.5 }, /maxCount is 2.5: give a whole number/],
  ['a number that only the deployment knows', { desiredCount: token }, /desiredCount is a token: give a whole number/],
  ['no request to scale on', { requestsPerTargetPerMinute: 0 }, /requestsPerTargetPerMinute is 0: give/],
  ['a CPU that Fargate does not have', { cpu: 300 }, /cpu is 300: Fargate has 256, 512, 1024/],
  ['more memory than goes with the CPU', { memoryLimitMiB: 4096 }, /with a cpu of 256 Fargate has 512, 1024 or 2048/],
  ['less memory than goes with the CPU', { cpu: 1024 }, /is 512: with a cpu of 1024 Fargate has 2048 to 8192 in steps/],
  ['memory between two steps', { cpu: 512, memoryLimitMiB: 1500 }, /memoryLimitMiB is 1500: with a cpu of 512/],
];

for (const [what, sizing, sentence] of mistakes) {
  test(`${what}: refused with the path, the value and what there is`, () => {
    assert.throws(
      () => checkSizing(scope, sizing),
      (error: Error) => {
        assert.match(error.message, /^Billing: /);
        assert.match(error.message, sentence);
        return true;
      },
    );
  });
}

test('who asks for more tasks than the base scales to gets them, and no further scaling', () => {
  assert.deepEqual(sizingOf({ desiredCount: 3 }, { desiredCount: 1, maxCount: 1 }), { desiredCount: 3, maxCount: 3 });
  assert.deepEqual(sizingOf({ cpu: 512 }, { desiredCount: 1, cpu: 256 }), { desiredCount: 1, cpu: 512 });
});
