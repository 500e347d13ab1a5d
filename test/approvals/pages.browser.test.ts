import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitsIn, isUsable, keepPicture, openChromium } from '../authorization/chromium.ts';
import { openPages } from './pages-world.ts';

const sql = `update invoices
set state = 'written-off', note = 'asked by finance; see the ticket of last week'
where customer = 4711 and due < '2026-01-01'`;

for (const width of [390, 1280]) {
  test(`an approver answers at ${width} pixels, with the keyboard and without scripts`, async (t) => {
    const { publicUrl, ask } = await openPages(t);
    const { id } = await ask({
      words: 'Runs postgres.write on the server postgres-write: changes rows in the business database.',
      clientName: 'Claude Code',
      clientId: 'https://claude.example/oauth/metadata-of-a-client-with-a-rather-long-address.json',
      arguments: { sql, limit: 200, contact: '[email]', note: 'w'.repeat(180) },
    });
    await ask({ words: 'Empties the bucket reports-2025.', argumentsSha256: 'b'.repeat(64), tool: 's3.empty' });
    await ask({ words: 'Deletes order 7.', argumentsSha256: 'c'.repeat(64), subject: 'ada' });
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
    await page.getByRole('link', { name: 'Runs postgres.write' }).press('Enter');
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
    await page.getByRole('link', { name: 'Empties the bucket' }).click();
    await page.getByRole('button', { name: 'Approve' }).press('Enter');
    await page.getByText('ada approved this').waitFor();
    await look('approved');

    await page.goto(`${publicUrl}/approvals`);
    await page.getByRole('link', { name: 'Deletes order 7.' }).click();
    await page.getByText('This waits for somebody else').waitFor();
    await look('own');
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
