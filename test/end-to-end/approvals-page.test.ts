import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formFieldOf, openAs } from '../approvals/pages-world.ts';
import { personAtBrowser } from '../support/person-at-browser.ts';
import { connectSdkV1 } from '../support/real-clients.ts';
import { startTestPlatform } from '../support/test-platform.ts';
import { assertApprovalRequired } from '../support/what-clients-see.ts';

test('on a laptop a change runs after an approver said yes on the page, once, and all of it is on record', async (t) => {
  const platform = await startTestPlatform();
  t.after(() => platform.close());
  const oscar = await connectSdkV1(platform.servers.write ?? '', personAtBrowser('oscar'));
  t.after(() => oscar.close());
  const change = { sql: "update products set stock = 21 where sku = 'SKU-0006'" };
  const asked = await oscar.callTool('postgres.write', change);
  assertApprovalRequired(asked);

  const { browser, page: list } = await openAs('ada', platform.approvals);
  const [, path = ''] = /href="(\/approvals\/[\w-]{22})"/.exec(list.text) ?? [];
  const page = await browser.go(new URL(path, platform.approvals).href);
  assert.ok(page.text.includes('update products set stock = 21'), page.text);
  const done = await browser.go(page.url, { form: formFieldOf(page, path), answer: 'approve', reason: '' });
  assert.equal(done.status, 303);
  assert.match((await browser.go(page.url)).text, /ada approved this/);

  const answer = await oscar.callTool('postgres.write', change);
  assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));
  assertApprovalRequired(await oscar.callTool('postgres.write', change));
  const decided = (await platform.records('postgres.write')).filter(({ event }) => event === 'approval_decided');
  assert.deepEqual(
    decided.map(({ outcome, caller }) => [outcome, caller?.subject]),
    [
      ['pending', 'ada'],
      ['ok', 'ada'],
    ],
  );
  const { exitCode, output } = await platform.verifyAudit();
  assert.equal(exitCode, 0, output);
});
