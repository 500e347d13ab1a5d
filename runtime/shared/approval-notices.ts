import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalNotice } from '../contract/approval.ts';
import { requestKey } from './approval-items.ts';
import { type DynamoDBClient, ifConditionHolds } from './dynamo.ts';

/** Who tells people of a request, and where they were told. */
export interface ApprovalNotices {
  /** True for one process at a time, while the request is open and nobody was told; the next one may after a minute. */
  claim(id: string, nowMs: number): Promise<boolean>;
  /** Does nothing for an id that was never given. */
  set(id: string, notice: ApprovalNotice): Promise<void>;
}

export interface ApprovalNoticesOptions {
  readonly client: DynamoDBClient;
  /** The table of grants. */
  readonly TableName: string;
  readonly deadline: () => { readonly abortSignal: AbortSignal };
}

const claimMs = 60_000;

export function createApprovalNotices({ client, TableName, deadline }: ApprovalNoticesOptions): ApprovalNotices {
  return {
    claim(id, nowMs) {
      const write = new UpdateItemCommand({
        TableName,
        Key: requestKey(id),
        UpdateExpression: 'SET noticeClaimedAtMs = :now',
        ConditionExpression:
          '#state = :open AND attribute_not_exists(noticeMessage)' +
          ' AND (attribute_not_exists(noticeClaimedAtMs) OR noticeClaimedAtMs <= :old)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: marshall({ ':open': 'open', ':now': nowMs, ':old': nowMs - claimMs }),
      });
      return ifConditionHolds(client.send(write, deadline()));
    },

    async set(id, { channel, message }) {
      const write = new UpdateItemCommand({
        TableName,
        Key: requestKey(id),
        UpdateExpression: 'SET noticeChannel = :channel, noticeMessage = :message',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: marshall({ ':channel': channel, ':message': message }),
      });
      await ifConditionHolds(client.send(write, deadline()));
    },
  };
}
