import {
  ExecutionAlreadyExists,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { TaskAnswers, WorkflowStarter } from './workflow-tasks.ts';

/** Of one command, all its attempts included, ms. */
const deadlineMs = 2000;

/**
 * A client that waits for nobody long: a call that needs a yes waits for the start of its execution. AWS_ENDPOINT_URL_SFN is read by the SDK
 * itself.
 */
export function createStepFunctionsClient(region: string): SFNClient {
  return new SFNClient({
    region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 500, requestTimeout: 1000, throwOnRequestTimeout: true },
  });
}

/** Step Functions did not do it. Says what was tried, and the name of the error. */
export class StepFunctionsFailure extends Error {
  constructor(command: string, error: unknown, options?: ErrorOptions) {
    super(`Step Functions ${command}: ${error instanceof Error ? error.name : typeof error}`, options);
    this.name = 'StepFunctionsFailure';
  }
}

/** Starts executions in Step Functions. Rejects with {@link StepFunctionsFailure}. */
export function createStepFunctionsStarter(client: SFNClient, stateMachineArn: string): WorkflowStarter {
  return {
    async start(input) {
      const command = new StartExecutionCommand({
        stateMachineArn,
        name: input.requestId,
        input: JSON.stringify(input),
      });
      try {
        await client.send(command, deadline());
      } catch (error) {
        // A name is good for 90 days. Step Functions API, StartExecution.
        if (!(error instanceof ExecutionAlreadyExists))
          throw new StepFunctionsFailure('StartExecution', error, { cause: error });
      }
    },
  };
}

/** Answers tasks of Step Functions. Every method rejects with {@link StepFunctionsFailure}. */
export function createStepFunctionsAnswers(client: SFNClient): TaskAnswers {
  return {
    succeed: (taskToken, output) =>
      wasAwaited('SendTaskSuccess', () =>
        client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }), deadline()),
      ),
    fail: (taskToken, error, cause) =>
      wasAwaited('SendTaskFailure', () =>
        client.send(new SendTaskFailureCommand({ taskToken, error, cause }), deadline()),
      ),
    heartbeat: (taskToken) =>
      wasAwaited('SendTaskHeartbeat', () => client.send(new SendTaskHeartbeatCommand({ taskToken }), deadline())),
  };
}

function deadline(): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(deadlineMs) };
}

async function wasAwaited(command: string, send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (error instanceof TaskDoesNotExist || error instanceof TaskTimedOut || error instanceof InvalidToken)
      return false;
    // Without its cause: command and answer hold the task token.
    throw new StepFunctionsFailure(command, error);
  }
}
