import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { authorizationUrl, registeredId, startWorld } from './world.ts';

const lanes: string = '../../scripts/lanes.mjs';
const { chromiumPath } = (await import(lanes)) as { chromiumPath(): string | undefined };
const widths = [390, 1280];

async function openBrowser(t: TestContext): Promise<Browser> {
  const executablePath = chromiumPath();
  assert.ok(executablePath, 'the browser lane has a Chromium');
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.after(() => browser.close());
  return browser;
}

/** A client's side of the redirect: keeps what comes back. */
async function startClient(t: TestContext) {
  const answers: URL[] = [];
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/callback')) answers.push(new URL(request.url, 'http://127.0.0.1'));
    response.setHeader('content-type', 'text/html').end('<title>client</title>Signed in.');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`, answers };
}

/** Set TOOLGATE_SCREENSHOTS to a folder to look at the pages. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env.TOOLGATE_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

async function fitsIn(page: Page, width: number): Promise<void> {
  const wide = await page.evaluate('document.documentElement.scrollWidth');
  assert.ok(Number(wide) <= width, `the page is ${wide} wide at ${width}`);
}

/** What a person with a screen reader or a shaky hand needs, as far as a machine can tell. */
async function isUsable(page: Page): Promise<void> {
  assert.equal(await page.locator('h1').count(), 1);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.equal(await page.getByRole('main').count(), 1);
  for (const button of await page.getByRole('button').all()) {
    const box = await button.boundingBox();
    assert.ok(box !== null && box.height >= 32, `${await button.textContent()} is ${box?.height} high`);
  }
}

for (const width of widths) {
  test(`a person signs in and allows a client at a width of ${width}`, async (t) => {
    const { issuer } = await startWorld(t);
    const { redirectUri, answers } = await startClient(t);
    const name = 'A client with quite a long name that nobody could have guessed beforehand';
    const clientId = await registeredId(issuer, { redirect_uris: [redirectUri], client_name: name });
    const browser = await openBrowser(t);
    const page = await browser.newPage({ viewport: { width, height: 844 } });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));

    const scope = 'postgres:query:readonly s3:list postgres:query:write';
    await page.goto(authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri, scope }));
    await isUsable(page);
    await fitsIn(page, width);
    await keepPicture(page, `chooser-${width}`);

    await page.getByRole('button', { name: 'Oscar' }).press('Enter');
    await page.getByRole('heading', { name: 'Allow “A client' }).waitFor();
    await isUsable(page);
    await fitsIn(page, width);
    await keepPicture(page, `consent-${width}`);
    assert.ok(await page.getByText('changes data').isVisible());

    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await page.waitForURL(`${redirectUri}**`);
    assert.equal(answers[0]?.searchParams.get('iss'), issuer);
    assert.ok(answers[0]?.searchParams.get('code'));
    assert.deepEqual(
      complaints.filter((text) => !text.includes('favicon')),
      [],
    );
  });
}

test('the pages work without scripts, and Deny goes back to the client with a no', async (t) => {
  const { issuer } = await startWorld(t);
  const { redirectUri, answers } = await startClient(t);
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  const context = await (await openBrowser(t)).newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri }));
  await page.getByRole('button', { name: 'Bob' }).click();
  await page.getByRole('button', { name: 'Use another account' }).click();
  await page.getByRole('button', { name: 'Gina' }).click();
  await page.getByText('You are Gina').waitFor();
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.waitForURL(`${redirectUri}**`);
  assert.equal(answers[0]?.searchParams.get('error'), 'access_denied');
});

test('a name that is markup runs nothing in a real browser', async (t) => {
  const { issuer } = await startWorld(t);
  const { redirectUri } = await startClient(t);
  const client_name = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri], client_name });
  const page = await (await openBrowser(t)).newPage();
  await page.goto(authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri }));
  await page.getByRole('button', { name: 'Alice' }).click();
  await page.getByRole('heading', { name: '“<img src=x' }).waitFor();
  assert.equal(await page.title(), 'Allow access - Toolgate');
  assert.equal(await page.locator('img, script').count(), 0);
});

test('no page can be put in a frame', async (t) => {
  const { issuer } = await startWorld(t);
  const { redirectUri } = await startClient(t);
  const url = authorizationUrl(issuer, { client_id: 'toolgate-command-line' });
  const page = await (await openBrowser(t)).newPage();
  await page.goto(redirectUri);
  const refused = page.waitForEvent('console', (message) => /frame-ancestors|X-Frame-Options/i.test(message.text()));
  await page.setContent(`<iframe src="${url}"></iframe>`);
  await refused;
});

test('errors, and a server that nobody can sign in to, are pages of the same make', async (t) => {
  const { issuer } = await startWorld(t, { env: { TOOLGATE_SAMPLE_USERS: false } });
  const { redirectUri } = await startClient(t);
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  const page = await (await openBrowser(t)).newPage({ viewport: { width: 390, height: 844 } });
  await page.goto(authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri }));
  await page.getByText('No identity provider is configured').waitFor();
  await isUsable(page);
  await keepPicture(page, 'no-identity-provider-390');
  await page.goto(authorizationUrl(issuer, { client_id: 'nobody' }));
  await page.getByRole('heading', { name: 'This cannot go on' }).waitFor();
  await isUsable(page);
  await keepPicture(page, 'error-390');
});
