import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { SFNClient } from '@aws-sdk/client-sfn';
import { marshall } from '@aws-sdk/util-dynamodb';
import { pino } from 'pino';
import type { DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { createStepFunctionsAnswers } from '../../runtime/shared/step-functions.ts';
import { createWorkflowTasks, type WorkflowTasks } from '../../runtime/shared/workflow-tasks.ts';

const token = 'AAAA-task-token-that-nobody-may-read-ZZZZ';
const approver = { tenant: 'acme', subject: 'grace', person: 'grace' };
const tell: Readonly<Record<string, (tasks: WorkflowTasks) => Promise<unknown>>> = {
  told: (tasks) => tasks.told('r'),
  notTold: (tasks) => tasks.notTold('r', 'Slack says no.'),
  stillTelling: (tasks) => tasks.stillTelling('r'),
  answered: (tasks) => tasks.answered('r', { verdict: 'approve', approver }),
  takenBack: (tasks) => tasks.takenBack('r'),
};

/** An answer of Step Functions that quotes what it was sent, as a validation error does. */
function stepFunctionsThatQuotes(): SFNClient {
  const client = new SFNClient({
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  client.middlewareStack.add(
    () => async (args) => {
      const said = `Value '${JSON.stringify(args.input)}' at 'taskToken' failed to satisfy constraint`;
      throw Object.assign(new Error(said), { name: 'ValidationException', $response: { body: said } });
    },
    { step: 'initialize' },
  );
  return client;
}

function tableThatAnswers(answer: () => unknown): DynamoDBClient {
  return { send: async () => answer() } as unknown as DynamoDBClient;
}

for (const [name, use] of Object.entries(tell)) {
  test(`no task token is in what ${name} fails with, whatever the services say, nor in a log line about it`, async () => {
    const holds = tableThatAnswers(() => ({ Item: marshall({ task_token: token }) }));
    const quotes = tableThatAnswers(() => {
      throw new SyntaxError(`Unexpected token, ...${token}... is not valid JSON`);
    });
    const answers = createStepFunctionsAnswers(stepFunctionsThatQuotes());
    for (const client of [holds, quotes]) {
      const error = await use(createWorkflowTasks({ client, tablePrefix: 'test-', answers })).then(
        () => assert.fail('it did not fail'),
        (thrown: unknown) => thrown as Error,
      );
      const shown = [
        inspect(error, { depth: 9, showHidden: true }),
        JSON.stringify(pino.stdSerializers.err(error)),
        JSON.stringify(error, Object.getOwnPropertyNames(error)),
      ].join('\n');
      assert.ok(!shown.includes('task-token'), shown);
      assert.match(error.message, /^(Step Functions|DynamoDB)/);
    }
  });
}
