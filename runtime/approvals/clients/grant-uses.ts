import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest } from '../../contract/approval.ts';
import type { Grant } from '../../contract/receipts.ts';
import { grantTable } from '../../contract/tables.ts';
import { grantOf, requestKey, unsettledSince, unsettledTenant } from '../../shared/approval-items.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from '../../shared/dynamo.ts';
import { keyOf, toGrantItem } from '../../shared/grant-items.ts';
import type { GrantUse, TakenBack } from '../messages/grant-use.ts';

/** What becomes of yeses. Every method throws Refusal `approval_unavailable` when the store gives no answer. */
export interface GrantUses {
  /** Undefined for a request that is not approved. */
  find(request: ApprovalRequest): Promise<GrantUse | undefined>;
  /**
   * Takes what is left of a yes back, in one conditional write, and says what stands then: somebody else may have been first, or a call. Before that
   * the request needs somebody again, so that the sweep finishes what a process that dies begins.
   */
  takeBack(request: ApprovalRequest, by: TakenBack): Promise<TakeBackResult | undefined>;
  /** Notes that it is on record that the yes was taken back. */
  noteRecorded(request: ApprovalRequest): Promise<void>;
  /** Notes that nothing is left to do about taking the yes back, and with `isSettled` about the request. */
  endTakeBack(request: ApprovalRequest, isSettled: boolean): Promise<void>;
}

export interface TakeBackResult {
  readonly use: GrantUse;
  /** True when all was told before: whoever tells of this settles the request again. */
  readonly wasSettled: boolean;
}

export interface GrantUsesOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
}

export function createGrantUses({ client, tablePrefix, deadlineMs = 1000 }: GrantUsesOptions): GrantUses {
  const TableName = `${tablePrefix}${grantTable.name}`;
  const deadline = () => ({ abortSignal: AbortSignal.timeout(deadlineMs) });

  async function read(grant: Grant): Promise<GrantUse> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: marshall(keyOf(grant)), ConsistentRead: true }),
      deadline(),
    );
    return useOf(grant, Item === undefined ? {} : unmarshall(Item));
  }

  /** True when nobody needed to look after the request any more. */
  async function unsettle({ id, tenant }: ApprovalRequest, nowMs: number): Promise<boolean> {
    const { Attributes = {} } = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: requestKey(id),
        UpdateExpression: 'SET takingBackAtMs = :now, unsettled_tenant = :tenant, unsettled_since = :since',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: marshall({
          ':now': nowMs,
          ':tenant': unsettledTenant(tenant),
          ':since': unsettledSince(nowMs, id),
        }),
        ReturnValues: 'ALL_OLD',
      }),
      deadline(),
    );
    return Attributes.unsettled_tenant === undefined;
  }

  async function revoke(grant: Grant, { atMs, by, reason, callId }: TakenBack): Promise<void> {
    const isLeft = grant.calls === undefined ? 'attribute_not_exists(used_at_ms)' : 'callsUsed < callsMax';
    const write = new UpdateItemCommand({
      TableName,
      Key: marshall(keyOf(grant)),
      UpdateExpression: `SET revoked_at_ms = :now, revokedBy = :by, revokedCallId = :call${reason === undefined ? '' : ', revokedReason = :reason'}`,
      ConditionExpression: `attribute_exists(pk) AND ${isLeft} AND attribute_not_exists(revoked_at_ms)`,
      ExpressionAttributeValues: marshall(
        { ':now': atMs, ':by': by, ':call': callId, ':reason': reason },
        { removeUndefinedValues: true },
      ),
    });
    await ifConditionHolds(client.send(write, deadline()));
  }

  return {
    find: (request) =>
      orRefuse('approval_unavailable', async () => {
        const grant = grantOf(request);
        return grant && (await read(grant));
      }),

    takeBack: (request, by) =>
      orRefuse('approval_unavailable', async () => {
        const grant = grantOf(request);
        if (grant === undefined) return undefined;
        const wasSettled = await unsettle(request, by.atMs);
        // Stored first, or whoever completes it later would give it again.
        await putOnce(grant);
        await revoke(grant, by);
        return { use: await read(grant), wasSettled };
      }),

    noteRecorded: (request) =>
      orRefuse('approval_unavailable', async () => {
        const grant = grantOf(request);
        if (grant !== undefined) await noteRecorded(grant);
      }),

    endTakeBack: (request, isSettled) => orRefuse('approval_unavailable', () => endTakeBack(request, isSettled)),
  };

  async function noteRecorded(grant: Grant): Promise<void> {
    const write = new UpdateItemCommand({
      TableName,
      Key: marshall(keyOf(grant)),
      UpdateExpression: 'SET revokedRecorded = :true',
      ConditionExpression: 'attribute_exists(revoked_at_ms)',
      ExpressionAttributeValues: marshall({ ':true': true }),
    });
    await ifConditionHolds(client.send(write, deadline()));
  }

  async function endTakeBack({ id }: ApprovalRequest, isSettled: boolean): Promise<void> {
    const write = new UpdateItemCommand({
      TableName,
      Key: requestKey(id),
      UpdateExpression: `REMOVE takingBackAtMs${isSettled ? ', unsettled_tenant, unsettled_since' : ''}`,
      ConditionExpression: 'attribute_exists(takingBackAtMs)',
    });
    await ifConditionHolds(client.send(write, deadline()));
  }

  async function putOnce(grant: Grant): Promise<void> {
    const write = { TableName, Item: toGrantItem(grant), ConditionExpression: 'attribute_not_exists(pk)' };
    await ifConditionHolds(client.send(new PutItemCommand(write), deadline()));
  }
}

function useOf({ calls, expiresAtMs }: Grant, stored: Readonly<Record<string, unknown>>): GrantUse {
  const usedAtMs = numberOf(stored.used_at_ms);
  const revokedAtMs = numberOf(stored.revoked_at_ms);
  const { revokedBy, revokedReason, revokedCallId, revokedRecorded } = stored;
  return {
    callsUsed: calls === undefined ? Number(usedAtMs !== undefined) : (numberOf(stored.callsUsed) ?? 0),
    callsMax: calls?.max ?? 1,
    usedAtMs,
    usableUntilMs: expiresAtMs,
    takenBack:
      revokedAtMs === undefined
        ? undefined
        : {
            atMs: revokedAtMs,
            by: textOf(revokedBy),
            reason: textOf(revokedReason),
            callId: textOf(revokedCallId),
            isRecorded: revokedRecorded === true,
          },
  };
}

function numberOf(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
