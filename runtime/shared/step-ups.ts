import { type AttributeValue, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest, ApprovalScope, ApprovalState } from '../contract/approval.ts';
import type { GrantedCall } from '../contract/receipts.ts';
import {
  type Asker,
  type StepUp,
  stepUpGrantAttributes,
  stepUpPartition,
  stepUpRequestAttributes,
} from '../contract/step-up.ts';
import { grantTable } from '../contract/tables.ts';
import { requestKey } from './approval-items.ts';
import { type DynamoDBClient, orRefuse } from './dynamo.ts';
import { callOf, grantKey, grantLifetimeMaxMs, windowKey } from './grant-items.ts';
import { keyHash } from './key-hash.ts';

/**
 * Which questions sent their asker to the authorization server. An item here only names a request: how that stands, and whether its yes can be
 * used, is read from the request and the grant themselves, so nothing here can be out of date. Both methods throw Refusal
 * `approval_unavailable` when the store gives no answer.
 */
export interface StepUps {
  /** Notes that the asker of this request is sent there; the same request is noted once, however often. */
  note(request: ApprovalRequest): Promise<void>;
  /** The newest ten of an asker as they are at `nowMs`, the newest first. */
  find(asker: Asker, nowMs: number): Promise<readonly StepUp[]>;
}

export interface StepUpsOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
}

const newestMax = 10;

export function createStepUps({ client, tablePrefix, deadlineMs = 1000 }: StepUpsOptions): StepUps {
  const TableName = `${tablePrefix}${grantTable.name}`;
  const deadline = () => ({ abortSignal: AbortSignal.timeout(deadlineMs) });

  async function read(Key: Record<string, AttributeValue>, attributes: readonly string[]) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key, ConsistentRead: true, ...projectionOf(attributes) }),
      deadline(),
    );
    return Item === undefined ? undefined : unmarshall(Item);
  }

  async function standing(id: string, asker: Asker, nowMs: number): Promise<StepUp | undefined> {
    const stored = (await read(requestKey(id), stepUpRequestAttributes)) as StoredRequest | undefined;
    if (stored === undefined || !isOf(stored, asker)) return undefined;
    const { server, tool, words, expiresAtMs, closedAtMs } = stored;
    const state = stored.state === 'open' && nowMs >= expiresAtMs ? 'expired' : stored.state;
    return {
      ...{ id, server, tool, words, state },
      closedAtMs: state === 'expired' ? expiresAtMs : closedAtMs,
      openUntilMs: state === 'open' ? expiresAtMs : await usableUntil(stored, nowMs),
    };
  }

  async function usableUntil(stored: StoredRequest, nowMs: number): Promise<number | undefined> {
    if (stored.state !== 'approved') return undefined;
    const grant = (await read(marshall(keyOfGrant(stored)), stepUpGrantAttributes)) as StoredGrant | undefined;
    if (grant === undefined || grant.revoked_at_ms !== undefined || isUsedUp(grant)) return undefined;
    const endsAtMs = Math.min(grant.expiresAtMs, grant.grantedAtMs + grantLifetimeMaxMs);
    return nowMs < endsAtMs ? endsAtMs : undefined;
  }

  return {
    note: (request) =>
      orRefuse('approval_unavailable', async () => {
        const item = { ...keys(request), requestId: request.id, expires_at: keptUntilSeconds(request) };
        await client.send(new PutItemCommand({ TableName, Item: marshall(item) }), deadline());
      }),

    find: (asker, nowMs) =>
      orRefuse('approval_unavailable', async () => {
        const { Items = [] } = await client.send(
          new QueryCommand({
            TableName,
            ConsistentRead: true,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: marshall({ ':pk': partitionOf(asker) }),
            ScanIndexForward: false,
            Limit: newestMax,
          }),
          deadline(),
        );
        const ids = Items.map((item) => (unmarshall(item) as { readonly requestId: string }).requestId);
        const found = await Promise.all(ids.map((id) => standing(id, asker, nowMs)));
        return found.filter((each) => each !== undefined);
      }),
  };
}

interface StoredRequest extends GrantedCall {
  readonly id: string;
  readonly words: string;
  readonly state: ApprovalState;
  readonly expiresAtMs: number;
  readonly closedAtMs?: number;
  readonly scope?: ApprovalScope;
  readonly windowSha256?: string;
}

interface StoredGrant {
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  readonly used_at_ms?: number;
  readonly revoked_at_ms?: number;
  readonly callsMax?: number;
  readonly callsUsed?: number;
}

/** As the grant is derived: a yes to several calls is kept elsewhere. */
function keyOfGrant(stored: StoredRequest) {
  const { id, scope, windowSha256 } = stored;
  return scope === 'window' && windowSha256 !== undefined
    ? windowKey(callOf(stored), windowSha256, id)
    : grantKey(callOf(stored), id);
}

function isUsedUp({ used_at_ms, callsMax, callsUsed = 0 }: StoredGrant): boolean {
  return callsMax === undefined ? used_at_ms !== undefined : callsUsed >= callsMax;
}

function keys(request: ApprovalRequest): { readonly pk: string; readonly sk: string } {
  return { pk: partitionOf(request), sk: `${new Date(request.openedAtMs).toISOString()}#${request.id}` };
}

function partitionOf({ tenant, subject, clientId }: Asker): string {
  return `${stepUpPartition}${keyHash(tenant, subject, clientId)}`;
}

/** Longer than the yes that is given in the last moment. */
function keptUntilSeconds({ expiresAtMs }: ApprovalRequest): number {
  return Math.ceil((expiresAtMs + 2 * grantLifetimeMaxMs) / 1000);
}

/** The partition is a hash over the asker already; this holds for items that were written by other means, too. */
function isOf(stored: StoredRequest, { tenant, subject, clientId }: Asker): boolean {
  return stored.tenant === tenant && stored.subject === subject && stored.clientId === clientId;
}

function projectionOf(attributes: readonly string[]) {
  return {
    ProjectionExpression: attributes.map((_, i) => `#${i}`).join(', '),
    ExpressionAttributeNames: Object.fromEntries(attributes.map((name, i) => [`#${i}`, name])),
  };
}
