import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { buttonValue } from '../../runtime/approvals/messages/button-value.ts';
import { visibleText } from '../../runtime/approvals/messages/visible-text.ts';
import type { ApprovalQuestion } from '../../runtime/contract/approval.ts';
import type { JsonObject } from '../../runtime/contract/json.ts';
import { argumentsKey } from '../../runtime/shared/approval-items.ts';
import { openApprovalsWorld } from '../support/approvals-world.ts';
import { openBrowser } from '../support/browser.ts';
import { tablePrefix } from '../support/local-dynamo.ts';
import { hostileTexts } from '../support/question.ts';
import { formFieldOf, openAs, openPages } from './pages-world.ts';

const pathOf = (id: string) => `/approvals/${id}`;
const filler = 'lorem ipsum '.repeat(9000);
const long: JsonObject = { sql: `${filler} drop everything` };

/** The page of a question with these arguments, as an approver sees it. */
async function pageOf(t: TestContext, changes: Partial<ApprovalQuestion>) {
  const world = await openPages(t);
  const request = await world.ask(changes);
  const { browser, page } = await openAs('ada', world.publicUrl + pathOf(request.id));
  return { ...world, request, browser, page };
}

suite('the page of a question', () => {
  test('has all of its arguments, says how long they are, and leaves the list short', async (t) => {
    const { page, browser, publicUrl } = await pageOf(t, { arguments: long });
    assert.ok(page.text.includes(`${filler} drop everything`));
    assert.ok(page.text.includes('All of it is here, 108,026 characters: scroll to its end.'));
    const list = await browser.go(`${publicUrl}/approvals`);
    assert.ok(list.text.length < 20_000);
  });

  test('has member 101, depth 17 and every name', async (t) => {
    const { page } = await pageOf(t, {
      arguments: {
        ids: [...Array.from({ length: 100 }, (_, i) => i), 'the last'],
        deep: [[[[[[[[[[[[[[[[['bottom']]]]]]]]]]]]]]]]],
        [`${'n'.repeat(300)}a`]: 'drop',
        [`${'n'.repeat(300)}b`]: 'keep',
      },
    });
    for (const words of ['99,&quot;the last&quot;]', '&quot;bottom&quot;', `${'n'.repeat(300)}a: &quot;drop`, 'keep']) {
      assert.ok(page.text.includes(words), words);
    }
    assert.doesNotMatch(page.text, /\[cut\]|more\]/);
  });

  test('takes what looks like a mark of ours for what it is: somebody’s words', async (t) => {
    const { page } = await pageOf(t, { arguments: { sql: 'select 1[cut]', ids: ['[9 more]'], '[cut]': true } });
    assert.match(page.text, /select 1\[cut\][\s\S]*everything else is what would be sent/);
    assert.doesNotMatch(page.text, /All of it is here|Only the beginning/);
    assert.match(page.text, /value="approve"/);
  });

  test('writes hostile text out wherever it stands in long arguments', async (t) => {
    const given = [...hostileTexts, '<script>alert(1)</script>', '</pre></span><h1>Approved</h1>'];
    const { page } = await pageOf(t, {
      arguments: Object.fromEntries([['filler', filler], ...given.map((text, i) => [`text-${i}`, text])]),
    });
    const shown = /<pre[^>]*>([\s\S]*?)<\/pre>/.exec(page.text)?.[1] ?? '';
    assert.deepEqual([...new Set(shown.match(/<[^>]*>/g))].sort(), ['</span>', '<span class="line">']);
    assert.equal(visibleText(page.text), page.text, 'nothing is invisible');
    const read = shown
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll(
        /&(amp|lt|gt|quot|#39);/g,
        (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name as 'amp'] ?? "'",
      );
    for (const line of given.flatMap((text) => text.split('\n'))) {
      assert.ok(
        read.includes(visibleText(JSON.stringify(line).slice(1, -1))) || read.includes(visibleText(line)),
        line,
      );
    }
  });

  test('shows its arguments to the asker as to approvers, and to nobody of another tenant, nor without a say', async (t) => {
    const { publicUrl, ask } = await openPages(t);
    const { id } = await ask({ arguments: long });
    const seen = async (user: string) => (await openAs(user, publicUrl + pathOf(id))).page;
    for (const user of ['ada', 'oscar']) assert.ok((await seen(user)).text.includes('drop everything'), user);
    for (const [user, status] of [
      ['gina', 404],
      ['alice', 403],
    ] as const) {
      const page = await seen(user);
      assert.equal(page.status, status, user);
      assert.ok(!page.text.includes('lorem') && !page.text.includes('drop everything'), user);
    }
    const stranger = await openBrowser().go(publicUrl + pathOf(id));
    assert.ok(!stranger.text.includes('lorem'));
  });

  test('compares whole arguments with those of the last yes, and says when they are too long for that', async (t) => {
    const { publicUrl, ask, answer, clock } = await openPages(t);
    const script = Array.from({ length: 1500 }, (_, i) => `update orders set n = ${i} where id = ${i};`).join('\n');
    await answer(await ask({ arguments: { script } }), 'ada');
    clock.aheadMs += 1000;
    const changed = await ask({
      arguments: { script: script.replace('where id = 1499', 'where true') },
      argumentsSha256: 'b'.repeat(64),
    });
    const { browser, page } = await openAs('ada', publicUrl + pathOf(changed.id));
    assert.match(page.text, /<ins class="line">\+ [^<]*set n = 1499 where <b>true<\/b>/);
    const longer = await ask({ arguments: { script: script.repeat(2) }, argumentsSha256: 'c'.repeat(64) });
    assert.match((await browser.go(publicUrl + pathOf(longer.id))).text, /: too long to be laid side by side\./);
  });
});

suite('a question whose whole arguments are gone', () => {
  test('can be denied and taken back, and nobody says yes to it, which is on record', async (t) => {
    const { publicUrl, ask, approvals, audit, store } = await openPages(t);
    const lose = async (id: string) =>
      store.client.send(new DeleteItemCommand({ TableName: `${tablePrefix}grants`, Key: argumentsKey(id) }));
    const window = { callsMax: 10, same: { '/sql': 'x', '/max_affected_rows': 1 }, sha256: 'e'.repeat(64) };
    const { id } = await ask({ arguments: long, window });
    const before = await openAs('ada', publicUrl + pathOf(id));
    const form = formFieldOf(before.page, pathOf(id));
    await lose(id);
    const { text } = await before.browser.go(before.page.url);
    assert.match(text, /Only the beginning of the arguments is kept any more\. The arguments are not kept whole/);
    assert.deepEqual(
      [...text.matchAll(/name="answer" value="([\w-]+)"/g)].map(([, value]) => value),
      ['deny'],
    );
    for (const answer of ['approve', 'approve-window']) {
      const refused = await before.browser.go(before.page.url, { form, answer });
      assert.equal(refused.status, 403);
      assert.ok(refused.text.includes('Your answer does not count. The arguments are not kept whole any more'), answer);
      const { outcome, reason } = audit.events.at(-1) ?? {};
      assert.equal(outcome, 'refused');
      assert.match(reason ?? '', /arguments_gone/);
    }
    assert.equal((await approvals.find(id, Date.now()))?.state, 'open');
    const denied = await before.browser.go(before.page.url, { form, answer: 'deny', reason: 'Send it again.' });
    assert.equal(denied.status, 303);
    const after = await before.browser.go(before.page.url);
    assert.match(after.text, /Only the beginning of the arguments is kept any more\.<\/p>/);

    const other = await ask({ arguments: long, argumentsSha256: 'b'.repeat(64) });
    await lose(other.id);
    const own = await openAs('oscar', publicUrl + pathOf(other.id));
    await own.browser.go(own.page.url, { form: formFieldOf(own.page, pathOf(other.id)), answer: 'withdraw' });
    assert.equal((await approvals.find(other.id, Date.now()))?.state, 'withdrawn');
  });
});

suite('the card of a question with long arguments', () => {
  test('says how long they are and where all of it is, and still does when it is decided', async (t) => {
    const world = await openApprovalsWorld(t);
    const { request, ts } = await world.ask({ arguments: long });
    const card = () => JSON.stringify(world.slack.messages.get(ts));
    for (const state of ['open', 'approved']) {
      assert.match(card(), /108,026 characters in all; the rest is on the page/, state);
      assert.match(card(), /Shortened here, all of it is on the page/, state);
      if (state !== 'open') continue;
      const approver = { subject: 'grace', tenant: 'acme', kind: 'human', roles: ['approver'] } as const;
      await world.deps.decide({ requestId: request.id, approver, verdict: 'approve', reason: undefined, via: 'page' });
      await world.until(() => /"Approved: /.test(card()), 'the outcome');
    }
    assert.equal(await world.state(request.id), 'approved');
  });

  test('takes no yes, and a click on an Approve of such a question is refused, told to whoever clicked, and on record', async (t) => {
    const world = await openApprovalsWorld(t);
    await world.person('UGRACE', { subject: 'grace' });
    const { request, ts } = await world.ask({
      arguments: { sql: `${'-- lorem ipsum dolor\n'.repeat(200)}drop everything` },
      window: { callsMax: 10, same: { '/max_affected_rows': 1 }, sha256: 'e'.repeat(64) },
    });
    const card = JSON.stringify(world.slack.messages.get(ts));
    assert.doesNotMatch(card, /drop everything|toolgate_approve/);
    assert.match(card, /"Open to approve"[^}]*\}[^}]*"url":"[^"]*\/approvals\//);
    for (const [told, action] of ['toolgate_approve', 'toolgate_approve_window'].entries()) {
      // As a card that was posted by an earlier version has it, or somebody who may sign makes it.
      await world.press({ message: ts, action, userId: 'UGRACE', value: buttonValue(request) });
      await world.until(() => world.slack.whispers.length === told + 1, 'the answer');
      const { user, text } = world.slack.whispers[told] ?? {};
      assert.equal(user, 'UGRACE');
      assert.match(text ?? '', /^Your answer does not count\. .*A card cannot show all of the arguments/);
      assert.ok(text?.endsWith(`/approvals/${request.id}`));
      const { outcome, code, reason, approval_id } = world.audit.events.at(-1) ?? {};
      assert.deepEqual([outcome, code, approval_id], ['refused', 'policy_denied', request.id]);
      assert.match(reason ?? '', /not_shown_whole/);
    }
    assert.equal(await world.state(request.id), 'open');
  });

  test('whose text is gone says that it is shortened, and a click on it is no yes', async (t) => {
    const world = await openApprovalsWorld(t);
    await world.person('UGRACE', { subject: 'grace' });
    const { request, ts } = await world.ask({ arguments: { ids: Array.from({ length: 101 }, (_, i) => i) } });
    assert.doesNotMatch(JSON.stringify(world.slack.messages.get(ts)), /Shortened here/);
    const key = { TableName: `${tablePrefix}grants`, Key: argumentsKey(request.id) };
    await world.dynamo.client.send(new DeleteItemCommand(key));
    await world.press({ message: ts, action: 'toolgate_approve', userId: 'UGRACE' });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(
      String(world.slack.whispers[0]?.text),
      /^Your answer does not count\. The arguments are not kept whole/,
    );
    assert.equal(await world.state(request.id), 'open');
    await world.deps.approvals.withdraw(request.id, world.clock.ms);
    world.clock.ms += 120_000;
    await world.deps.settle();
    await world.until(() => /Shortened here/.test(JSON.stringify(world.slack.messages.get(ts))), 'the outcome');
  });
});
