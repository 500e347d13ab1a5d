import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AwsInput, type AwsJsonDouble, startAwsJsonDouble } from '../support/aws-json-double.ts';
import { closeAndVerify, expectNo, expectYes } from '../support/expect-wired.ts';
import { openRelay, type Relay } from '../support/tcp-relay.ts';
import { openWiredGateway } from '../support/wired-gateway.ts';

const change = { tool: 'echo.change' };
const unavailable = { status: 503 } as const;
const started: AwsInput[] = [];
let stepFunctions: AwsJsonDouble;
let relay: Relay;
const saved = { ...process.env };

before(async () => {
  stepFunctions = await startAwsJsonDouble('AWSStepFunctions', (_action, input) => {
    started.push(input);
    return { executionArn: 'arn', startDate: 1 };
  });
  relay = await openRelay(Number(new URL(stepFunctions.endpoint).port));
  // As in a deployment to an emulator: the SDK reads these by itself.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SFN: relay.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
});
after(async () => {
  process.env = saved;
  await relay.close();
  await stepFunctions.close();
});

test('Step Functions that refuses, fails or never answers: nothing is asked of anybody, and the identical call starts what it did not', async (t) => {
  const world = await openWiredGateway(t, {
    env: { APPROVAL_WORKFLOW_ARN: 'arn:aws:states:us-east-1:1:stateMachine:m' },
  });
  stepFunctions.failure = { status: 400, type: 'AccessDeniedException' };
  const first = await world.send(change);
  assert.deepEqual([first.status, first.json.error.data.code], [503, 'approval_unavailable'], first.text);
  assert.doesNotMatch(first.text, /states|AccessDenied|127\.0\.0\.1/i, 'nothing of what is behind');
  await expectYes(world);
  for (const type of ['AccessDeniedException', 'StateMachineDoesNotExist', 'InternalServerException']) {
    stepFunctions.failure = { status: type.startsWith('Internal') ? 500 : 400, type };
    await expectNo(world, 'approval_unavailable', unavailable, change);
    assert.match(String(world.records.at(-1)?.reason), /workflow of the request could not be started/);
  }
  stepFunctions.failure = undefined;
  relay.hold();
  const before = performance.now();
  await expectNo(world, 'approval_unavailable', unavailable, change);
  assert.ok(performance.now() - before < 10_000, 'it is refused, not waited for');
  assert.equal(started.length, 0);
  relay.pass();

  const asked = await world.send(change);
  assert.equal(asked.json.result._meta['dev.toolgate/error'].code, 'approval_required', asked.text);
  // What was held may arrive late: it names the same request.
  assert.equal(new Set(started.map(({ name }) => name)).size, 1);
  stepFunctions.failure = { status: 400, type: 'AccessDeniedException' };
  const again = await world.send(change);
  assert.equal(again.json.result._meta['dev.toolgate/error'].code, 'approval_required', again.text);
  assert.deepEqual(await closeAndVerify(world), []);
});
