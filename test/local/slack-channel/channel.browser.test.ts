import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { fitsIn, isUsable, keepPicture, openChromium } from '../../authorization/chromium.ts';
import { personAtBrowser } from '../../support/person-at-browser.ts';
import { connectSdkV1 } from '../../support/real-clients.ts';
import { startTestPlatform } from '../../support/test-platform.ts';
import { assertApprovalRequired } from '../../support/what-clients-see.ts';
import { openChannelWorld } from './channel-world.ts';

test('an agent asks, a person approves or denies in the channel, and nobody answers for themselves', async (t) => {
  const platform = await startTestPlatform();
  t.after(() => platform.close());
  const channelUrl = `${platform.approvals}/channel`;
  const oscar = await connectSdkV1(platform.servers.write ?? '', personAtBrowser('oscar'));
  t.after(() => oscar.close());
  const browser = await openChromium(t);
  const open = async (user: string) => {
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await page.goto(channelUrl);
    await page.getByRole('button', { name: user }).click();
    await page.getByText(`You are ${user}`).waitFor();
    return page;
  };
  const change = { sql: "update products set stock = 21 where sku = 'SKU-0006'" };
  assertApprovalRequired(await oscar.callTool('postgres.write', change));

  const own = await open('Oscar');
  await cardOf(own, 'SKU-0006');
  await own.getByRole('button', { name: 'Approve' }).click();
  await own.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await seen(own, own.getByText('Only visible to you'));
  await own.getByText('Nobody approves or denies their own call').waitFor();

  const ada = await open('Ada');
  const card = await cardOf(ada, 'SKU-0006');
  assert.equal(await ada.getByText('Only visible to you').count(), 0);
  await card.getByRole('button', { name: 'Approve' }).click();
  await ada.getByRole('dialog').getByRole('link', { name: 'Not yet' }).click();
  assert.equal(await ada.getByRole('dialog').count(), 0);
  await card.getByRole('button', { name: 'Approve' }).press('Enter');
  await ada.getByRole('dialog').getByRole('button', { name: 'Approve' }).press('Enter');
  await seen(ada, card.getByText('Approved by: ada'));
  assert.equal(await card.getByRole('button', { name: 'Approve' }).count(), 0);
  const answer = await oscar.callTool('postgres.write', change);
  assert.ok(answer.kind === 'result' && !answer.isError, JSON.stringify(answer));

  const other = { sql: "delete from products where sku = 'SKU-0007'" };
  assertApprovalRequired(await oscar.callTool('postgres.write', other));
  const denied = await cardOf(ada, 'SKU-0007');
  await denied.getByRole('button', { name: 'Deny' }).press('Enter');
  await ada.getByLabel('Why not?').fill('It is still sold.');
  await ada.getByRole('dialog').getByRole('button', { name: 'Deny' }).press('Enter');
  await seen(ada, denied.getByText('Because: It is still sold.'));
  const no = await oscar.callTool('postgres.write', other);
  assert.match(JSON.stringify(no), /It is still sold\./);
});

for (const [width, colorScheme] of [
  [390, 'light'],
  [390, 'dark'],
  [1280, 'light'],
] as const) {
  test(`the channel is usable at ${width} pixels, ${colorScheme}, without scripts`, async (t) => {
    const world = await openChannelWorld(t);
    const browser = await openChromium(t);
    const context = await browser.newContext({
      viewport: { width, height: 844 },
      javaScriptEnabled: false,
      colorScheme,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    const look = async (name: string) => {
      await isUsable(page);
      await fitsIn(page, width);
      await keepPicture(page, `channel-${name}-${width}-${colorScheme}`);
    };

    await page.goto(world.channelUrl);
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByText('No message yet').waitFor();
    await look('empty');
    await world.ask({ words: 'Empties the bucket reports-2025.', tool: 's3.empty', argumentsSha256: 'b'.repeat(64) });
    await page.getByRole('link', { name: 'Look again' }).click();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await seen(page, page.getByText('Approved by: ada'));
    await world.ask({ subject: 'ada', argumentsSha256: 'd'.repeat(64), arguments: { sql: 'delete from t' } });
    await world.ask({
      argumentsSha256: 'c'.repeat(64),
      words: 'Runs postgres.write on the server write: changes rows in the business database.',
      arguments: {
        sql: "update invoices\nset state = 'written-off', note = 'asked by finance'\nwhere customer = 4711",
        note: 'w'.repeat(180),
      },
      clientName: 'Claude Code',
      clientId: `https://claude.example/${'a-long-path/'.repeat(10)}client.json`,
    });
    await page.getByRole('link', { name: 'Look again' }).click();
    const own = await cardOf(page, 'delete from t');
    await own.getByRole('button', { name: 'Approve' }).click();
    await look('confirm');
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await seen(page, page.getByText('Only visible to you'));
    await look('cards');
    await (await cardOf(page, 'written-off')).getByRole('button', { name: 'Deny' }).click();
    await page.getByRole('dialog').waitFor();
    await look('dialog');
    assert.equal(await page.locator(':focus').getAttribute('name'), 'reason/toolgate_reason');
    assert.deepEqual(complaints, []);
  });
}

/** The card with these words, as soon as it is there. */
function cardOf(page: Page, words: string): Promise<Locator> {
  return seen(page, page.getByRole('listitem').filter({ hasText: words }));
}

/** Looks again, as a person would, until it is there. */
async function seen(page: Page, wanted: Locator): Promise<Locator> {
  const lateMs = performance.now() + 30_000;
  while ((await wanted.count()) === 0) {
    assert.ok(performance.now() < lateMs, `${wanted} is not there: ${await page.getByRole('main').textContent()}`);
    await page.getByRole('link', { name: 'Look again' }).click();
    await page.waitForLoadState();
  }
  return wanted;
}
