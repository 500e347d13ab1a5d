import { hash } from 'node:crypto';
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ToolEntry } from '../contract/registry.ts';
import { type DynamoDBClient, queryAll } from './dynamo.ts';
import { keyHash } from './key-hash.ts';

/** Tools of versions, stored by the hash of their text: what a name points at never changes under a reader. */
export interface CatalogueContent {
  /** Stores what is not there yet and returns its SHA-256 (hex). */
  put(server: string, tools: readonly ToolEntry[]): Promise<string>;
  /** Undefined when it is not, or no longer, there. Throws an Error when it is not what its hash says. */
  get(server: string, sha256: string): Promise<readonly ToolEntry[] | undefined>;
  remove(server: string, sha256: string): Promise<void>;
}

/** Below DynamoDB's 400 KB an item, with room for the keys. */
const partBytes = 350_000;

export function createCatalogueContent(client: DynamoDBClient, TableName: string): CatalogueContent {
  const partition = (server: string, sha256: string) => `content#${keyHash(server, sha256)}`;

  async function parts(pk: string): Promise<readonly { readonly sk: string; readonly body: Uint8Array }[]> {
    const items = await queryAll(client, {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: marshall({ ':pk': pk }),
    });
    return items.map((item) => ({ sk: item.sk?.S ?? '', body: item.body?.B ?? new Uint8Array() }));
  }

  return {
    async put(server, tools) {
      const bytes = Buffer.from(JSON.stringify(tools));
      const sha256 = hash('sha256', bytes, 'hex');
      const pk = partition(server, sha256);
      for (let part = 0; part * partBytes < bytes.length; part += 1) {
        const body = bytes.subarray(part * partBytes, (part + 1) * partBytes);
        const Item = marshall({ pk, sk: String(part).padStart(4, '0'), body });
        await client.send(new PutItemCommand({ TableName, Item }));
      }
      return sha256;
    },

    async get(server, sha256) {
      const found = await parts(partition(server, sha256));
      if (found.length === 0) return undefined;
      const bytes = Buffer.concat(found.map(({ body }) => body));
      if (hash('sha256', bytes, 'hex') !== sha256) throw new Error(`the stored tools of ${server} are damaged`);
      return JSON.parse(bytes.toString('utf8')) as readonly ToolEntry[];
    },

    async remove(server, sha256) {
      const pk = partition(server, sha256);
      for (const { sk } of await parts(pk)) {
        await client.send(new DeleteItemCommand({ TableName, Key: marshall({ pk, sk }) }));
      }
    },
  };
}
