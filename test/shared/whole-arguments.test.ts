import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Json, JsonObject } from '../../runtime/contract/json.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { sampleQuestion } from '../support/approval.ts';
import { openTestDynamo, type TestDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { Processes } from '../support/mortal-processes.ts';

const opened = 1_795_000_000_000;
const long: JsonObject = { sql: `${'x'.repeat(100_000)} drop everything` };

async function itemsOf({ client }: TestDynamo) {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: `${tablePrefix}grants` }));
  return Items.map((item) => unmarshall(item)).filter(({ pk }) => String(pk).startsWith('request#'));
}

suite('arguments of a request', () => {
  test('that fit in a list are in it, once, and only what looks like a mark is in them', async (t) => {
    const dynamo = await openTestDynamo(t);
    const approvals = createApprovalStore({ client: dynamo.client, tablePrefix });
    const given = { sql: 'select 1[cut]', ids: [1, '[3 more]'], '[cut]': true };
    const request = await approvals.open(sampleQuestion({ arguments: given }), opened);
    assert.deepEqual([request.arguments, request.isAbridged], [given, undefined]);
    assert.deepEqual(await approvals.wholeArguments(request), given);
    assert.deepEqual(
      (await itemsOf(dynamo)).map(({ sk }) => sk),
      ['request'],
    );
  });

  test('that do not are beside it for as long, and neither list nor sweep reads them', async (t) => {
    const dynamo = await openTestDynamo(t);
    const approvals = createApprovalStore({ client: dynamo.client, tablePrefix });
    let deep: Json = 'bottom';
    for (let level = 0; level < 20; level += 1) deep = [deep];
    const rows: readonly JsonObject[] = [
      long,
      { ids: Array.from({ length: 101 }, (_, i) => i) },
      { deep },
      { ['n'.repeat(300)]: 1 },
    ];
    for (const [index, given] of rows.entries()) {
      const question = sampleQuestion({ arguments: given, argumentsSha256: `${index}`.repeat(64) });
      const request = await approvals.open(question, opened);
      assert.equal(request.isAbridged, true);
      assert.match(JSON.stringify(request.arguments), /\[cut\]|\[1 more\]|n{256}"/);
      assert.ok(JSON.stringify(request.arguments).length < 20_000);
      assert.deepEqual(await approvals.wholeArguments(request), given);
    }
    for (const listed of [await approvals.listOpen('acme', opened), await approvals.listUnsettled()]) {
      assert.equal(listed.length, rows.length);
      assert.ok(JSON.stringify(listed).length < 30_000);
      assert.ok(listed.every(({ isAbridged }) => isAbridged === true));
    }
    const items = await itemsOf(dynamo);
    assert.deepEqual(items.map(({ sk }) => sk).sort(), [...Array(4).fill('arguments'), ...Array(4).fill('request')]);
    assert.equal(new Set(items.map(({ expires_at }) => expires_at)).size, 1);
  });

  test('take no more bytes of a list than 16 KiB a request, whatever they are written with', async (t) => {
    const dynamo = await openTestDynamo(t);
    const approvals = createApprovalStore({ client: dynamo.client, tablePrefix });
    const hollow = Array.from({ length: 99 }, () => Array.from({ length: 99 }, () => []));
    const rows: readonly JsonObject[] = [
      ...['\u0001', '"', '漢', '😀', '\uD800'].map((character) => ({ text: character.repeat(16_000) })),
      { hollow },
      Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`${i}${'\u0001'.repeat(100)}`, 1])),
    ];
    for (const [index, given] of rows.entries()) {
      const question = sampleQuestion({ arguments: given, argumentsSha256: `${index}`.repeat(64) });
      const request = await approvals.open(question, opened);
      assert.equal(request.isAbridged, true);
      assert.deepEqual(await approvals.wholeArguments(request), given);
    }
    const listed = await approvals.listUnsettled();
    assert.equal(listed.length, rows.length);
    for (const { arguments: kept } of listed) {
      const bytes = Buffer.byteLength(JSON.stringify(kept));
      assert.ok(bytes <= 16_384 && bytes > 16_000, `${bytes} bytes`);
    }
  });

  test('are there whole whenever the request is, wherever the process that asked died', async (t) => {
    const dynamo = await openTestDynamo(t);
    const watcher = createApprovalStore({ client: dynamo.client, tablePrefix });
    let died = 0;
    for (let at = 0; at < 8; at += 1) {
      for (const isSent of [false, true]) {
        const subject = `user-${at}-${isSent}`;
        const question = sampleQuestion({ subject, arguments: long });
        const processes = new Processes(dynamo);
        const first = await processes.run({ at, isSent }, async () => processes.approvals[0]?.open(question, opened));
        if (first === undefined) died += 1;
        for (const request of (await watcher.listUnsettled()).filter((each) => each.subject === subject)) {
          assert.deepEqual(await watcher.wholeArguments(request), long, `${at} ${isSent}`);
        }
        const again = await watcher.open(question, opened + 1000);
        assert.deepEqual(await watcher.wholeArguments(again), long, `${at} ${isSent}`);
        const mine = (await watcher.listUnsettled()).filter((each) => each.subject === subject);
        assert.equal(mine.length, 1);
      }
    }
    assert.ok(died >= 10, `${died} of 16 died`);
  });
});
