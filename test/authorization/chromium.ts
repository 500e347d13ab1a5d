import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';

const lanes: string = '../../scripts/lanes.mjs';
const { chromiumPath } = (await import(lanes)) as { chromiumPath(): string | undefined };

export async function openChromium(t: TestContext): Promise<Browser> {
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
export async function startClient(t: TestContext) {
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
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env.TOOLGATE_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

export async function fitsIn(page: Page, width: number): Promise<void> {
  const wide = await page.evaluate('document.documentElement.scrollWidth');
  assert.ok(Number(wide) <= width, `the page is ${wide} wide at ${width}`);
}

/** What a person with a screen reader or a shaky hand needs, as far as a machine can tell. */
export async function isUsable(page: Page): Promise<void> {
  assert.equal(await page.locator('h1').count(), 1);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.equal(await page.getByRole('main').count(), 1);
  for (const button of await page.getByRole('button').all()) {
    const box = await button.boundingBox();
    assert.ok(box !== null && box.height >= 32, `${await button.textContent()} is ${box?.height} high`);
  }
}
