import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApprovalStore, createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { createDynamoClient, type DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { connectSdkV1, connectSdkV2, type RealClient, type ShowPage } from '../support/real-clients.ts';
import { startTestPlatform, type TestPlatform } from '../support/test-platform.ts';
import { assertApprovalRequired, assertToldModel, gist } from '../support/what-clients-see.ts';

describe('a change that a person allows, end to end, on a laptop', () => {
  let platform: TestPlatform;
  let client: DynamoDBClient;
  let store: ApprovalStore;
  const open: RealClient[] = [];
  before(async () => {
    platform = await startTestPlatform({ approvalHoldMs: 30_000 });
    const { endpoint, prefix } = platform.tables;
    const credentials = { accessKeyId: 'embedded', secretAccessKey: 'embedded' };
    client = createDynamoClient({ region: 'us-east-1', endpoint, credentials });
    store = createApprovalStore({ client, tablePrefix: prefix });
  });
  after(async () => {
    await Promise.all(open.map((each) => each.close()));
    client?.destroy();
    await platform?.close();
  });

  const connect = async (version: 'v1' | 'v2', onPage?: ShowPage) => {
    const url = platform.servers.write ?? assert.fail('there is no server write');
    const oscar = personAtBrowser('oscar');
    const connected = version === 'v1' ? await connectSdkV1(url, oscar) : await connectSdkV2(url, oscar, onPage);
    open.push(connected);
    return connected;
  };
  /** What the approvals service does when a person has clicked. */
  const decide = async (id: string, verdict: 'approve' | 'deny', reason?: string) => {
    const closed = await store.decide(id, { verdict, approver: 'grace', reason, via: 'page' }, Date.now());
    assert.ok(closed?.isYours);
  };
  const idOf = (text: string) => /id=([\w-]{22})/.exec(text)?.[1] ?? assert.fail(text);
  const askedFor = async (sql: string) => {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
      const found = (await store.listOpen('acme', Date.now())).find((each) => each.arguments.sql === sql);
      if (found !== undefined) return found.id;
    }
    return assert.fail('nobody was asked');
  };
  const records = async (id: string) => {
    const all = (await platform.records('postgres.write')).filter(({ approval_id }) => approval_id === id);
    return all.filter(({ event }) => event === 'mcp_call').map(gist);
  };
  const asked = 'oscar write postgres.write refused approval_required';
  const ran = 'oscar write postgres.write ok -';
  const change = (stock: number, sku: string) => ({ sql: `update products set stock = ${stock} where sku = '${sku}'` });

  it('SDK v2 that shows the page runs it once, by itself', async () => {
    const shown: string[] = [];
    const connected = await connect('v2', async (url) => {
      shown.push(url);
      await decide(new URL(url).pathname.split('/').at(-1) ?? '', 'approve');
    });
    const answer = await connected.callTool('postgres.write', change(11, 'SKU-0001'));
    assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
    assert.equal(shown.length, 1);
    const [url = ''] = shown;
    assert.ok(url.startsWith(`${platform.approvals}/`));
    assert.deepEqual(await records(url.split('/').at(-1) ?? ''), [asked, ran]);
  });

  it('SDK v2 without pages waits, and runs it when somebody says yes', async () => {
    const connected = await connect('v2');
    const args = change(12, 'SKU-0002');
    const waiting = connected.callTool('postgres.write', args);
    const id = await askedFor(args.sql);
    await decide(id, 'approve');
    const answer = await waiting;
    assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
    assert.equal((await records(id)).filter((each) => each === ran).length, 1);
  });

  it('SDK v2 that waits hears the no and its reason', async () => {
    const connected = await connect('v2');
    const args = change(13, 'SKU-0003');
    const waiting = connected.callTool('postgres.write', args);
    const id = await askedFor(args.sql);
    await decide(id, 'deny', 'Stock is counted on Monday.');
    assertToldModel(await waiting, /refused this call: Stock is counted on Monday\./);
    assert.deepEqual(await records(id), ['oscar write postgres.write refused approval_denied']);
  });

  it('SDK v2 that waits is told when the time to answer is over', async () => {
    const connected = await connect('v2');
    const args = change(14, 'SKU-0004');
    const waiting = connected.callTool('postgres.write', args);
    const id = await askedFor(args.sql);
    await store.expire(id, Date.now() + 86_400_001);
    assertToldModel(await waiting, /Nobody decided in time\./);
  });

  it('SDK v1 sends the identical call again, which runs once; a changed one is another question', async () => {
    const connected = await connect('v1');
    const args = change(15, 'SKU-0005');
    const first = await connected.callTool('postgres.write', args);
    assertApprovalRequired(first);
    assert.ok(first.kind === 'result');
    const id = idOf(first.text);
    await decide(id, 'approve');
    const other = await connected.callTool('postgres.write', change(16, 'SKU-0005'));
    assertApprovalRequired(other);
    assert.ok(other.kind === 'result' && idOf(other.text) !== id);
    const answer = await connected.callTool('postgres.write', args);
    assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
    assertApprovalRequired(await connected.callTool('postgres.write', args));
    assert.deepEqual(await records(id), [asked, ran]);
  });

  it('leaves a record with the receipts, which an outsider can verify', async () => {
    const all = await platform.records('postgres.write');
    const done = all.filter(({ event, outcome }) => event === 'mcp_call' && outcome === 'ok');
    assert.equal(done.length, 3);
    for (const { detail } of done) assert.match(String(detail?.approval_receipt), /^[\w-]+\.[\w-]+\.[\w-]+$/);
    const { exitCode, output } = await platform.verifyAudit();
    assert.equal(exitCode, 0, output);
  });
});
