import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { createDynamoClient, type DynamoDBClient } from '../../runtime/shared/dynamo.ts';

export const tablePrefix = 'test-';

/** DynamoDB with all tables, its commands counted by name, and a switch to end it in the middle of a test. */
export interface TestDynamo {
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  /** Another client, as another replica has one. */
  createClient(): DynamoDBClient;
  /** Commands that `client` sent, by name, e.g. `UpdateItemCommand`. */
  readonly sent: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

interface TestLife {
  after(fn: () => Promise<void>): void;
}

export async function openTestDynamo(t: TestLife): Promise<TestDynamo> {
  const dynamo = await startDynamo();
  const clients: DynamoDBClient[] = [];
  const createClient = () => {
    const client = dynamo.createClient();
    clients.push(client);
    return client;
  };
  const client = createClient();
  const sent = new Map<string, number>();
  await createTables(client, tablePrefix, tables);
  client.middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      (args) => {
        sent.set(commandName, (sent.get(commandName) ?? 0) + 1);
        return next(args);
      },
    { step: 'initialize', name: 'countCommands' },
  );
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= dynamo.close();
    return stopping;
  };
  t.after(async () => {
    for (const each of clients) each.destroy();
    await stop();
  });
  return { endpoint: dynamo.endpoint, client, createClient, sent, stop };
}

/** A client of a DynamoDB that takes connections and never says a word. */
export async function openSilentDynamo(t: TestLife): Promise<DynamoDBClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createDynamoClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'local',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  t.after(async () => {
    client.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return client;
}
