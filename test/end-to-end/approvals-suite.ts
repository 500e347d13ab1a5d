import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApprovalClient, sdkClients } from '../support/approval-clients.ts';
import { type ApproverAtPage, approverAtPage } from '../support/approver-at-page.ts';
import { assertDocumented, assertVersionDocumented } from '../support/clients-doc.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import {
  type CallOptions,
  type ClientAnswer,
  callPatiently,
  connectSdkV1,
  type RealClient,
} from '../support/real-clients.ts';
import type { ApprovalsUnderTest } from '../support/test-platform.ts';
import { approvalIdIn, assertToldModel, gist } from '../support/what-clients-see.ts';

interface Asking {
  /** Id of the question. */
  readonly id: string;
  /** What the client says in the end; one that was told to come back sends the identical call again. */
  outcome(): Promise<ClientAnswer>;
}

/** What each client sees of a change that needs a yes, and what happens to the data; wherever the platform runs. */
export function approvalsSuite(
  where: string,
  start: () => Promise<ApprovalsUnderTest>,
  clients: readonly ApprovalClient[] = sdkClients,
): void {
  describe(`a change that a person must allow, end to end, ${where}`, () => {
    let platform: ApprovalsUnderTest;
    let ada: ApproverAtPage;
    let reader: RealClient;
    const open: RealClient[] = [];
    const keep = (client: RealClient) => {
      open.push(client);
      return client;
    };
    before(async () => {
      platform = await start();
      ada = await approverAtPage({ ...platform, user: 'ada' });
      reader = keep(
        await connectSdkV1(platform.servers.read ?? '', personAtBrowser('alice', undefined, platform.signIn)),
      );
    });
    after(async () => {
      await Promise.all(open.map((client) => client.close()));
      await platform?.close();
    });

    const stockOf = async (sku: string) => {
      const answer = await reader.callTool('postgres.readonly', {
        sql: `select stock from products where sku = '${sku}'`,
      });
      assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
      return (answer.structured as { readonly rows: readonly (readonly number[])[] }).rows[0]?.[0];
    };
    const records = async (id: string) => {
      const all = await platform.records('postgres.write');
      return all.filter(({ event, approval_id }) => event === 'mcp_call' && approval_id === id).map(gist);
    };

    describe('each client', { concurrency: true }, () => {
      for (const [index, kind] of clients.entries()) {
        const operator = () => platform.subjectOf('oscar');
        const ran = () => `${operator()} write postgres.write ok -`;
        const skuOf = (story: number) => `SKU-00${index + 1}${story}`;
        const change = (sku: string, stock: number) => ({
          sql: `update products set stock = ${stock} where sku = '${sku}'`,
        });

        describe(kind.name, { concurrency: false }, () => {
          let client: RealClient;
          const shown: string[] = [];
          before(async () => {
            assertVersionDocumented(kind.name, kind.version);
            client = keep(await kind.connect(platform, shown));
          });

          const call = (args: { readonly sql: string }, options?: CallOptions) =>
            callPatiently(client, 'postgres.write', args, options);

          const ask = async (args: { readonly sql: string }, onProgress?: () => void): Promise<Asking> => {
            const send = () => call(args, onProgress && { onProgress });
            const first = send();
            // Whoever waits is looked at later.
            first.catch(() => {});
            const id = kind.waits === 'words' ? approvalIdIn(await first) : await ada.find(args.sql);
            const outcome = async () => {
              const answer = await first;
              return isToldToComeBack(answer) ? send() : answer;
            };
            return { id, outcome };
          };

          const documented = (story: string, answer: ClientAnswer) =>
            assertDocumented(kind.name, story, answer.kind === 'result' ? answer.text : answer.message);

          it('asks, is approved, and runs once', async () => {
            const sku = skuOf(1);
            let reports = 0;
            const asking = await ask(change(sku, 4001), () => {
              reports += 1;
            });
            assert.notEqual(await stockOf(sku), 4001);
            await ada.answer(asking.id, 'approve');
            const answer = await asking.outcome();
            assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
            documented('approved', answer);
            assert.equal(await stockOf(sku), 4001);
            const isTold = kind.waits !== 'words' && kind.tellsProgress && platform.isHolding;
            // Where nothing is held, a client that comes back may still be told that it runs.
            if (platform.isHolding) assert.equal(reports > 0, isTold, 'progress while it is held');
            const page = `${platform.approvals}/${asking.id}`;
            assert.equal(shown.filter((url) => url === page).length, kind.waits === 'page' ? 1 : 0);

            const left = new AbortController();
            const again = call(change(sku, 4001), { signal: left.signal });
            again.catch(() => {});
            const other = await ada.find(change(sku, 4001).sql, asking.id);
            if (kind.waits === 'words') {
              documented('asked', await again);
              assert.equal(approvalIdIn(await again), other);
            }
            left.abort();
            assert.equal((await records(asking.id)).filter((each) => each === ran()).length, 1);
            assert.match(await ada.read(other), /Approval wanted/, 'who leaves takes nothing back');
          });

          it('asks, is denied, and hears why, also when it asks again', async () => {
            const sku = skuOf(2);
            const asking = await ask(change(sku, 4002));
            await ada.answer(asking.id, 'deny', 'Stock is counted on Monday.');
            const no = /refused this call: Stock is counted on Monday\. Do not send it again unchanged\./;
            const answer = await asking.outcome();
            assertToldModel(answer, no);
            documented('denied', answer);
            assertToldModel(await call(change(sku, 4002)), no);
            assert.notEqual(await stockOf(sku), 4002);
            assert.ok(!(await records(asking.id)).includes(ran()));
          });

          it('asks, nobody answers in time, and nothing runs', async () => {
            const sku = skuOf(3);
            const asking = await ask(change(sku, 4003));
            await platform.expire(asking.id);
            const answer = await asking.outcome();
            // Whoever was told to come back comes back with a question of its own.
            if (isToldToComeBack(answer)) assert.notEqual(approvalIdIn(answer), asking.id);
            else assertToldModel(answer, /Nobody decided in time\. Send it again/);
            if (platform.isHolding) documented('expired', answer);
            assert.notEqual(await stockOf(sku), 4003);
            assert.match(await ada.read(asking.id), /Nobody answered in time/);
          });

          it('asks, is approved, and asks anew for a changed argument', async () => {
            const sku = skuOf(4);
            const asking = await ask(change(sku, 4004));
            const changed = await ask(change(sku, 4005));
            assert.notEqual(changed.id, asking.id);
            await ada.answer(asking.id, 'approve');
            const answer = await asking.outcome();
            assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
            assert.equal(await stockOf(sku), 4004);
            await ada.answer(changed.id, 'deny', 'Another number.');
            const no = await changed.outcome();
            assertToldModel(no, /Another number/);
            documented('changed', no);
            assert.equal(await stockOf(sku), 4004);
          });
        });
      }
    });

    it('leaves a record of who said yes, with receipts, which an outsider can verify', async () => {
      const all = await platform.records('postgres.write');
      const done = all.filter(({ event, outcome }) => event === 'mcp_call' && outcome === 'ok');
      assert.equal(done.length, 2 * clients.length);
      for (const { detail } of done) assert.match(String(detail?.approval_receipt), /^[\w-]+\.[\w-]+\.[\w-]+$/);
      const decided = all.filter(
        ({ event, approval_id }) => event === 'approval_decided' && approval_id === done[0]?.approval_id,
      );
      assert.deepEqual(
        decided.map(({ outcome, caller }) => [outcome, caller?.subject]),
        [
          ['pending', platform.subjectOf('ada')],
          ['ok', platform.subjectOf('ada')],
        ],
      );
      const { exitCode, output } = await platform.verifyAudit();
      assert.equal(exitCode, 0, output);
    });
  });
}

function isToldToComeBack(answer: ClientAnswer): boolean {
  return answer.kind === 'result' && answer.isError && answer.text.includes('APPROVAL_REQUIRED');
}
