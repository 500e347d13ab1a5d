import { isDeepStrictEqual } from 'node:util';
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { CatalogueSnapshot, ServerEntry, ServerVersion, ToolEntry } from '../contract/registry.ts';
import { catalogueTable } from '../contract/tables.ts';
import { createCatalogueClaims } from './catalogue-claims.ts';
import { createCatalogueContent } from './catalogue-content.ts';
import { type DynamoDBClient, ifConditionHolds, orRefuse, queryAll } from './dynamo.ts';
import { keyHash } from './key-hash.ts';
import { Refusal } from './refusal.ts';

/** The catalogue in DynamoDB. Every method throws Refusal `catalogue_unavailable` when DynamoDB gives no answer. */
export interface CatalogueStore {
  /** Reads the whole catalogue. */
  read(): Promise<CatalogueSnapshot>;
  /** The catalogue's version alone: one small read. */
  readVersion(): Promise<number>;
  /** One server; undefined when it is not there. */
  get(name: string): Promise<ServerEntry | undefined>;
  /**
   * Changes one server and bumps the version. `edit` gets what is stored now and may be called again when somebody else was faster; what it
   * throws is thrown on. Throws Refusal `name_taken` when a server name, tool name or audience is another's, or the server is another owner's.
   */
  change(name: string, edit: (current: ServerEntry | undefined) => ServerEntry): Promise<ServerEntry>;
  /** Stores a server as it is given, over what is there, and bumps the version. Throws like `change`. */
  put(server: ServerEntry): Promise<void>;
  /** Removes a server, gives its names back and bumps the version; nothing happens when it is not there. */
  remove(name: string): Promise<void>;
}

export interface CatalogueStoreOptions {
  readonly client: DynamoDBClient;
  readonly tablePrefix: string;
}

/** A server without its tools: those stand apart, by their hash, because a hundred tools outgrow an item. */
interface Head {
  readonly sk: string;
  /** Grows with every change; a change names the one it saw. */
  readonly edit: number;
  /** JSON; undefined for a server that was removed. */
  readonly body?: string;
}

type BareVersion = Omit<ServerVersion, 'tools'> & { readonly toolsSha256: string };
type BareServer = Omit<ServerEntry, 'versions'> & { readonly versions: readonly BareVersion[] };

const attemptsMax = 8;
const headBytesMax = 390_000;

export function createCatalogueStore({ client, tablePrefix }: CatalogueStoreOptions): CatalogueStore {
  const TableName = `${tablePrefix}${catalogueTable.name}`;
  const claims = createCatalogueClaims(client, TableName);
  const content = createCatalogueContent(client, TableName);
  /** Tools by their hash, of the last whole reading: a change elsewhere costs no reading here. */
  let known = new Map<string, readonly ToolEntry[]>();
  const answered = <T>(work: () => Promise<T>) => orRefuse('catalogue_unavailable', work);

  async function readVersion(): Promise<number> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: marshall({ pk: 'meta', sk: 'version' }), ConsistentRead: true }),
    );
    return Number(Item?.version?.N ?? 0);
  }

  async function bump(): Promise<void> {
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: marshall({ pk: 'meta', sk: 'version' }),
        UpdateExpression: 'ADD version :one',
        ExpressionAttributeValues: marshall({ ':one': 1 }),
      }),
    );
  }

  async function readHeads(): Promise<readonly Head[]> {
    const items = await queryAll(client, {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: marshall({ ':pk': 'server' }),
    });
    return items.map((item) => unmarshall(item) as Head);
  }

  async function readHead(name: string): Promise<Head | undefined> {
    const Key = marshall({ pk: 'server', sk: name });
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    return Item === undefined ? undefined : (unmarshall(Item) as Head);
  }

  /** The whole server; undefined when its tools were replaced while it was being read. */
  async function assemble(bare: BareServer, cache = known): Promise<ServerEntry | undefined> {
    const versions: ServerVersion[] = [];
    for (const { toolsSha256, ...version } of bare.versions) {
      const key = keyHash(bare.name, toolsSha256);
      const tools = known.get(key) ?? (await content.get(bare.name, toolsSha256));
      if (tools === undefined) return undefined;
      cache.set(key, tools);
      versions.push({ ...version, tools });
    }
    return { ...bare, versions };
  }

  async function readAll(): Promise<readonly ServerEntry[] | undefined> {
    const cache: typeof known = new Map();
    const servers: ServerEntry[] = [];
    for (const bare of (await readHeads()).map(toBare)) {
      if (bare === undefined) continue;
      const server = await assemble(bare, cache);
      if (server === undefined) return undefined;
      servers.push(server);
    }
    // Only what is in use now: what was replaced is forgotten.
    known = cache;
    return servers;
  }

  async function read(): Promise<CatalogueSnapshot> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const version = await readVersion();
      const servers = await readAll();
      if (servers === undefined) continue;
      // Each server is whole in itself. Should the version never stand still, the older number is given, and who watches it reads again.
      if (attempt === attemptsMax || (await readVersion()) === version) return { version, servers };
    }
    throw new Error('the catalogue changed under every reading');
  }

  /** The head with its server; read again when the tools go away in between. */
  async function readServer(name: string): Promise<{ head: Head | undefined; server: ServerEntry | undefined }> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const head = await readHead(name);
      const bare = head === undefined ? undefined : toBare(head);
      if (bare === undefined) return { head, server: undefined };
      const server = await assemble(bare);
      if (server !== undefined) return { head, server };
    }
    throw new Error(`the tools of ${name} are not there`);
  }

  async function writeHead(name: string, seen: Head | undefined, bare: BareServer | undefined): Promise<boolean> {
    const body = bare === undefined ? undefined : JSON.stringify(bare);
    if (body !== undefined && Buffer.byteLength(body) > headBytesMax) {
      throw new Refusal('manifest_invalid', { reason: `The server ${name} has too many versions: remove old ones.` });
    }
    const item = { pk: 'server', sk: name, edit: (seen?.edit ?? 0) + 1, ...(body !== undefined && { body }) };
    const condition =
      seen === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : { ConditionExpression: 'edit = :seen', ExpressionAttributeValues: marshall({ ':seen': seen.edit }) };
    return ifConditionHolds(client.send(new PutItemCommand({ TableName, Item: marshall(item), ...condition })));
  }

  async function change(name: string, edit: (current: ServerEntry | undefined) => ServerEntry): Promise<ServerEntry> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const { head, server } = await readServer(name);
      const next = edit(server);
      if (next.name !== name) throw new Error(`the server ${name} cannot become ${next.name}`);
      if (server !== undefined && server.owner !== next.owner) {
        throw new Refusal('name_taken', { reason: `The server ${name} belongs to another team.` });
      }
      if (isDeepStrictEqual(server, next)) return next;
      const claimed = await claims.claim(next);
      try {
        const bare = await storeTools(next);
        if (!(await writeHead(name, head, bare))) {
          await claimed.release();
          continue;
        }
        await bump();
        await dropTools(name, head, bare);
        return next;
      } catch (error) {
        // What was written of it is found by nobody; its names go back as far as the store still answers.
        if (error instanceof Refusal) await claimed.release();
        throw error;
      }
    }
    throw new Error(`the server ${name} changed under ${attemptsMax} writes`);
  }

  async function storeTools({ versions, ...rest }: ServerEntry): Promise<BareServer> {
    const bare: BareVersion[] = [];
    for (const { tools, ...version } of versions) {
      bare.push({ ...version, toolsSha256: await content.put(rest.name, tools) });
    }
    return { ...rest, versions: bare };
  }

  /** Removes the tools that `before` named and `after` does not. */
  async function dropTools(name: string, before: Head | undefined, after: BareServer | undefined): Promise<void> {
    const kept = new Set(after?.versions.map(({ toolsSha256 }) => toolsSha256));
    const old = before === undefined ? undefined : toBare(before);
    for (const { toolsSha256 } of old?.versions ?? []) {
      if (!kept.has(toolsSha256)) await content.remove(name, toolsSha256);
    }
  }

  async function remove(name: string): Promise<void> {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const owned = await claims.ownedBy(name);
      const head = await readHead(name);
      const isThere = head?.body !== undefined;
      // An empty head stays: it makes a change that began before the removal fail.
      if (isThere && !(await writeHead(name, head, undefined))) continue;
      await owned.release();
      if (!isThere) return;
      await bump();
      await dropTools(name, head, undefined);
      return;
    }
    throw new Error(`the server ${name} changed under ${attemptsMax} writes`);
  }

  return {
    read: () => answered(read),
    readVersion: () => answered(readVersion),
    get: (name) => answered(async () => (await readServer(name)).server),
    change: (name, edit) => passing(edit, (safeEdit) => change(name, safeEdit)),
    put: async (server) => void (await answered(() => change(server.name, () => server))),
    remove: (name) => answered(() => remove(name)),
  };
}

/** Runs `work`; what `edit` throws comes out as it is, everything else that fails is no answer of the store. */
async function passing<T>(
  edit: (current: ServerEntry | undefined) => ServerEntry,
  work: (edit: (current: ServerEntry | undefined) => ServerEntry) => Promise<T>,
): Promise<T> {
  let own: { readonly error: unknown } | undefined;
  const watched = (current: ServerEntry | undefined) => {
    try {
      return edit(current);
    } catch (error) {
      own = { error };
      throw error;
    }
  };
  try {
    return await orRefuse('catalogue_unavailable', () => work(watched));
  } catch (error) {
    throw own === undefined ? error : own.error;
  }
}

function toBare({ body }: Head): BareServer | undefined {
  return body === undefined ? undefined : (JSON.parse(body) as BareServer);
}
