import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { type ApproverAtPage, approverAtPage } from '../support/approver-at-page.ts';
import { askEmulator } from '../support/ask-emulator.ts';
import { callInWords } from '../support/call-in-words.ts';
import type { DeployedPlatform } from '../support/deployed-platform.ts';
import type { Ministack } from '../support/ministack.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { callPatiently, connectSdkV2, type RealClient } from '../support/real-clients.ts';
import type { SlackDouble } from '../support/slack-double.ts';
import { formOf, pressPayload, sign, submitPayload } from '../support/slack-sender.ts';
import { until } from '../support/until.ts';
import { assertToldModel } from '../support/what-clients-see.ts';

export interface Deployed {
  readonly platform: DeployedPlatform;
  readonly slack: SlackDouble;
  readonly emulator: Ministack;
}

const tool = 'postgres.write';
const change = (sku: string, stock: number) => ({
  sql: `update products set stock = ${stock} where sku = '${sku}'`,
});

/** What is true of approvals behind the deployed load balancer, page and messenger, beyond what each client sees. */
export function deployedApprovalsSuite(find: () => Deployed): void {
  describe('people who answer, on the deployed platform', () => {
    let platform: DeployedPlatform;
    let slack: SlackDouble;
    let ada: ApproverAtPage;
    let client: RealClient;
    let token: string;
    before(async () => {
      ({ platform, slack } = find());
      ada = await approverAtPage({ ...platform, user: 'ada' });
      token = await platform.token('oscar', platform.endpoint, 'postgres:query:write');
      client = await connectSdkV2(platform.servers.write ?? '', personAtBrowser('oscar', undefined, platform.signIn));
    });
    after(() => client?.close());

    const call = async (args: Readonly<Record<string, unknown>>) =>
      (await callInWords(platform.endpoint, token, tool, args)).text;

    const ask = async (args: Readonly<Record<string, unknown>>) => questionIn(await call(args));

    const recordsOf = async (id: string, event: AuditRecord['event']) =>
      (await platform.records(tool)).filter((record) => record.event === event && record.approval_id === id);

    /** How an act on a question is on record: outcome, who, and where. */
    const acts = async (id: string, event: AuditRecord['event']) => {
      const names = new Map(['ada', 'oscar'].map((name) => [platform.subjectOf(name), name]));
      const all = await recordsOf(id, event);
      return all.map(({ outcome, caller, detail }) => `${outcome} ${names.get(caller?.subject ?? '')} ${detail?.via}`);
    };

    it('tells who waits that the call is held, through the load balancer, and ends that very call with the answer', async () => {
      const deny = async (text: string) => {
        const id = await ada.find(text);
        await ada.answer(id, 'deny', 'Not today.');
        return id;
      };
      let tries = 0;
      // On a busy machine a round may end before the approver is through: then it is tried with another question.
      const answer = await until(async () => {
        tries += 1;
        const { sql } = change('SKU-0035', 4300 + tries);
        let denied: Promise<string> | undefined;
        const onProgress = () => {
          denied ??= deny(sql);
        };
        const told = await client.callTool(tool, { sql }, { onProgress });
        const id = (await denied) ?? assert.fail('nothing came before the answer');
        const codes = (await recordsOf(id, 'mcp_call')).map(({ code }) => code);
        return codes.join() === 'approval_denied' ? told : undefined;
      }, 'an answer in the round that told of the wait');
      assertToldModel(answer, /refused this call: Not today\./);
    });

    it('runs calls of a window that was opened on the page, asks about one outside it, and about all when it is taken back', async () => {
      const inWindow = (stock: number) => ({
        sql: "update products set stock = $1 where sku = 'SKU-0036'",
        params: [stock],
        max_affected_rows: 1,
      });
      const id = await ask(inWindow(4401));
      assert.match(await ada.read(id), /Approve up to 10 calls like this for 15 minutes/);
      await ada.answer(id, 'approve-window');
      for (const stock of [4401, 4402, 4403]) assert.match(await call(inWindow(stock)), /"rows_affected":1/);
      const outside = await ask({ ...inWindow(4404), max_affected_rows: 2 });
      assert.notEqual(outside, id);

      const ran = (await recordsOf(id, 'mcp_call')).filter(({ outcome }) => outcome === 'ok');
      assert.equal(new Set(ran.map(({ arguments_sha256 }) => arguments_sha256)).size, 3);
      const uses = ran.map(({ detail }) => Number(detail?.approval_use));
      assert.deepEqual(uses, [...new Set(uses)].toSorted());
      assert.ok(ran.every(({ detail }) => detail?.approval_calls_max === 10));

      await ada.answer(id, 'take-back', 'That is enough.');
      assert.match(await ada.read(id), /took the yes back at .*“That is enough\.”/);
      const anew = await ask(inWindow(4405));
      assert.ok(![id, outside].includes(anew));
      assert.deepEqual(await acts(id, 'approval_revoked'), ['pending ada page', 'ok ada page']);
    });

    it('ends the wait and the workflow of a question that its asker takes back on the page', async () => {
      const oscar = await approverAtPage({ ...platform, user: 'oscar' });
      const args = change('SKU-0037', 4501);
      const answer = callPatiently(client, tool, args);
      answer.catch(() => {});
      const id = await ada.find(args.sql);
      await assert.rejects(ada.answer(id, 'withdraw'), /does not count/);
      await oscar.answer(id, 'withdraw');
      assertToldModel(await answer, /The question was taken back\. Send it again to ask anew\./);
      assert.match(await ada.read(id), /No longer asked/);
      assert.deepEqual(await acts(id, 'approval_withdrawn'), [
        'refused ada page',
        'pending oscar page',
        'ok oscar page',
      ]);
      const { environment } = platform.services.find(({ name }) => name === 'gateway') ?? assert.fail();
      const machine = environment.APPROVAL_WORKFLOW_ARN ?? '';
      await until(async () => {
        const { status } = await askEmulator(find().emulator, 'states', 'AWSStepFunctions.DescribeExecution', {
          executionArn: `${machine.replace(':stateMachine:', ':execution:')}:${id}`,
        });
        return status === 'SUCCEEDED';
      }, 'the end of its workflow');
    });

    const send = (payload: object, secret = slack.signingSecret) => {
      const signed = sign(formOf(payload), { secret, timestampS: Math.floor(Date.now() / 1000) });
      return fetch(new URL('/slack/interactions', platform.endpoint), { method: 'POST', ...signed });
    };
    const cardOf = (sku: string, title: string) =>
      until(
        () =>
          [...slack.messages.values()].find(
            ({ text, blocks }) => text.startsWith(title) && JSON.stringify(blocks).includes(sku),
          ),
        `a card about ${sku} that says ${title}`,
      );

    it('runs a change that somebody approved in Slack, once', async () => {
      const args = change('SKU-0038', 4601);
      await ask(args);
      const { ts: message } = await cardOf('SKU-0038', 'Approval wanted');
      const approve = (userId: string, secret?: string) =>
        send(pressPayload(slack, { message, action: 'toolgate_approve', userId }), secret);
      assert.equal((await approve('UADA', '0'.repeat(32))).status, 401);
      assert.equal((await approve('UMALLORY')).status, 200);
      await until(() => slack.whispers.length > 0, 'a no to whoever is not known');
      await ask(args);
      assert.equal((await approve('UADA')).status, 200);
      await cardOf('SKU-0038', 'Approved');
      assert.match(await call(args), /"rows_affected":1/);
      await ask(args);
    });

    it('asks anew after an approver took a yes back in Slack', async () => {
      const args = change('SKU-0039', 4701);
      const id = await ask(args);
      const { ts: message } = await cardOf('SKU-0039', 'Approval wanted');
      await send(pressPayload(slack, { message, action: 'toolgate_approve', userId: 'UADA' }));
      await cardOf('SKU-0039', 'Approved');
      await send(pressPayload(slack, { message, action: 'toolgate_take_back', userId: 'UADA' }));
      const dialog = await until(() => slack.dialogs.at(-1), 'a dialog that asks why');
      await send(submitPayload(slack, dialog, { userId: 'UADA', reason: 'Not on a Friday.' }));
      await cardOf('SKU-0039', 'Taken back');
      assert.notEqual(await ask(args), id);
      assert.deepEqual(await acts(id, 'approval_revoked'), ['pending ada slack', 'ok ada slack']);
    });
  });
}

/** The question that an answer in words names. */
function questionIn(text: string): string {
  assert.match(text, /A person must approve this call first/);
  return /APPROVAL_REQUIRED id=([\w-]{22})/.exec(text)?.[1] ?? assert.fail(text);
}
