import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitsIn, isUsable, keepPicture, openChromium, startClient } from './chromium.ts';
import { authorizationUrl, registeredId, startWorld } from './world.ts';

const widths = [390, 1280];

for (const width of widths) {
  test(`a person signs in and allows a client at a width of ${width}`, async (t) => {
    const { issuer } = await startWorld(t);
    const { redirectUri, answers } = await startClient(t);
    const name = 'A client with quite a long name that nobody could have guessed beforehand';
    const clientId = await registeredId(issuer, { redirect_uris: [redirectUri], client_name: name });
    const browser = await openChromium(t);
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
  const context = await (await openChromium(t)).newContext({ javaScriptEnabled: false });
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
  const page = await (await openChromium(t)).newPage();
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
  const page = await (await openChromium(t)).newPage();
  await page.goto(redirectUri);
  const refused = page.waitForEvent('console', (message) => /frame-ancestors|X-Frame-Options/i.test(message.text()));
  await page.setContent(`<iframe src="${url}"></iframe>`);
  await refused;
});

test('errors, and a server that nobody can sign in to, are pages of the same make', async (t) => {
  const { issuer } = await startWorld(t, { env: { TOOLGATE_SAMPLE_USERS: false } });
  const { redirectUri } = await startClient(t);
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  const page = await (await openChromium(t)).newPage({ viewport: { width: 390, height: 844 } });
  await page.goto(authorizationUrl(issuer, { client_id: clientId, redirect_uri: redirectUri }));
  await page.getByText('No identity provider is configured').waitFor();
  await isUsable(page);
  await keepPicture(page, 'no-identity-provider-390');
  await page.goto(authorizationUrl(issuer, { client_id: 'nobody' }));
  await page.getByRole('heading', { name: 'This cannot go on' }).waitFor();
  await isUsable(page);
  await keepPicture(page, 'error-390');
});
