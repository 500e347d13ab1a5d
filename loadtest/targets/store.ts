import { tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { announceTarget } from './serve-target.ts';

/** DynamoDB's stand-in as a process of its own, so that what a service costs is not mixed with what its store costs. */
const dynamo = await startDynamo();
const client = dynamo.createClient();
await createTables(client, 'bench-', tables);
client.destroy();
announceTarget(Number(new URL(dynamo.endpoint).port), { endpoint: dynamo.endpoint }, () => dynamo.close());
