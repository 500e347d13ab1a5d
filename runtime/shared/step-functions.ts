import {
  ExecutionAlreadyExists,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { TaskAnswers, WorkflowStarter } from './workflow-tasks.ts';

/** Starts executions in Step Functions. */
export function createStepFunctionsStarter(client: SFNClient, stateMachineArn: string): WorkflowStarter {
  return {
    async start(input) {
      const command = new StartExecutionCommand({
        stateMachineArn,
        name: input.requestId,
        input: JSON.stringify(input),
      });
      try {
        await client.send(command);
      } catch (error) {
        // A name is good for 90 days. Step Functions API, StartExecution.
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }
    },
  };
}

/** Answers tasks of Step Functions. */
export function createStepFunctionsAnswers(client: SFNClient): TaskAnswers {
  return {
    succeed: (taskToken, output) =>
      wasAwaited(client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }))),
    fail: (taskToken, error, cause) => wasAwaited(client.send(new SendTaskFailureCommand({ taskToken, error, cause }))),
    heartbeat: (taskToken) => wasAwaited(client.send(new SendTaskHeartbeatCommand({ taskToken }))),
  };
}

async function wasAwaited(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (error instanceof TaskDoesNotExist || error instanceof TaskTimedOut || error instanceof InvalidToken)
      return false;
    throw error;
  }
}
