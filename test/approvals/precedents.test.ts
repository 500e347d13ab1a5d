import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postRequest } from '../../runtime/approvals/post-request.ts';
import { openApprovalsWorld } from '../support/approvals-world.ts';
import { openAs, openPages } from './pages-world.ts';

const sql = ['update invoices', "set state = 'open'", 'where customer = 4711'].join('\n');
const other = { sql: sql.replace('4711', '4712') };
const otherHash = { argumentsSha256: 'b'.repeat(64), arguments: other };

test('the next card of the same asker says what was answered before, by whom, and what changed since', async (t) => {
  const world = await openApprovalsWorld(t);
  await world.person('UGRACE', { subject: 'grace' });
  const first = await world.ask({ arguments: { sql } });
  const shown = (ts: string) => JSON.stringify(world.slack.messages.get(ts)?.blocks);
  assert.match(shown(first.ts), /Nothing of this kind in 30 days/);
  await world.press({ message: first.ts, action: 'toolgate_approve', userId: 'UGRACE' });
  await world.until(() => world.slack.messages.get(first.ts)?.updates === 1, 'the outcome');
  world.clock.ms += 1000;
  const next = await world.ask(otherHash);
  const card = shown(next.ts);
  assert.match(card, /Approved once in 30 days; last approved on \d+ Nov 2026, \d\d:\d\d UTC by grace/);
  assert.match(card, /- {3}\| where customer = 4711\\n\+ {3}\| where customer = 4712/);
  // The first card does not count itself.
  assert.match(shown(first.ts), /Nothing of this kind in 30 days/);
});

test('a card does not wait for what was answered before, and says that it is not known', async (t) => {
  const world = await openApprovalsWorld(t);
  const { ts } = await world.ask();
  const { approvals } = world.deps;
  const posted: string[] = [];
  const request = await approvals.open({ ...(await asked(world)), argumentsSha256: 'c'.repeat(64) }, world.clock.ms);
  const slack = {
    post: async (channel: string, { blocks }: { readonly blocks: unknown }) => {
      posted.push(JSON.stringify(blocks));
      return { channel, message: ts };
    },
    update: async () => {},
  };
  await postRequest(request, {
    now: () => world.clock.ms,
    approvals,
    slack,
    channelOf: () => world.slack.channel,
    pageUrl: () => 'https://mcp.example.com/approvals',
    before: async () => undefined,
    useOf: async () => undefined,
  });
  assert.match(posted.join(), /Not known right now/);
});

test('the page shows what changed since the last yes, marked in text, and nothing in an argument becomes a mark', async (t) => {
  const { publicUrl, ask, answer, clock } = await openPages(t);
  await answer(await ask({ arguments: { sql } }), 'ada');
  clock.aheadMs += 1000;
  const { id } = await ask({ ...otherHash, arguments: { ...other, note: '+ </del><ins>- x' } });
  const { page } = await openAs('ada', `${publicUrl}/approvals/${id}`);
  assert.match(page.text, /<dt>Before<\/dt><dd>Approved once in 30 days; last approved on .* by ada\.<\/dd>/);
  assert.match(page.text, /Compared with what ada approved at/);
  for (const line of [
    '<span class="line">    | update invoices</span>',
    '<del class="line">-   | where customer = <b>4711</b></del>',
    '<ins class="line">+   | where customer = <b>4712</b></ins>',
    '<ins class="line">+ note: &quot;+ &lt;/del&gt;&lt;ins&gt;- x&quot;</ins>',
  ]) {
    assert.ok(page.text.includes(line), `${line} in ${page.text}`);
  }
});

async function asked(world: Awaited<ReturnType<typeof openApprovalsWorld>>) {
  const { request } = await world.ask({ argumentsSha256: 'd'.repeat(64) });
  return request;
}
