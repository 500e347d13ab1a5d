// A replica in a process of its own: waits for a line, makes its calls at once, and prints the ordinals it was given.
import { once } from 'node:events';
import { createQuotaCounter } from '../../runtime/gateway/clients/quota-counter.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { sampleCaller } from './caller.ts';

const [endpoint = '', tablePrefix = '', now = '', calls = ''] = process.argv.slice(2);
const client = createDynamoClient({
  endpoint,
  region: 'local',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
const counter = createQuotaCounter({ client, tablePrefix, now: () => Number(now), deadlineMs: 30_000 });
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const caller = sampleCaller({ kind: 'agent' });
const outcomes = await Promise.allSettled(
  Array.from({ length: Number(calls) }, () => counter.take(caller, 'echo', { limit: 60, windowMs: 60_000 })),
);
const ordinals = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.ordinal] : []));
process.stdout.write(`${JSON.stringify(ordinals)}\n`);
client.destroy();
process.stdin.destroy();
