import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { JsonObject } from '../contract/json.ts';
import { grantTable } from '../contract/tables.ts';
import {
  taskTokenAttribute,
  type WorkflowAnswer,
  type WorkflowInput,
  type WorkflowStep,
  workflowFailures,
  workflowTaskKey,
} from '../contract/workflow-input.ts';
import type { DynamoDBClient } from './dynamo.ts';

/** Starts executions; may not answer them. */
export interface WorkflowStarter {
  /** Once for each request, however often it is called. */
  start(input: WorkflowInput): Promise<void>;
}

/** Answers tasks; may not start them. Each resolves to false when nobody waits with that token any more, or ever did. */
export interface TaskAnswers {
  succeed(token: string, output: JsonObject): Promise<boolean>;
  fail(token: string, error: string, cause: string): Promise<boolean>;
  heartbeat(token: string): Promise<boolean>;
}

/**
 * What became of telling the workflow something. `taken`: it goes on with that; `not-asked`: it has not come to asking yet, or was never started;
 * `over`: nobody waits with the token that is there, because it was used, its time is over, or a new one is about to be written.
 */
export type TaskOutcome = 'taken' | 'not-asked' | 'over';

/**
 * Tells the workflow of a request what happened, after the store has it. Tokens are read from their table and given to nobody; what is thrown
 * holds none.
 */
export interface WorkflowTasks {
  /** People have been told. */
  told(requestId: string): Promise<TaskOutcome>;
  /** People cannot be told. The question is taken back. `cause` is in the history of the execution. */
  notTold(requestId: string, cause: string): Promise<TaskOutcome>;
  /** People are about to be told; within every heartbeat. */
  stillTelling(requestId: string): Promise<TaskOutcome>;
  /** Somebody answered, maybe before everybody was told. */
  answered(requestId: string, answer: WorkflowAnswer): Promise<TaskOutcome>;
  /** The asker took the request back. */
  takenBack(requestId: string): Promise<TaskOutcome>;
}

export interface WorkflowTasksOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  readonly answers: TaskAnswers;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
}

export function createWorkflowTasks(options: WorkflowTasksOptions): WorkflowTasks {
  const { client, tablePrefix, answers, deadlineMs = 1000 } = options;
  const TableName = `${tablePrefix}${grantTable.name}`;

  async function tokenOf(requestId: string, step: WorkflowStep): Promise<string | undefined> {
    const read = new GetItemCommand({
      TableName,
      Key: marshall(workflowTaskKey(requestId, step)),
      ConsistentRead: true,
      ProjectionExpression: '#token',
      ExpressionAttributeNames: { '#token': taskTokenAttribute },
    });
    try {
      const { Item } = await client.send(read, { abortSignal: AbortSignal.timeout(deadlineMs) });
      return Item === undefined ? undefined : (unmarshall(Item)[taskTokenAttribute] as string | undefined);
    } catch (error) {
      // Without its cause: a parser quotes the answer that it cannot read.
      throw new Error(`DynamoDB, task of a workflow: ${error instanceof Error ? error.name : typeof error}`);
    }
  }

  /** The decision is asked for last; the token of an earlier asking may still be there. */
  async function settle(requestId: string, use: (token: string) => Promise<boolean>): Promise<TaskOutcome> {
    const decision = await at(requestId, 'decision', use);
    if (decision === 'taken') return decision;
    const notice = await at(requestId, 'notice', use);
    // Between the two the workflow is about to ask.
    return notice === 'over' ? decision : notice;
  }

  async function at(requestId: string, step: WorkflowStep, use: (token: string) => Promise<boolean>) {
    const token = await tokenOf(requestId, step);
    if (token === undefined) return 'not-asked';
    return (await use(token)) ? 'taken' : 'over';
  }

  return {
    told: (id) => at(id, 'notice', (token) => answers.succeed(token, {})),
    notTold: (id, cause) => at(id, 'notice', (token) => answers.fail(token, workflowFailures.noticeNotSent, cause)),
    stillTelling: (id) => at(id, 'notice', (token) => answers.heartbeat(token)),
    answered: (id, { verdict, approver }) => settle(id, (token) => answers.succeed(token, { verdict, approver })),
    takenBack: (id) => settle(id, (token) => answers.fail(token, 'Toolgate.TakenBack', 'The asker took it back.')),
  };
}
