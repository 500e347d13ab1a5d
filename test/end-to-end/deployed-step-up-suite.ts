import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/client';
import { approvalScope } from '../../runtime/contract/step-up.ts';
import { type ApproverAtPage, approverAtPage } from '../support/approver-at-page.ts';
import { callInWords } from '../support/call-in-words.ts';
import type { DeployedPlatform } from '../support/deployed-platform.ts';
import { emailOf, poolPassword } from '../support/emulated-pool.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { signInAtPool } from '../support/pool-sign-in.ts';
import { callPatiently } from '../support/real-clients.ts';
import { connectSteppingUp, type SteppingUpClient } from '../support/stepping-up-client.ts';
import { gist } from '../support/what-clients-see.ts';

const tool = 'postgres.write';
const change = { sql: "update products set stock = 4801 where sku = 'SKU-0040'" };
const scope = `postgres:query:write ${approvalScope}`;

/** What is true where the policy that is in force has the server `write` step up. */
export function deployedStepUpSuite(find: () => DeployedPlatform): void {
  describe('a server that steps up, on the deployed platform', () => {
    let platform: DeployedPlatform;
    let door: string;
    let ada: ApproverAtPage;
    let client: SteppingUpClient | undefined;
    before(async () => {
      platform = find();
      door = platform.servers.write ?? assert.fail('there is no server write');
      ada = await approverAtPage({ ...platform, user: 'ada' });
    });
    after(() => client?.close());

    it('challenges a person for the scope of a yes', async () => {
      const token = await platform.token('oscar', door, 'postgres:query:write');
      const { status, challenge, text } = await callInWords(door, token, tool, change);
      assert.equal(status, 403, text);
      assert.match(challenge ?? '', /^Bearer error="insufficient_scope"/);
      assert.ok(challenge?.includes(`scope="${scope}"`), challenge ?? '');
    });

    it('runs the call of SDK v2, whose person waited at the authorization server until another one said yes', async () => {
      const waitedFor: string[] = [];
      const oscar = personAtBrowser('oscar', undefined, (url, redirectUrl, user) =>
        signInAtPool(url, redirectUrl, emailOf(user), poolPassword, async (page) => {
          const id = /\/approvals\/([\w-]{22})"/.exec(page)?.[1] ?? assert.fail(page);
          waitedFor.push(id);
          await ada.answer(id, 'approve');
        }),
      );
      client = await connectSteppingUp(door, oscar);
      await assert.rejects(callPatiently(client, tool, change), UnauthorizedError);
      assert.deepEqual(
        oscar.opened.map((url) => url.searchParams.get('scope')),
        ['postgres:query:write', scope],
      );
      assert.equal(waitedFor.length, 1);
      await client.finishSteppingUp();
      assert.equal(oscar.tokens().scope, scope);
      const answer = await callPatiently(client, tool, change);
      assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
      const records = (await platform.records(tool)).filter(({ approval_id }) => approval_id === waitedFor[0]);
      assert.deepEqual(records.filter(({ event }) => event === 'mcp_call').map(gist), [
        `${platform.subjectOf('oscar')} write ${tool} refused approval_required`,
        `${platform.subjectOf('oscar')} write ${tool} ok -`,
      ]);
    });
  });
}
