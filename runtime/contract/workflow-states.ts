import type { JsonObject } from './json.ts';
import { taskTokenAttribute, type WorkflowStep, workflowPartition, workflowTaskKey } from './workflow-input.ts';

/** The table of grants, and how its service is called. */
export interface WorkflowTable {
  readonly tableName: string;
  readonly partition: string;
}

/** What the execution was started with: the one thing that every state sees unchanged. */
export const asked = '$states.context.Execution.Input';
/** What the state before handed on. */
export const answered = '$states.input';
export const nowMs = '{% $string($millis()) %}';
/** A day after the request: TTL deletes tokens that nobody can use any more. */
export const forgottenAtS = `{% $string($ceil(${asked}.expiresAtMs / 1000) + 86400) %}`;
export const conditionFailed = 'DynamoDb.ConditionalCheckFailedException';

/** True of a text. */
export const isText = (path: string) => `$type(${path}) = 'string'`;

/** Throttled or briefly unwell. A failed condition is an answer and not among them. */
export const whenBusy: JsonObject = {
  ErrorEquals: [
    'DynamoDb.InternalServerErrorException',
    'DynamoDb.ProvisionedThroughputExceededException',
    'DynamoDb.RequestLimitExceededException',
    'DynamoDb.SdkClientException',
    'DynamoDb.ThrottlingException',
  ],
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxAttempts: 5,
  JitterStrategy: 'FULL',
};

export function resource({ partition }: WorkflowTable, action: string): string {
  return `arn:${partition}:states:::aws-sdk:dynamodb:${action}`;
}

/** Writes a task token and waits until somebody answers with it. */
export function ask(table: WorkflowTable, step: WorkflowStep, next: string): JsonObject {
  const { sk } = workflowTaskKey('', step);
  return {
    Type: 'Task',
    Resource: resource(table, 'putItem.waitForTaskToken'),
    Arguments: {
      TableName: table.tableName,
      Item: {
        pk: { S: `{% '${workflowPartition}' & ${asked}.requestId %}` },
        sk: { S: sk },
        tenant: { S: `{% ${asked}.tenant %}` },
        asked_at_ms: { N: nowMs },
        expires_at: { N: forgottenAtS },
        [taskTokenAttribute]: { S: '{% $states.context.Task.Token %}' },
      },
    },
    Next: next,
  };
}

/**
 * Closes the request unless somebody else did. It stays in the index `unsettled`, so that the service which records what becomes of requests
 * finds it there.
 */
export function close(table: WorkflowTable, state: 'expired' | 'withdrawn', next: string): JsonObject {
  return {
    ...update(
      table,
      'request',
      'SET #state = :closed, closedAtMs = :now, closedBy = :workflow',
      { ':open': { S: 'open' }, ':closed': { S: state }, ':now': { N: nowMs }, ':workflow': { S: 'workflow' } },
      { ConditionExpression: '#state = :open', ExpressionAttributeNames: { '#state': 'state' } },
    ),
    Output: { outcome: state },
    Next: next,
  };
}

/** What of an execution's input names an item. */
export type WorkflowItem = 'request' | 'grant' | 'window';

export function update(
  table: WorkflowTable,
  item: WorkflowItem,
  expression: string,
  values: JsonObject,
  more: JsonObject = {},
): JsonObject {
  return {
    Type: 'Task',
    Resource: resource(table, 'updateItem'),
    Arguments: {
      TableName: table.tableName,
      Key: itemKey(item),
      UpdateExpression: expression,
      ExpressionAttributeValues: values,
      ...more,
    },
    Retry: [whenBusy],
  };
}

export function itemKey(item: WorkflowItem): JsonObject {
  return { pk: { S: `{% ${asked}.${item}.pk %}` }, sk: { S: `{% ${asked}.${item}.sk %}` } };
}

type Rule = readonly [condition: string, next: string, outcome?: string];

export function choice(rules: readonly Rule[], otherwise: string): JsonObject {
  return {
    Type: 'Choice',
    Choices: rules.map(([condition, next, outcome]) => ({
      Condition: `{% ${condition} %}`,
      Next: next,
      ...(outcome !== undefined && { Output: { outcome } }),
    })),
    Default: otherwise,
  };
}

export function fail(error: string, cause: string): JsonObject {
  return { Type: 'Fail', Error: error, Cause: cause };
}
