import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { JsonObject } from '../../runtime/contract/json.ts';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { fitsIn, isUsable, keepPicture, openChromium } from '../authorization/chromium.ts';
import { tablePrefix } from '../support/local-dynamo.ts';
import { openPages } from './pages-world.ts';

const sql = `update invoices
set state = 'written-off', note = 'asked by finance; see the ticket of last week'
where customer = 4711 and due < '2026-01-01'`;

for (const width of [390, 1280]) {
  test(`an approver answers at ${width} pixels, with the keyboard and without scripts`, async (t) => {
    const { publicUrl, ask, answer, clock, store } = await openPages(t);
    const grants = createGrantStore({ client: store.client, tablePrefix });
    const { id } = await ask({
      words: 'Runs postgres.write on the server postgres-write: changes rows in the business database.',
      clientName: 'Claude Code',
      clientId: 'https://claude.example/oauth/metadata-of-a-client-with-a-rather-long-address.json',
      arguments: { sql, limit: 200, contact: '[email]', note: 'w'.repeat(180) },
    });
    const bucket = { words: 'Empties the bucket reports-2025.', arguments: { bucket: 'reports-2025' } };
    await ask({ ...bucket, argumentsSha256: 'b'.repeat(64), tool: 's3.empty' });
    const order = { words: 'Deletes order 7.', arguments: { order: 7 } };
    await ask({ ...order, argumentsSha256: 'c'.repeat(64), subject: 'ada' });
    const context = await (await openChromium(t)).newContext({
      viewport: { width, height: 844 },
      javaScriptEnabled: false,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    const look = async (name: string) => {
      await isUsable(page);
      await keepPicture(page, `approvals-${name}-${width}`);
    };

    await page.goto(`${publicUrl}/approvals`);
    await page.getByRole('button', { name: 'Ada' }).press('Enter');
    await page.getByRole('heading', { name: 'Approvals' }).waitFor();
    await look('list');
    await page.getByRole('link', { name: 'update invoices' }).press('Enter');
    await page.getByRole('heading', { name: 'Approval wanted' }).waitFor();
    await look('card');
    // A no without a reason does not leave the browser.
    await page.getByRole('button', { name: 'Deny' }).click();
    assert.equal(await page.getByRole('heading').first().textContent(), 'Approval wanted');
    await page.getByLabel('Reason').fill('Only those that are older than two years.');
    await page.getByRole('button', { name: 'Deny' }).press('Enter');
    await page.getByText('ada denied this').waitFor();
    await look('denied');

    await page.goto(`${publicUrl}/approvals`);
    await page.getByRole('link', { name: 'reports-2025' }).click();
    await page.getByRole('button', { name: 'Approve' }).press('Enter');
    await page.getByText('ada approved this').waitFor();
    await look('approved');
    // Taking it back without a reason does not leave the browser.
    await page.getByRole('button', { name: 'Take it back' }).click();
    assert.equal(await page.getByRole('heading').first().textContent(), 'Approved');
    await page.getByLabel('Take this yes back').fill('The wrong bucket.');
    await page.getByRole('button', { name: 'Take it back' }).press('Enter');
    await page.getByRole('heading', { name: 'Taken back' }).waitFor();
    await look('taken-back');

    await answer(await ask({ words: 'Changes an invoice.', arguments: { sql }, tool: 'postgres.change' }), 'ada');
    clock.aheadMs += 1000;
    const next = { words: 'Changes an invoice again.', tool: 'postgres.change', argumentsSha256: 'e'.repeat(64) };
    const changed = await ask({ ...next, arguments: { sql: sql.replace('4711', '4711 or 1 = 1'), force: true } });
    await page.goto(`${publicUrl}/approvals/${changed.id}`);
    await page.getByRole('heading', { name: 'Changed since the last yes' }).waitFor();
    await look('changed');
    await answer(changed, 'ada');
    const grant = await grants.find(changed, Date.now() + clock.aheadMs);
    assert.ok(grant && (await grants.consume(grant, Date.now() + clock.aheadMs)));
    await page.goto(`${publicUrl}/approvals/${changed.id}`);
    await page.getByText('The call ran on it').waitFor();
    await look('used');
    const long = Array.from({ length: 60 }, (_, i) => `update invoices set note = 'row ${i}' where id = ${i};`).join(
      '\n',
    );
    const script = await ask({
      words: 'Changes 60 invoices.',
      argumentsSha256: 'f'.repeat(64),
      arguments: { sql: long },
    });
    await page.goto(`${publicUrl}/approvals/${script.id}`);
    await page.getByRole('heading', { name: 'Approval wanted' }).waitFor();
    await look('long');
    await page.goto(`${publicUrl}/approvals`);
    await page.getByRole('heading', { name: 'Over' }).waitFor();
    await look('list-over');

    await page.getByRole('link', { name: 'order: 7' }).click();
    await page.getByText('This waits for somebody else').waitFor();
    await look('own');
    await page.getByRole('button', { name: 'I do not need it any more' }).press('Enter');
    await page.getByRole('heading', { name: 'No longer asked' }).waitFor();
    await look('withdrawn');
    await page.getByRole('link', { name: 'Use another account' }).click();
    await page.getByRole('button', { name: 'Alice' }).click();
    await page.getByText('You are Alice').waitFor();
    await look('reader');
    await page.goto(`${publicUrl}/approvals/${id}`);
    await page.getByRole('link', { name: 'Use another account' }).click();
    await page.getByRole('button', { name: 'Oscar' }).click();
    await page.getByText('“Only those that are older than two years.”').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await look('signed-out');
    assert.deepEqual(
      complaints.filter((text) => !text.includes('status of 403')),
      [],
    );
  });

  test(`arguments of a hundred thousand characters are read to their end and answered at ${width} pixels`, async (t) => {
    const { publicUrl, ask, answer, clock } = await openPages(t);
    const lines = Array.from({ length: 1900 }, (_, i) => `update invoices set note = 'row ${i}' where id = ${i};`);
    const sql = lines.join('\n');
    const shapes: Readonly<Record<string, JsonObject>> = {
      lines: { sql },
      members: { rows: lines.map((note, id) => ({ id, note })) },
      'one-word': { blob: 'QUJD'.repeat(25_000) },
      'empty-lines': { sql: `${'\n'.repeat(20_000)}drop` },
    };
    const page = await (await openChromium(t)).newPage({ viewport: { width, height: 844 }, javaScriptEnabled: false });
    await page.goto(`${publicUrl}/approvals`);
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByRole('heading', { name: 'Approvals' }).waitFor();
    for (const [index, [name, given]] of Object.entries(shapes).entries()) {
      const question = { arguments: given, argumentsSha256: `${index}`.repeat(64), tool: `postgres.${name}` };
      await page.goto(`${publicUrl}/approvals/${(await ask(question)).id}`);
      await page.getByText('scroll to its end').waitFor();
      await isUsable(page);
      await fitsIn(page, width);
      const last = page.getByRole('region', { name: 'With these arguments' }).locator('.line').last();
      await last.scrollIntoViewIfNeeded();
      await keepPicture(page, `approvals-whole-${name}-${width}`);
      await page.getByRole('button', { name: 'Approve' }).press('Enter');
      await page.getByText('ada approved this').waitFor();
    }
    clock.aheadMs += 1000;
    await answer(await ask({ arguments: { sql }, argumentsSha256: 'e'.repeat(64) }), 'ada');
    clock.aheadMs += 1000;
    const changed = { sql: sql.replace('id = 1899', 'true') };
    await page.goto(
      `${publicUrl}/approvals/${(await ask({ arguments: changed, argumentsSha256: 'f'.repeat(64) })).id}`,
    );
    await page.getByRole('heading', { name: 'Changed since the last yes' }).waitFor();
    await keepPicture(page, `approvals-whole-changed-${width}`);
  });

  test(`a question that nobody answered in time is shown at ${width} pixels without buttons`, async (t) => {
    const { publicUrl, ask, clock } = await openPages(t);
    const { id, expiresAtMs } = await ask();
    clock.aheadMs = expiresAtMs - Date.now() + 1000;
    const page = await (await openChromium(t)).newPage({ viewport: { width, height: 844 } });
    await page.goto(`${publicUrl}/approvals/${id}`);
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByRole('heading', { name: 'Nobody answered in time' }).waitFor();
    assert.equal(await page.locator('[name=answer]').count(), 0);
    await keepPicture(page, `approvals-expired-${width}`);
  });

  test(`signs stand in their order at ${width} pixels, whatever is written from right to left around them`, async (t) => {
    const { publicUrl, ask, answer, clock } = await openPages(t);
    const sql = "delete from a where name = 'אבג' < 100 - 7 -- 'דהו' or 1 = 2";
    await answer(await ask({ arguments: { sql } }), 'ada');
    clock.aheadMs += 1000;
    const next = { sql: sql.replace('100', '200') };
    const { id } = await ask({ arguments: next, argumentsSha256: 'b'.repeat(64) });
    const page = await (await openChromium(t)).newPage({ viewport: { width, height: 844 } });
    await page.goto(`${publicUrl}/approvals/${id}`);
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByRole('heading', { name: 'Changed since the last yes' }).waitFor();
    assert.deepEqual(await turnedSigns(page, 'pre .line'), [3, 0]);
    const box = await page.getByRole('region', { name: 'With these arguments' }).boundingBox();
    const wide = width === 1280 ? 800 : 0;
    assert.ok(box !== null && box.width > wide && box.width <= 960, `the arguments are ${box?.width} wide`);
    await page.goto(`${publicUrl}/approvals`);
    assert.deepEqual(await turnedSigns(page, '.requests code'), [2, 0]);
  });

  test(`nothing is wider than ${width} pixels`, async (t) => {
    const { publicUrl, ask } = await openPages(t);
    const wide = 'x'.repeat(400);
    const { id } = await ask({ words: wide, subject: wide, clientName: wide, arguments: { [wide]: wide }, tool: wide });
    const page = await (await openChromium(t)).newPage({ viewport: { width, height: 844 } });
    await page.goto(`${publicUrl}/approvals/${id}`);
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByRole('heading', { name: 'Approval wanted' }).waitFor();
    await fitsIn(page, width);
    await page.goto(`${publicUrl}/approvals`);
    await fitsIn(page, width);
  });
}

/** How many lines match, and how many of their signs do not stand after the one before them, to the right or on a line below. */
function turnedSigns(page: Page, selector: string): Promise<unknown> {
  return page.evaluate(`(() => {
    const lines = [...document.querySelectorAll(${JSON.stringify(selector)})];
    let turned = 0;
    for (const line of lines) {
      let last = { left: -1, bottom: -1 };
      const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) {
        for (let at = 0; at < walk.currentNode.length; at += 1) {
          const range = document.createRange();
          range.setStart(walk.currentNode, at);
          range.setEnd(walk.currentNode, at + 1);
          const box = range.getBoundingClientRect();
          if (box.width === 0) continue;
          if (box.left <= last.left && box.top < last.bottom - 1) turned += 1;
          last = box;
        }
      }
    }
    return [lines.length, turned];
  })()`);
}
