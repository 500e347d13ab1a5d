import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ServerEntry } from '../../runtime/contract/registry.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { Refusal } from '../../runtime/shared/refusal.ts';
import { sampleServer, sampleTool, sampleVersion } from '../support/catalogue.ts';
import { openSilentDynamo, openTestDynamo, type TestDynamo, tablePrefix } from '../support/local-dynamo.ts';

const table = `${tablePrefix}catalogue`;
const storeOf = ({ client }: Pick<TestDynamo, 'client'>) => createCatalogueStore({ client, tablePrefix });

function server(name: string, tools: readonly string[], changes: Partial<ServerEntry> = {}): ServerEntry {
  const entries = tools.map((tool) => sampleTool({ name: tool }));
  const version = sampleVersion(`http://127.0.0.1:1/${name}`, entries, { audience: `urn:upstream:${name}` });
  return { ...sampleServer(name, [version]), ...changes };
}

const refusal =
  (code: string, reason = /./) =>
  (error: unknown) =>
    error instanceof Refusal && error.code === code && reason.test(error.message);

suite('the catalogue', () => {
  test('is empty at version 0, and grows by one with every change', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    assert.deepEqual(await store.read(), { version: 0, servers: [] });
    await store.put(server('write', ['postgres.write']));
    await store.put(server('read', ['postgres.readonly', 's3.list']));
    const snapshot = await store.read();
    assert.equal(snapshot.version, 2);
    assert.equal(await store.readVersion(), 2);
    assert.deepEqual(snapshot.servers, [
      server('read', ['postgres.readonly', 's3.list']),
      server('write', ['postgres.write']),
    ]);
    assert.deepEqual(await store.get('write'), server('write', ['postgres.write']));
    assert.equal(await store.get('nobody'), undefined);
  });

  test('is the same for a store that reads it for the first time', async (t) => {
    const dynamo = await openTestDynamo(t);
    await storeOf(dynamo).put(server('read', ['s3.list']));
    assert.deepEqual(await storeOf(dynamo).read(), await storeOf(dynamo).read());
  });

  test('stays as it is when what is put is already there', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(server('read', ['s3.list']));
    await store.put(server('read', ['s3.list']));
    assert.equal(await store.readVersion(), 1);
  });

  test('holds a server of two megabytes', async (t) => {
    const dynamo = await openTestDynamo(t);
    const tools = Array.from({ length: 300 }, (_, i) =>
      sampleTool({ name: `tool${i}`, description: `${i} é `.repeat(1400) }),
    );
    const large = sampleServer('large', [sampleVersion('http://127.0.0.1:1/mcp', tools)]);
    await storeOf(dynamo).put(large);
    assert.deepEqual(await storeOf(dynamo).get('large'), large);
    assert.deepEqual((await storeOf(dynamo).read()).servers, [large]);
  });

  test('does not read again what it has', async (t) => {
    const dynamo = await openTestDynamo(t);
    const store = storeOf(dynamo);
    await store.put(server('read', ['s3.list']));
    await store.read();
    const before = dynamo.sent.get('QueryCommand') ?? 0;
    await store.read();
    assert.equal((dynamo.sent.get('QueryCommand') ?? 0) - before, 1);
  });

  test('refuses tools that are not what their hash says', async (t) => {
    const dynamo = await openTestDynamo(t);
    await storeOf(dynamo).put(server('read', ['s3.list']));
    const { Items = [] } = await dynamo.client.send(new ScanCommand({ TableName: table }));
    const content = Items.map((item) => unmarshall(item)).find(({ pk }) => String(pk).startsWith('content#'));
    const body = Buffer.from(String(Buffer.from(content?.body)).replace('s3.list', 's3.lisp'));
    await dynamo.client.send(new PutItemCommand({ TableName: table, Item: marshall({ ...content, body }) }));
    await assert.rejects(storeOf(dynamo).read(), refusal('catalogue_unavailable'));
  });
});

suite('a name', () => {
  test('of a tool belongs to the server that had it first', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(server('read', ['s3.list']));
    await assert.rejects(store.put(server('evil', ['s3.list'])), refusal('name_taken', /tool name s3\.list/));
    assert.equal(await store.get('evil'), undefined);
    await store.put(server('read', ['s3.list', 's3.get']));
  });

  test('that only looks like another is taken, too', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(server('billing-portal', ['postgres.readonly', 'modern.tool']));
    for (const tool of ['postgres_readonly', 'p0stgres.readonly', 'postgres.read0nly', 'modem.tool']) {
      await assert.rejects(store.put(server('evil', [tool])), refusal('name_taken'), tool);
    }
    await assert.rejects(store.put(server('bi11ing-p0rtal', ['own'])), refusal('name_taken', /server name/));
  });

  test('of an audience is nobody else\u2019s: a token for one server must not be good at another', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    const victim = server('read', ['s3.list']);
    await store.put(victim);
    const evil = server('evil', ['own']);
    const versions = evil.versions.map((version) => ({ ...version, audience: 'urn:upstream:read' }));
    await assert.rejects(store.put({ ...evil, versions }), refusal('name_taken', /audience/));
  });

  test('is not kept by a server that was refused', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(server('read', ['s3.list']));
    await assert.rejects(store.put(server('evil', ['aaa', 'zzz', 's3.list'])), refusal('name_taken'));
    await store.put(server('good', ['aaa', 'zzz']));
  });

  test('goes to exactly one of many that ask at once, and the others keep nothing', async (t) => {
    const dynamo = await openTestDynamo(t);
    const names = ['one', 'two', 'three', 'four'];
    const outcomes = await Promise.allSettled(
      names.map((name) => storeOf(dynamo).put(server(name, [`own.${name}`, 'shared.tool']))),
    );
    const winners = names.filter((_, i) => outcomes[i]?.status === 'fulfilled');
    assert.equal(winners.length, 1);
    for (const name of names.filter((other) => !winners.includes(other))) {
      await storeOf(dynamo).put(server(`other-${name}`, [`own.${name}`]));
    }
  });

  test('of a server stays with its owner', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(server('read', ['s3.list']));
    await assert.rejects(
      store.put(server('read', ['s3.list'], { owner: 'team-evil' })),
      refusal('name_taken', /another team/),
    );
  });

  test('is free again when its server was removed, and nothing of the server is left', async (t) => {
    const dynamo = await openTestDynamo(t);
    const store = storeOf(dynamo);
    await store.put(server('read', ['s3.list']));
    await store.remove('read');
    await store.remove('read');
    await store.remove('nobody');
    assert.deepEqual(await store.read(), { version: 2, servers: [] });
    await store.put(server('other', ['s3.list'], { owner: 'team-other' }));
    await store.put(server('read', ['s3.get'], { owner: 'team-new' }));
    assert.deepEqual(
      (await store.read()).servers.map(({ name }) => name),
      ['other', 'read'],
    );
    const { Items = [] } = await dynamo.client.send(new ScanCommand({ TableName: table }));
    assert.equal(Items.filter((item) => item.pk?.S?.startsWith('content#')).length, 2);
  });
});

suite('a change', () => {
  test('loses nothing that another one did at the same time', async (t) => {
    const dynamo = await openTestDynamo(t);
    await storeOf(dynamo).put(server('read', ['s3.list']));
    const versions = ['1.1.0', '1.2.0', '1.3.0', '1.4.0'];
    await Promise.all(
      versions.map((version) =>
        storeOf(dynamo).change('read', (current) => {
          assert.ok(current);
          const next = sampleVersion('http://127.0.0.1:1/read', [sampleTool({ name: 's3.list', version })], {
            version,
            audience: 'urn:upstream:read',
          });
          return { ...current, versions: [...current.versions, next] };
        }),
      ),
    );
    const { servers, version } = await storeOf(dynamo).read();
    assert.deepEqual(servers[0]?.versions.map((each) => each.version).sort(), ['1.0.0', ...versions]);
    assert.equal(version, 5);
  });

  test('throws what its edit throws, and changes nothing', async (t) => {
    const store = storeOf(await openTestDynamo(t));
    await store.put(server('read', ['s3.list']));
    const own = new RangeError('own');
    const edit = () => {
      throw own;
    };
    await assert.rejects(store.change('read', edit), (error) => error === own);
    assert.equal(await store.readVersion(), 1);
  });

  test('of tools leaves no old ones behind', async (t) => {
    const dynamo = await openTestDynamo(t);
    const store = storeOf(dynamo);
    for (const tool of ['a', 'b', 'c']) await store.put(server('read', [tool]));
    const { Items = [] } = await dynamo.client.send(new ScanCommand({ TableName: table }));
    assert.equal(Items.filter((item) => item.pk?.S?.startsWith('content#')).length, 1);
  });

  test('is seen whole by who reads meanwhile', async (t) => {
    const dynamo = await openTestDynamo(t);
    const [writer, reader] = [storeOf(dynamo), storeOf(dynamo)];
    await writer.put(server('read', ['t0']));
    let isWriting = true;
    const writing = (async () => {
      for (let i = 1; i <= 15; i += 1) await writer.put(server('read', [`t${i}`], { title: `title t${i}` }));
      isWriting = false;
    })();
    let latest = 0;
    while (isWriting) {
      const { servers, version } = await reader.read();
      const [only] = servers;
      const tool = only?.versions[0]?.tools[0]?.name;
      assert.ok(tool === 't0' || only?.title === `title ${tool}`);
      assert.ok(version >= latest);
      latest = version;
    }
    await writing;
  });
});

suite('without DynamoDB', () => {
  const everything = (store: ReturnType<typeof storeOf>): readonly (() => Promise<unknown>)[] => [
    () => store.read(),
    () => store.readVersion(),
    () => store.get('read'),
    () => store.put(server('read', ['s3.list'])),
    () => store.change('read', () => server('read', ['s3.list'])),
    () => store.remove('read'),
  ];

  test('every method says that the catalogue is unavailable', async (t) => {
    const dynamo = await openTestDynamo(t);
    await dynamo.stop();
    for (const ask of everything(storeOf(dynamo))) await assert.rejects(ask(), refusal('catalogue_unavailable'));
  });

  test('a table that is not there is no empty catalogue', async (t) => {
    const { client } = await openTestDynamo(t);
    const store = createCatalogueStore({ client, tablePrefix: 'other-' });
    await assert.rejects(store.read(), refusal('catalogue_unavailable'));
    await assert.rejects(client.send(new QueryCommand({ TableName: 'other-catalogue' })));
  });

  test('one that never answers is one that is not there', async (t) => {
    const client = await openSilentDynamo(t);
    await assert.rejects(createCatalogueStore({ client, tablePrefix }).readVersion(), refusal('catalogue_unavailable'));
  });
});
