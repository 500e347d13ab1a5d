import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalQuestion } from '../contract/approval.ts';
import { type DynamoDBClient, ifConditionHolds } from './dynamo.ts';
import { keyHash } from './key-hash.ts';
import { Refusal } from './refusal.ts';

export interface CountQuestionOptions {
  readonly client: DynamoDBClient;
  /** The table of grants. */
  readonly TableName: string;
  readonly deadline: () => { readonly abortSignal: AbortSignal };
  /** New questions of one asker, a tenant's subject, in an hour of the clock. */
  readonly perHourMax: number;
}

const hourMs = 3_600_000;
const daySeconds = 86_400;

/** Counts a new question against its asker's hour in one conditional write. Throws Refusal `quota_exceeded` when the hour's are used up. */
export async function countQuestion(
  { tenant, subject }: Pick<ApprovalQuestion, 'tenant' | 'subject'>,
  nowMs: number,
  { client, TableName, deadline, perHourMax }: CountQuestionOptions,
): Promise<void> {
  const hourEndsAtMs = (Math.floor(nowMs / hourMs) + 1) * hourMs;
  const write = new UpdateItemCommand({
    TableName,
    Key: marshall({ pk: `questions#${keyHash(tenant, subject)}`, sk: new Date(nowMs).toISOString().slice(0, 13) }),
    UpdateExpression: 'ADD n :one SET expires_at = :end',
    ConditionExpression: 'attribute_not_exists(n) OR n < :max',
    ExpressionAttributeValues: marshall({ ':one': 1, ':max': perHourMax, ':end': hourEndsAtMs / 1000 + daySeconds }),
  });
  if (await ifConditionHolds(client.send(write, deadline()))) return;
  throw new Refusal('quota_exceeded', {
    reason:
      `The limit of ${perHourMax} new questions to people an hour for one caller is used up. ` +
      'Wait for the next hour, then send this call again; calls whose question is open or answered can be sent at any time.',
    retryAfterMs: Math.max(1, Math.ceil(hourEndsAtMs - nowMs)),
  });
}
