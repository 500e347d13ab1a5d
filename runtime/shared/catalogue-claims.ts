import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ServerEntry } from '../contract/registry.ts';
import { type DynamoDBClient, ifConditionHolds, queryAll } from './dynamo.ts';
import { keyHash } from './key-hash.ts';
import { nameSkeleton } from './name-skeleton.ts';
import { Refusal } from './refusal.ts';

/** A name that one server owns. */
interface Claim {
  readonly pk: 'claim#server' | 'claim#tool' | 'claim#audience';
  readonly sk: string;
  /** As written by its owner. */
  readonly name: string;
}

interface StoredClaim extends Claim {
  readonly server: string;
  /** Which attempt wrote it last: only that attempt may take it away. */
  readonly by: string;
}

/** Who owns which name. One item a name, so that two servers can never own one, whatever happens at the same time. */
export interface CatalogueClaims {
  /**
   * Makes every name of `server` its own; what was not its own before is given back by `release`. Throws Refusal `name_taken`, having
   * claimed nothing new, when one is another's.
   */
  claim(server: ServerEntry): Promise<{ release(): Promise<void> }>;
  /** What `server` owns now, to be given back later unless it was claimed again meanwhile. */
  ownedBy(server: string): Promise<{ release(): Promise<void> }>;
}

const pks = ['claim#server', 'claim#tool', 'claim#audience'] as const;

export function createCatalogueClaims(client: DynamoDBClient, TableName: string): CatalogueClaims {
  async function ownerOf({ pk, sk }: Claim): Promise<string | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: marshall({ pk, sk }), ConsistentRead: true }),
    );
    return Item?.server?.S;
  }

  function write(claim: StoredClaim, condition: string, values: Record<string, string> = {}): Promise<boolean> {
    return ifConditionHolds(
      client.send(
        new PutItemCommand({
          TableName,
          Item: marshall(claim),
          ConditionExpression: condition,
          ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: marshall(values) }),
        }),
      ),
    );
  }

  async function release(claims: readonly StoredClaim[]): Promise<void> {
    for (const { pk, sk, by } of claims) {
      const condition = {
        ConditionExpression: '#by = :by',
        ExpressionAttributeNames: { '#by': 'by' },
        ExpressionAttributeValues: marshall({ ':by': by }),
      };
      await ifConditionHolds(
        client.send(new DeleteItemCommand({ TableName, Key: marshall({ pk, sk }), ...condition })),
      );
    }
  }

  return {
    async claim(server) {
      const wanted = claimsOf(server);
      // All are looked at before the first is taken: a refused server must not be left owning half of its wishes.
      for (const claim of wanted) {
        const owner = await ownerOf(claim);
        if (owner !== undefined && owner !== server.name) throw taken(claim);
      }
      const by = randomUUID();
      const made: StoredClaim[] = [];
      for (const claim of wanted) {
        const stored: StoredClaim = { ...claim, server: server.name, by };
        if (await write(stored, 'attribute_not_exists(pk)')) made.push(stored);
        else if (!(await write(stored, 'server = :server', { ':server': server.name }))) {
          await release(made);
          throw taken(claim);
        }
      }
      return { release: () => release(made) };
    },

    async ownedBy(server) {
      const owned: StoredClaim[] = [];
      for (const pk of pks) {
        const items = await queryAll(client, {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          FilterExpression: 'server = :server',
          ExpressionAttributeValues: marshall({ ':pk': pk, ':server': server }),
        });
        owned.push(...items.map((item) => unmarshall(item) as StoredClaim));
      }
      return { release: () => release(owned) };
    },
  };
}

/** Server and tool names by what they look like; audiences as they are, because a token for one must not be good at another's server. */
function claimsOf(server: ServerEntry): readonly Claim[] {
  const tools = new Set(server.versions.flatMap(({ tools }) => tools.map(({ name }) => name)));
  const audiences = new Set(server.versions.map(({ audience }) => audience));
  return [
    { pk: 'claim#server', sk: nameSkeleton(server.name), name: server.name },
    ...[...tools].map((name) => ({ pk: 'claim#tool' as const, sk: nameSkeleton(name), name })),
    ...[...audiences].map((name) => ({ pk: 'claim#audience' as const, sk: keyHash(name), name })),
  ];
}

function taken({ pk, name }: Claim): Refusal {
  const what = { 'claim#server': 'server name', 'claim#tool': 'tool name', 'claim#audience': 'audience' }[pk];
  return new Refusal('name_taken', { reason: `Another server owns the ${what} ${name}, or one that looks like it.` });
}
