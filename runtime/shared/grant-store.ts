import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Grant, GrantedCall } from '../contract/receipts.ts';
import { grantTable } from '../contract/tables.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse } from './dynamo.ts';
import { keyHash } from './key-hash.ts';

export type { GrantedCall } from '../contract/receipts.ts';

/** Stored yeses in DynamoDB. Every method throws Refusal `approval_unavailable` when the store gives no answer. */
export interface GrantStore {
  /** Stores a new grant. Throws an Error when its id is there already. */
  put(grant: Grant): Promise<void>;
  /** The open, unexpired, unused grant for this very call, if there is one. */
  find(call: GrantedCall, nowMs: number): Promise<Grant | undefined>;
  /** Uses the grant up in one conditional write; false when it was used, revoked or expired before. */
  consume(grant: Grant, nowMs: number): Promise<boolean>;
}

/** A grant store whose grants can be given for good and taken back. */
export interface RevocableGrantStore extends GrantStore {
  /** Stores a grant unless its id is there already, used or not; false then. */
  putOnce(grant: Grant): Promise<boolean>;
  /** Takes a yes back; false when it was used before or is not there. */
  revoke(grant: Grant, nowMs: number): Promise<boolean>;
}

export interface GrantStoreOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** For one command, all its attempts included. @default 1000 */
  readonly deadlineMs?: number;
}

/** Whatever a record claims, a yes is open for no longer. */
export const grantLifetimeMaxMs = 15 * 60_000;

/** Kept for a day after its end: a used grant that is asked for again is then still known as used. */
const keptSeconds = 86_400;

export function createGrantStore(options: GrantStoreOptions): RevocableGrantStore {
  const { client, tablePrefix, deadlineMs = 1000 } = options;
  const TableName = `${tablePrefix}${grantTable.name}`;
  const deadline = () => ({ abortSignal: AbortSignal.timeout(deadlineMs) });
  const answered = <T>(work: () => Promise<T>) => orRefuse('approval_unavailable', work);

  async function readAll(call: GrantedCall): Promise<readonly Record<string, AttributeValue>[]> {
    const items: Record<string, AttributeValue>[] = [];
    const { abortSignal } = deadline();
    let page: QueryCommandOutput | undefined;
    do {
      page = await client.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :grant)',
          ExpressionAttributeValues: marshall({ ':pk': partition(call), ':grant': 'grant#' }),
          ...(page?.LastEvaluatedKey !== undefined && { ExclusiveStartKey: page.LastEvaluatedKey }),
        }),
        { abortSignal },
      );
      items.push(...(page.Items ?? []));
    } while (page.LastEvaluatedKey !== undefined);
    return items;
  }

  function putOnce(grant: Grant): Promise<boolean> {
    const item = { ...grant, expires_at: Math.ceil(endOf(grant) / 1000) + keptSeconds };
    const write = new PutItemCommand({
      TableName,
      Item: marshall({ ...keys(grant), ...item }),
      // A grant that was used or revoked is never opened again by writing it anew.
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    return answered(() => ifConditionHolds(client.send(write, deadline())));
  }

  return {
    putOnce,

    async put(grant) {
      if (!(await putOnce(grant))) throw new Error(`the grant ${grant.id} is already stored`);
    },

    find: (call, nowMs) =>
      answered(async () => {
        const grants = (await readAll(call))
          .filter((item) => item.used_at_ms === undefined && item.revoked_at_ms === undefined)
          .map(toGrant)
          .filter((grant) => isFor(grant, call) && isOpen(grant, nowMs));
        // The one that ends first, so that the others stay useful for longer.
        return grants.sort((a, b) => a.expiresAtMs - b.expiresAtMs)[0];
      }),

    consume: (grant, nowMs) =>
      answered(() => {
        // The same write tried again after a lost answer finds its own mark.
        const use = randomUUID();
        return ifConditionHolds(
          client.send(
            new UpdateItemCommand({
              TableName,
              Key: marshall(keys(grant)),
              UpdateExpression: 'SET used_at_ms = :now, used_by = :use',
              ConditionExpression:
                '(attribute_not_exists(used_at_ms) OR used_by = :use) AND attribute_not_exists(revoked_at_ms)' +
                ' AND grantedAtMs <= :now AND expiresAtMs > :now AND grantedAtMs > :oldest' +
                // One grant's id on another's record consumes nothing.
                ' AND id = :id AND approver = :approver',
              ExpressionAttributeValues: marshall({
                ':use': use,
                ':now': nowMs,
                ':oldest': nowMs - grantLifetimeMaxMs,
                ':id': grant.id,
                ':approver': grant.approver,
              }),
            }),
            deadline(),
          ),
        );
      }),

    revoke: (grant, nowMs) =>
      answered(() =>
        ifConditionHolds(
          client.send(
            new UpdateItemCommand({
              TableName,
              Key: marshall(keys(grant)),
              UpdateExpression: 'SET revoked_at_ms = if_not_exists(revoked_at_ms, :now)',
              ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(used_at_ms)',
              ExpressionAttributeValues: marshall({ ':now': nowMs }),
            }),
            deadline(),
          ),
        ),
      ),
  };
}

const callFields = [
  'tenant',
  'subject',
  'clientId',
  'server',
  'tool',
  'definitionHash',
  'argumentsSha256',
  'policyRevision',
] as const satisfies readonly (keyof GrantedCall)[];

function partition(call: GrantedCall): string {
  return `call#${keyHash(...callFields.map((field) => call[field]))}`;
}

function keys(grant: Grant): { readonly pk: string; readonly sk: string } {
  return grantKey(grant, grant.id);
}

/** Where the grant `id` of a call is kept, or would be. */
export function grantKey(call: GrantedCall, id: string): { readonly pk: string; readonly sk: string } {
  return { pk: partition(call), sk: `grant#${keyHash(id)}` };
}

function endOf({ grantedAtMs, expiresAtMs }: Pick<Grant, 'grantedAtMs' | 'expiresAtMs'>): number {
  return Math.min(expiresAtMs, grantedAtMs + grantLifetimeMaxMs);
}

function isOpen(grant: Grant, nowMs: number): boolean {
  return grant.grantedAtMs <= nowMs && nowMs < grant.expiresAtMs;
}

/** The partition is a hash over the call already; this holds for records that were written by other means, too. */
function isFor(grant: Grant, call: GrantedCall): boolean {
  return callFields.every((field) => grant[field] === call[field]);
}

function toGrant(item: Record<string, AttributeValue>): Grant {
  const { id, approver, ...rest } = unmarshall(item) as Grant;
  const times = { grantedAtMs: Number(rest.grantedAtMs), expiresAtMs: Number(rest.expiresAtMs) };
  return {
    id,
    ...callOf(rest),
    approver,
    grantedAtMs: times.grantedAtMs,
    expiresAtMs: endOf(times),
  };
}

/** The call that a grant or a request is for, without the rest of it. */
export function callOf(bound: GrantedCall): GrantedCall {
  const { tenant, subject, clientId, server, tool, definitionHash, argumentsSha256, policyRevision } = bound;
  return { tenant, subject, clientId, server, tool, definitionHash, argumentsSha256, policyRevision };
}
