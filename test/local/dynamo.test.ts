import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { quotaTable, type TableDefinition, tables } from '../../runtime/contract/tables.ts';
import { createTables, startDynamo } from '../../runtime/local/dynamo.ts';
import { StartError } from '../../runtime/local/start-error.ts';
import { dynamoContract } from '../support/dynamo-contract.ts';

dynamoContract('dynalite', async () => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  return {
    client,
    async close() {
      client.destroy();
      await dynamo.close();
    },
  };
});

test('what is written to a state folder is there after a restart', async (t) => {
  const stateDir = join(temporaryFolder(t), 'dynamo');
  const item = marshall({ pk: 'kept', used: 7 });
  for (const run of ['first', 'second']) {
    const dynamo = await startDynamo({ stateDir });
    const client = dynamo.createClient();
    try {
      await createTables(client, 'toolgate-', tables);
      const table = `toolgate-${quotaTable.name}`;
      if (run === 'first') await client.send(new PutItemCommand({ TableName: table, Item: item }));
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: marshall({ pk: 'kept' }) }));
      assert.deepEqual(Item, item, run);
    } finally {
      client.destroy();
      await dynamo.close();
    }
  }
});

test('a folder that is open or damaged is one sentence', async (t) => {
  const folder = temporaryFolder(t);
  const dynamo = await startDynamo({ stateDir: join(folder, 'open') });
  try {
    await assert.rejects(startDynamo({ stateDir: join(folder, 'open') }), isStartError(/cannot be opened/));
  } finally {
    await dynamo.close();
  }
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(startDynamo({ stateDir: join(folder, 'file') }), isStartError(/cannot be opened/));
});

test('a port that is taken is one sentence', async () => {
  const dynamo = await startDynamo();
  try {
    const port = Number(new URL(dynamo.endpoint).port);
    await assert.rejects(startDynamo({ port }), isStartError(/cannot listen on port/));
  } finally {
    await dynamo.close();
  }
});

test('a table with other keys than its definition stops the start', async () => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  try {
    const table: TableDefinition = { name: 'thing', partitionKey: 'pk' };
    await createTables(client, '', [table]);
    await assert.rejects(createTables(client, '', [{ ...table, sortKey: 'sk' }]), isStartError(/of another version/));
    const index = { name: 'by-x', partitionKey: 'x' };
    await assert.rejects(
      createTables(client, '', [{ ...table, indexes: [index] }]),
      isStartError(/of another version/),
    );
  } finally {
    client.destroy();
    await dynamo.close();
  }
});

test('closing does not wait for idle clients', async () => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  await createTables(client, '', tables);
  await dynamo.close();
  await assert.rejects(createTables(client, '', tables), { code: 'ECONNREFUSED' });
  client.destroy();
});

test('a web page or another user of the machine gets nothing', async () => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  try {
    await createTables(client, '', tables);
    const { origin, href } = new URL(dynamo.endpoint);
    const headers = {
      origin: 'http://page.example',
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.ListTables',
      authorization:
        'AWS4-HMAC-SHA256 Credential=a/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      'x-amz-date': '20260101T000000Z',
    };
    for (const path of ['/', '//', `/${'A'.repeat(32)}/`, '/?x', `${new URL(href).pathname}x`]) {
      const answer = await fetch(`${origin}${path}`, { method: 'POST', headers, body: '{}' });
      assert.deepEqual([answer.status, await answer.text()], [403, ''], path);
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
    const preflight = await fetch(origin, {
      method: 'OPTIONS',
      headers: { origin: 'http://page.example', 'access-control-request-method': 'POST' },
    });
    assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [403, null]);
    const known = await fetch(href, { method: 'POST', headers, body: '{}' });
    assert.match(await known.text(), /TableNames/);
  } finally {
    client.destroy();
    await dynamo.close();
  }
});

test('a client that leaves in the middle of its request harms nobody', async () => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient();
  const socket = connect(Number(new URL(dynamo.endpoint).port), '127.0.0.1');
  socket.write(`POST ${new URL(dynamo.endpoint).pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc`);
  await createTables(client, 'before-', tables);
  socket.resetAndDestroy();
  await once(socket, 'close');
  await createTables(client, 'after-', tables);
  client.destroy();
  await dynamo.close();
});

test('closing finishes what is being written', async () => {
  const dynamo = await startDynamo();
  const client = dynamo.createClient({ attemptsMax: 1 });
  await createTables(client, '', tables);
  const writes = Array.from({ length: 50 }, (_, i) =>
    client.send(new PutItemCommand({ TableName: quotaTable.name, Item: marshall({ pk: `${i}` }) })),
  );
  await Promise.race(writes);
  const [outcomes] = await Promise.all([Promise.allSettled(writes), dynamo.close()]);
  assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
  client.destroy();
});

function isStartError(sentence: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof StartError && sentence.test(error.message);
}

function temporaryFolder(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
