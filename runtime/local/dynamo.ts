import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { IndexDefinition, TableDefinition } from '../contract/tables.ts';
import { createDynamoClient, type DynamoDBClient, type DynamoOptions } from '../shared/dynamo.ts';
import { StartError } from './start-error.ts';

export interface LocalDynamoOptions {
  /** A folder for LevelDB files. @default memory: nothing outlives the process */
  readonly stateDir?: string;
  /** @default 0: any free port */
  readonly port?: number;
}

/** DynamoDB on this machine: dynalite in this process, on loopback. */
export interface LocalDynamo {
  /** With a secret as its path, so whoever has it may do everything: never log it. */
  readonly endpoint: string;
  /** What a service needs to reach it. The credentials are placeholders: the SDK signs, dynalite does not check. */
  readonly connection: Pick<DynamoOptions, 'endpoint' | 'region' | 'credentials'> & { readonly endpoint: string };
  /** A client of its own, to be destroyed by who asked for it. */
  createClient(options?: Partial<DynamoOptions>): DynamoDBClient;
  /** Waits until everything is on disk and gives the folder back. */
  close(): Promise<void>;
}

/** dynalite shares this process's event loop, so a busy moment is no silence. */
const patience = { connectTimeoutMs: 5000, requestTimeoutMs: 10_000 };

/** Starts dynalite. Throws {@link StartError} when the folder cannot be opened or the port is taken. */
export async function startDynamo({ stateDir, port = 0 }: LocalDynamoOptions = {}): Promise<LocalDynamo> {
  if (stateDir !== undefined) await probeFolder(stateDir);
  const server = dynalite({ createTableMs: 0, ...(stateDir !== undefined && { path: stateDir }) });
  const secretPath = `/${randomBytes(24).toString('base64url')}/`;
  admitOnly(server, secretPath);
  const traffic = watchTraffic(server);
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (cause) {
    throw new StartError(`DynamoDB cannot listen on port ${port}: ${(cause as NodeJS.ErrnoException).code}.`, {
      cause,
    });
  }
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}${secretPath}`;
  const connection = {
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'laptop', secretAccessKey: 'not-a-secret' },
  };
  const dynamo: LocalDynamo = {
    endpoint,
    connection,
    createClient: (options = {}) => createDynamoClient({ ...connection, ...patience, ...options }),
    close: () => closeServer(server, traffic),
  };
  await waitUntilOpen(dynamo);
  return dynamo;
}

/**
 * Creates what is missing and waits until every table answers. What exists stays as it is; throws {@link StartError} when it has other keys
 * than its definition, because no write would find its place.
 */
export async function createTables(
  client: DynamoDBClient,
  prefix: string,
  tables: readonly TableDefinition[],
): Promise<void> {
  await Promise.all(
    tables.map(async (table) => {
      const input = toCreateTable(`${prefix}${table.name}`, table);
      try {
        await client.send(new CreateTableCommand(input));
      } catch (error) {
        if (!(error instanceof ResourceInUseException)) throw error;
      }
      checkKeys(input, await waitUntilActive(client, input.TableName as string));
    }),
  );
}

/** The table as the contract has it; TTL is left out, because an embedded DynamoDB deletes nothing and readers compare expiry anyway. */
function toCreateTable(name: string, table: TableDefinition): CreateTableCommandInput {
  const indexes = table.indexes ?? [];
  const keys = [table, ...indexes].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]);
  const attributes = [...new Set(keys.filter((key) => key !== undefined))];
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributes.map((attribute) => ({ AttributeName: attribute, AttributeType: 'S' as const })),
    KeySchema: keySchema(table),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: keySchema(index),
        Projection: { ProjectionType: 'ALL' as const },
      })),
    }),
  };
}

function keySchema({ partitionKey, sortKey }: Pick<IndexDefinition, 'partitionKey' | 'sortKey'>) {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' as const },
    ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' as const }]),
  ];
}

async function waitUntilActive(client: DynamoDBClient, name: string): Promise<TableDescription> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    if (Table?.TableStatus === 'ACTIVE') return Table;
    await delay(20);
  }
  throw new StartError(`The table ${name} did not become active.`);
}

function checkKeys(wanted: CreateTableCommandInput, found: TableDescription): void {
  const print = (keys: CreateTableCommandInput['KeySchema']) =>
    (keys ?? []).map((key) => `${key.AttributeName} ${key.KeyType}`).join(', ');
  const sameIndexes = (wanted.GlobalSecondaryIndexes ?? []).every((index) =>
    (found.GlobalSecondaryIndexes ?? []).some(
      (other) => other.IndexName === index.IndexName && print(other.KeySchema) === print(index.KeySchema),
    ),
  );
  if (print(wanted.KeySchema) === print(found.KeySchema) && sameIndexes) return;
  throw new StartError(
    `The table ${wanted.TableName} is of another version of Toolgate: its keys or indexes are not those of this one.`,
  );
}

/**
 * Opens the folder once before dynalite does: dynalite opens it late, and answers for a store that it could not open that there are no tables,
 * or takes the process down.
 */
async function probeFolder(stateDir: string): Promise<void> {
  // dynalite's own copy of level, so that what opens here opens there.
  const { Level } = createRequire(createRequire(import.meta.url).resolve('dynalite'))('level') as {
    Level: new (path: string) => { open(): Promise<void>; close(): Promise<void> };
  };
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const level = new Level(stateDir);
    await level.open();
    await level.close();
  } catch (cause) {
    throw new StartError(
      `The tables in ${stateDir} cannot be opened: another program has them open, they are damaged, or the folder cannot be written. Delete the folder to start anew, or choose another with --state DIR.`,
      { cause },
    );
  }
}

/**
 * dynalite checks no signature and lets every origin in by CORS, so any web page and any user of this machine could read the issuer's keys
 * and write approvals. What does not know the path gets nothing, preflights included.
 */
function admitOnly(server: Server, secretPath: string): void {
  const serve = server.listeners('request') as ((message: IncomingMessage, response: ServerResponse) => void)[];
  const secret = Buffer.from(secretPath);
  server.removeAllListeners('request').on('request', (message: IncomingMessage, response: ServerResponse) => {
    const path = Buffer.from(message.url ?? '');
    if (path.length !== secret.length || !timingSafeEqual(path, secret)) {
      message.resume();
      response.writeHead(403, { connection: 'close' }).end();
      return;
    }
    message.url = '/';
    for (const listener of serve) listener.call(server, message, response);
  });
}

/** LevelDB takes its lock at the first read, not when dynalite starts. */
async function waitUntilOpen(dynamo: LocalDynamo): Promise<void> {
  const client = dynamo.createClient({ requestTimeoutMs: 10_000 });
  try {
    await client.send(new DescribeTableCommand({ TableName: 'no-such-table' }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  } finally {
    client.destroy();
  }
}

interface Traffic {
  readonly sockets: ReadonlySet<Socket>;
  /** Resolves when nothing is being worked on. */
  idle(): Promise<void>;
}

function watchTraffic(server: Server): Traffic {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const working = new Set<ServerResponse>();
  let onIdle = () => {};
  server.prependListener('request', (message: IncomingMessage, response: ServerResponse) => {
    surviveAbort(message);
    const done = () => {
      working.delete(response);
      if (working.size === 0) onIdle();
    };
    working.add(response);
    // Not its `close` event: the work goes on when the client has left.
    const end = response.end.bind(response) as (...values: unknown[]) => ServerResponse;
    response.end = (...values: unknown[]) => {
      done();
      return end(...values);
    };
    message.once('close', () => {
      if (!message.complete) done();
    });
  });
  return {
    sockets,
    idle: () =>
      new Promise((resolve) => {
        onIdle = resolve;
        if (working.size === 0) resolve();
      }),
  };
}

/** dynalite throws what a request emits as `error`: a client that leaves in the middle of its body would end this process. */
function surviveAbort(message: IncomingMessage): void {
  const on = message.on.bind(message);
  message.on = (event: string, listener: (...values: never[]) => void) =>
    on(event, event === 'error' ? () => message.destroy() : (listener as (...values: unknown[]) => void));
}

/** dynalite throws where nobody can catch it when its store closes under a write, so what it works on is finished first. */
async function closeServer(server: Server, traffic: Traffic): Promise<void> {
  server.removeAllListeners('request').on('request', (message: IncomingMessage) => message.destroy());
  await traffic.idle();
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    // Clients keep idle sockets open, which would hold the server until they time out.
    for (const socket of traffic.sockets) socket.destroySoon();
  });
}
