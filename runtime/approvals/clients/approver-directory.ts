import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { grantTable } from '../../contract/tables.ts';
import { type DynamoDBClient, orRefuse } from '../../shared/dynamo.ts';
import { keyHash } from '../../shared/key-hash.ts';

/** Somebody who may be asked. */
export interface KnownApprover {
  readonly subject: string;
  readonly tenant: string;
  readonly roles: readonly string[];
}

/**
 * Who an address is: as whoever runs the platform listed it, or as a sign-in with that address said. Never by what Slack says. Every method throws
 * Refusal `approval_unavailable` when the store gives no answer.
 */
export interface ApproverDirectory {
  /**
   * Undefined for an address that nobody signed in with, or too long ago. Who it is in `tenant`, if anybody: another tenant, whose provider confirms
   * whatever it likes, takes nobody's address away.
   */
  find(email: string, tenant: string, nowMs: number): Promise<KnownApprover | undefined>;
  /** `email` must have been verified by whoever signed the token it is from. */
  remember(email: string, approver: KnownApprover, nowMs: number): Promise<void>;
}

export interface ApproverDirectoryOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
  /** By address in lower case; goes before what a sign-in said. @default none */
  readonly listed?: ReadonlyMap<string, KnownApprover>;
  /** Roles may be taken away meanwhile, so what was said holds for no longer. @default 12 hours */
  readonly rememberedMs?: number;
}

export function createApproverDirectory(options: ApproverDirectoryOptions): ApproverDirectory {
  const { client, tablePrefix, listed = new Map(), rememberedMs = 12 * 3_600_000 } = options;
  const TableName = `${tablePrefix}${grantTable.name}`;

  async function read(Key: ReturnType<typeof key>, nowMs: number): Promise<KnownApprover | undefined> {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    if (Item === undefined) return undefined;
    const { subject, tenant, roles, rememberedAtMs } = unmarshall(Item);
    const ageMs = nowMs - Number(rememberedAtMs);
    if (!(ageMs >= 0 && ageMs < rememberedMs)) return undefined;
    return { subject: String(subject), tenant: String(tenant), roles: (roles as string[]).map(String) };
  }

  return {
    find: (email, tenant, nowMs) =>
      orRefuse('approval_unavailable', async () => {
        const named = listed.get(normal(email));
        if (named !== undefined) return named;
        return (await read(key(tenant, email), nowMs)) ?? (await read(key(email), nowMs));
      }),
    remember: (email, { subject, tenant, roles }, nowMs) =>
      orRefuse('approval_unavailable', async () => {
        const expires_at = Math.ceil((nowMs + rememberedMs) / 1000);
        const Item = marshall({ subject, tenant, roles, rememberedAtMs: nowMs, expires_at });
        for (const Key of [key(tenant, email), key(email)]) {
          await client.send(new PutItemCommand({ TableName, Item: { ...Key, ...Item } }));
        }
      }),
  };
}

/** Of an address in a tenant, and of an address alone: as whom it signed in last, in whichever tenant. */
function key(...names: readonly [email: string] | readonly [tenant: string, email: string]) {
  return marshall({ pk: `approver#${keyHash(...names.slice(0, -1), normal(names.at(-1) ?? ''))}`, sk: 'approver' });
}

/** Addresses are compared in lower case only: no provider of one's own organisation tells two apart by it. */
function normal(email: string): string {
  return email.trim().toLowerCase();
}
