import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, bob } from '../support/cognito-double.ts';
import { fitsIn, isUsable, keepPicture, openChromium, startClient } from './chromium.ts';
import { startUpstreamWorld } from './upstream-world.ts';
import { authorizationUrl, registeredId } from './world.ts';

const viewport = { width: 390, height: 844 };

test('a person signs in at another site, uses another account, and allows a client', async (t) => {
  const { issuer, pool } = await startUpstreamWorld(t, { poolHost: 'localhost' });
  const { redirectUri, answers } = await startClient(t);
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  const page = await (await openChromium(t)).newPage({ viewport });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri }));
  await page.getByText('You are ada@example.com').waitFor();
  pool.person = bob;
  await page.getByRole('button', { name: 'Use another account' }).click();
  await page.getByText('You are bob@example.com').waitFor();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.waitForURL(`${redirectUri}**`);
  assert.ok(answers[0]?.searchParams.get('code'));
  assert.equal(pool.asked.at(-1)?.get('prompt'), 'login');
  assert.deepEqual(
    complaints.filter((text) => !text.includes('favicon')),
    [],
  );
});

test('whoever is not let in reads why', async (t) => {
  const { issuer, pool, clientId, request } = await startUpstreamWorld(t, { poolHost: 'localhost' });
  const page = await (await openChromium(t)).newPage({ viewport });
  assert.ok(clientId);
  pool.person = { ...ada, 'custom:tenant': undefined };
  await page.goto(request());
  await page.getByRole('heading', { name: 'You have no place here yet' }).waitFor();
  assert.ok(page.url().startsWith(`${issuer}/sign-in/callback`));
  await isUsable(page);
  await fitsIn(page, viewport.width);
  await keepPicture(page, 'no-tenant-390');
});

test('the page between two accounts is a page, too, where browsers do not go on by themselves', async (t) => {
  const { request, pool, issuer } = await startUpstreamWorld(t, { poolHost: 'localhost' });
  const page = await (await openChromium(t)).newPage({ viewport });
  // As a browser that is told not to follow refreshes.
  await page.route(`${issuer}/interaction/**`, async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    const { refresh: _refresh, ...headers } = response.headers();
    await route.fulfill({ response, headers });
  });
  await page.goto(request());
  pool.person = bob;
  await page.getByRole('button', { name: 'Use another account' }).click();
  await page.getByRole('heading', { name: 'You are signed out here' }).waitFor();
  await isUsable(page);
  await fitsIn(page, viewport.width);
  await keepPicture(page, 'signed-out-390');
  await page.getByRole('link', { name: 'Sign in with another account' }).click();
  await page.getByText('You are bob@example.com').waitFor();
});
