import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ExecutionAlreadyExists,
  InvalidToken,
  type SFNClient,
  StateMachineDoesNotExist,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { WorkflowInput } from '../../runtime/contract/workflow-input.ts';
import { createStepFunctionsAnswers, createStepFunctionsStarter } from '../../runtime/shared/step-functions.ts';

const input: WorkflowInput = {
  v: 1,
  requestId: 'request-1',
  tenant: 'acme',
  subject: 'user-1',
  person: 'user-1',
  expiresAtMs: 1_795_000_000_000,
  request: { pk: 'request#request-1', sk: 'request' },
  grant: { pk: 'call#1', sk: 'grant#1' },
};
const said = { message: '', $metadata: {} };

/** A client that is answered so. */
function clientThat(answer: () => unknown) {
  const sent: unknown[] = [];
  const client = {
    async send(command: { readonly input: unknown }) {
      sent.push(command.input);
      return answer();
    },
  } as unknown as SFNClient;
  return { client, sent };
}

function failing(error: Error) {
  return clientThat(() => {
    throw error;
  }).client;
}

test('an execution is called after its request, so that the same request starts one', async () => {
  const { client, sent } = clientThat(() => ({}));
  await createStepFunctionsStarter(client, 'arn').start(input);
  assert.deepEqual(sent, [{ stateMachineArn: 'arn', name: 'request-1', input: JSON.stringify(input) }]);
  await createStepFunctionsStarter(failing(new ExecutionAlreadyExists(said)), 'arn').start(input);
  const gone = new StateMachineDoesNotExist(said);
  await assert.rejects(createStepFunctionsStarter(failing(gone), 'arn').start(input), {
    message: 'Step Functions StartExecution: StateMachineDoesNotExist',
  });
});

test('a token that nobody waits with is an answer, and anything else is a failure', async () => {
  for (const error of [new TaskDoesNotExist(said), new TaskTimedOut(said), new InvalidToken(said)]) {
    const answers = createStepFunctionsAnswers(failing(error));
    assert.equal(await answers.succeed('t', {}), false);
    assert.equal(await answers.fail('t', 'Error', 'cause'), false);
    assert.equal(await answers.heartbeat('t'), false);
  }
  const lost = new Error('socket hang up');
  await assert.rejects(createStepFunctionsAnswers(failing(lost)).succeed('t', {}), {
    message: 'Step Functions SendTaskSuccess: Error',
  });
  const { client, sent } = clientThat(() => ({}));
  assert.equal(await createStepFunctionsAnswers(client).succeed('t', { verdict: 'deny' }), true);
  assert.deepEqual(sent, [{ taskToken: 't', output: '{"verdict":"deny"}' }]);
});
