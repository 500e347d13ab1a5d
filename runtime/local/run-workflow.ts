import { randomBytes } from 'node:crypto';
import type { WorkflowDefinition } from '../contract/approval-workflow.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { DynamoDBClient } from '../shared/dynamo.ts';
import type { TaskAnswers, WorkflowStarter } from '../shared/workflow-tasks.ts';
import { callDynamoTask } from './call-dynamo-task.ts';
import { evaluateField, type StatesValue } from './evaluate-jsonata.ts';
import { StateError } from './state-error.ts';

/** How an execution stands. */
export type ExecutionOutcome =
  | { readonly status: 'running' }
  | { readonly status: 'succeeded'; readonly output: Json }
  | { readonly status: 'failed'; readonly error: string; readonly cause: string };

/** Step Functions on this machine, as far as the approval workflow needs it. */
export interface WorkflowRunner extends WorkflowStarter, TaskAnswers {
  /** Undefined for a request that was never started here. */
  outcomeOf(requestId: string): ExecutionOutcome | undefined;
  /** Ends all executions where they are. Nothing is kept: whoever starts anew starts the open requests again. */
  close(): void;
}

interface Waiting {
  readonly succeed: (output: Json) => void;
  readonly fail: (error: StateError) => void;
  readonly heartbeat: () => void;
}

interface Rule {
  readonly ErrorEquals: readonly string[];
}
interface Retrier extends Rule {
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate?: number;
}
interface Catcher extends Rule {
  readonly Next: string;
  readonly Output?: Json;
}
/** The part of the language that the workflow is written in; every state is checked against the emulator's reading of it. */
interface State {
  readonly Type: 'Choice' | 'Fail' | 'Succeed' | 'Task';
  readonly Resource?: string;
  readonly Arguments?: JsonObject;
  readonly Output?: Json;
  readonly TimeoutSeconds?: Json;
  readonly HeartbeatSeconds?: Json;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string; readonly Output?: Json }[];
  readonly Default?: string;
  readonly Next?: string;
  readonly Error?: string;
  readonly Cause?: string;
}

/** Runs `definition` on the tables of `client`. */
export function runWorkflows(definition: WorkflowDefinition, client: DynamoDBClient): WorkflowRunner {
  const states = definition.States as unknown as Readonly<Record<string, State>>;
  const outcomes = new Map<string, ExecutionOutcome>();
  const waiting = new Map<string, Waiting>();
  const timers = new Set<NodeJS.Timeout>();
  let isClosed = false;

  function after(seconds: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, seconds * 1000);
    // A question that nobody answers keeps no process alive.
    timer.unref();
    timers.add(timer);
    return timer;
  }
  function stop(timer: NodeJS.Timeout | undefined): void {
    if (timer === undefined) return;
    clearTimeout(timer);
    timers.delete(timer);
  }

  async function run(requestId: string, Input: JsonObject): Promise<ExecutionOutcome> {
    const execution = { Execution: { Input, Name: requestId } };
    let value: Json = Input;
    let name: string | undefined = definition.StartAt;
    try {
      while (name !== undefined) {
        const state: State | undefined = states[name];
        if (state === undefined) throw new StateError('States.Runtime', `There is no state ${name}.`);
        if (state.Type === 'Fail') throw new StateError(state.Error ?? '', state.Cause ?? '');
        const end: readonly [Json, string | undefined] =
          state.Type === 'Task'
            ? await runTask(state, value, execution)
            : state.Type === 'Choice'
              ? await choose(state, value, execution)
              : [value, undefined];
        [value, name] = end;
      }
      return { status: 'succeeded', output: value };
    } catch (error) {
      const { name: code, message } = error as Error;
      return { status: 'failed', error: code, cause: message };
    }
  }

  async function choose(state: State, input: Json, context: JsonObject): Promise<[Json, string]> {
    for (const { Condition, Next, Output } of state.Choices ?? []) {
      const holds = await evaluated(Condition, { input, context });
      if (typeof holds !== 'boolean')
        throw new StateError('States.QueryEvaluationError', `${Condition} is no boolean.`);
      if (holds) return [Output === undefined ? input : await evaluated(Output, { input, context }), Next];
    }
    return [input, state.Default ?? ''];
  }

  async function runTask(state: State, input: Json, execution: JsonObject): Promise<[Json, string | undefined]> {
    const attempts = new Map<Retrier, number>();
    for (;;) {
      const context = { ...execution, Task: { Token: randomBytes(24).toString('base64url') } };
      try {
        const result = await attempt(state, { input, context }, context.Task.Token);
        const output = state.Output === undefined ? result : await evaluated(state.Output, { input, context, result });
        return [output, state.Next];
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        const retrier = state.Retry?.find((each) => isCaught(each, error));
        const made = retrier === undefined ? 0 : (attempts.get(retrier) ?? 0);
        if (retrier !== undefined && made < retrier.MaxAttempts) {
          attempts.set(retrier, made + 1);
          const seconds = retrier.IntervalSeconds * (retrier.BackoffRate ?? 2) ** made;
          await new Promise<void>((resolve) => after(seconds, resolve));
          continue;
        }
        const catcher = state.Catch?.find((each) => isCaught(each, error));
        if (catcher === undefined) throw error;
        const errorOutput = { Error: error.name, Cause: error.message };
        return [
          catcher.Output === undefined
            ? errorOutput
            : await evaluated(catcher.Output, { input, context: execution, errorOutput }),
          catcher.Next,
        ];
      }
    }
  }

  async function attempt(state: State, values: StatesValue, token: string): Promise<Json> {
    const args = (await evaluated(state.Arguments ?? {}, values)) as JsonObject;
    const [, action = '', waits] =
      /^arn:[\w-]+:states:::aws-sdk:dynamodb:(\w+)(\.waitForTaskToken)?$/.exec(state.Resource ?? '') ?? [];
    if (waits === undefined) return callDynamoTask(client, action, args);
    const seconds = async (field: Json | undefined) =>
      field === undefined ? undefined : ((await evaluated(field, values)) as number);
    const [timeout, heartbeat] = [await seconds(state.TimeoutSeconds), await seconds(state.HeartbeatSeconds)];
    const timed: (NodeJS.Timeout | undefined)[] = [];
    let beating: NodeJS.Timeout | undefined;
    try {
      // Listened for before it is written: whoever sees the token may answer at once.
      const answer = new Promise<Json>((succeed, fail) => {
        const beat = () => {
          stop(beating);
          if (heartbeat === undefined) return;
          beating = after(heartbeat, () => fail(new StateError('States.HeartbeatTimeout', 'No heartbeat in time.')));
        };
        waiting.set(token, { succeed, fail, heartbeat: beat });
        if (timeout !== undefined)
          timed.push(after(timeout, () => fail(new StateError('States.Timeout', 'No answer in time.'))));
        beat();
      });
      answer.catch(() => {});
      await callDynamoTask(client, action, args);
      return await answer;
    } finally {
      waiting.delete(token);
      for (const timer of [...timed, beating]) stop(timer);
    }
  }

  /** Each token is good for one answer. */
  function take(token: string): Waiting | undefined {
    const found = waiting.get(token);
    waiting.delete(token);
    return found;
  }

  return {
    async start(input) {
      if (isClosed || outcomes.has(input.requestId)) return;
      outcomes.set(input.requestId, { status: 'running' });
      // As it would arrive: a copy of plain JSON.
      void run(input.requestId, JSON.parse(JSON.stringify(input)) as JsonObject).then((outcome) => {
        outcomes.set(input.requestId, outcome);
      });
    },
    async succeed(token, output) {
      const task = take(token);
      task?.succeed(JSON.parse(JSON.stringify(output)) as Json);
      return task !== undefined;
    },
    async fail(token, error, cause) {
      const task = take(token);
      task?.fail(new StateError(error, cause));
      return task !== undefined;
    },
    async heartbeat(token) {
      waiting.get(token)?.heartbeat();
      return waiting.has(token);
    },
    outcomeOf: (requestId) => outcomes.get(requestId),
    close() {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      waiting.clear();
    },
  };
}

async function evaluated(field: Json, values: StatesValue): Promise<Json> {
  try {
    return await evaluateField(field, values);
  } catch (error) {
    throw new StateError('States.QueryEvaluationError', (error as Error).message);
  }
}

/** States.ALL is any error; States.TaskFailed any but a timeout. */
function isCaught({ ErrorEquals }: Rule, { name }: StateError): boolean {
  return ErrorEquals.some(
    (each) => each === name || each === 'States.ALL' || (each === 'States.TaskFailed' && name !== 'States.Timeout'),
  );
}
