import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveSignIn } from '../../runtime/local/drive-sign-in.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { html } from '../../runtime/shared/pages/html.ts';
import { tablePrefix } from '../support/local-dynamo.ts';
import { authorizationUrl, callback, postgres, registeredId, signIn, startWorld } from './world.ts';

/** A browser's part: follows redirects by hand and keeps cookies, so that single pages can be looked at. */
function browser() {
  const cookies = new Map<string, string>();
  return async function go(url: string, form?: Record<string, string>, headers: Record<string, string> = {}) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...headers,
      },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const next = location === null ? undefined : new URL(location, url).href;
    return { status: response.status, next, headers: response.headers, text: await response.text() };
  };
}

async function openChooser(issuer: string, parameters: Record<string, string>) {
  const go = browser();
  const { next: chooser = '' } = await go(authorizationUrl(issuer, parameters));
  return { go, chooser, page: await go(chooser) };
}

async function openConsent(issuer: string, parameters: Record<string, string>, user = 'alice') {
  const { go, chooser } = await openChooser(issuer, parameters);
  const { next: resume = '' } = await go(chooser, { prompt: 'login', user });
  const { next: consent = '' } = await go(resume);
  return { go, consent, page: await go(consent) };
}

test('the chooser lists the sample users of both tenants and says that they are samples', async (t) => {
  const { issuer } = await startWorld(t);
  const { page } = await openChooser(issuer, { client_id: 'toolgate-command-line' });
  assert.equal(page.status, 200);
  for (const name of ['alice', 'oscar', 'ada', 'pat', 'bob', 'gina'])
    assert.ok(page.text.includes(`value="${name}"`), name);
  assert.match(page.text, /Tenant acme[\s\S]*Tenant globex/);
  assert.match(page.text, /no password/);
});

test('the consent page names person, client, server, and every scope in words, and marks what changes data', async (t) => {
  const { issuer } = await startWorld(t);
  const clientId = await registeredId(issuer, { client_name: 'Night owl' });
  const scope = 'postgres:query:readonly postgres:query:write unknown:scope';
  const { page } = await openConsent(issuer, { client_id: clientId, scope }, 'oscar');
  for (const words of [
    'Allow “Night owl” to act for you?',
    'You are Oscar, operator in tenant acme.',
    'http://127.0.0.1:4400/mcp',
    'run read-only SQL in the business database',
    'change rows in the business database <span class="tag">changes data</span>',
    'Nobody checked who this client is.',
    'a program on your own machine (<code>127.0.0.1</code>)',
  ]) {
    assert.ok(page.text.includes(words), words);
  }
  assert.ok(!page.text.includes('unknown:scope'));
  assert.ok(!page.text.includes('list the objects'));
});

test('pages let nothing run, nothing load and nothing frame them, and are not kept', async (t) => {
  const { issuer } = await startWorld(t);
  const redirectUri = 'https://app.example/callback';
  const clientId = await registeredId(issuer, { redirect_uris: [redirectUri] });
  const { page } = await openConsent(issuer, { client_id: clientId, redirect_uri: redirectUri });
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(
    policy,
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' https:\/\/app\.example; frame-ancestors 'none'; base-uri 'none'$/,
  );
  assert.equal(page.headers.get('x-frame-options'), 'DENY');
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.ok(!/<script|<link|<img|\son\w+=|javascript:/i.test(page.text));
});

test('names that clients chose cannot become markup, break a sentence or hide characters', async (t) => {
  const { issuer } = await startWorld(t);
  const names = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</h1><form action=https://evil.example>',
    '<!-- ',
    'safe\u202Eevil\u2066\u200B',
    'line\u2028break',
  ];
  for (const client_name of names) {
    const clientId = await registeredId(issuer, { client_name });
    const parameters = { client_id: clientId, state: '"><script>1</script>', login_hint: '<b>' };
    const pages = [
      (await openChooser(issuer, parameters)).page.text,
      (await openConsent(issuer, parameters)).page.text,
    ];
    for (const text of pages) {
      assert.ok(!/<script|<img|<!--|onmouseover='|\u202E|\u2066|\u200B|\u2028/.test(text), client_name);
      assert.equal(text.match(/<h1>/g)?.length, 1);
      assert.ok(!text.includes('<form action=https:'));
    }
  }
});

test('what is not HTML is escaped wherever it stands, and what is HTML is not', () => {
  const hostile = `<a href="x" title='y'>&`;
  assert.equal(
    html`<p title="${hostile}">${[html`<b>${1}</b>`, undefined, '<']}</p>`.text,
    '<p title="&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;"><b>1</b>&lt;</p>',
  );
});

test('an answer from another site, or without the cookie of the question, does nothing', async (t) => {
  const { issuer } = await startWorld(t);
  const { go, consent } = await openConsent(issuer, { client_id: 'toolgate-command-line' });
  const allow = { prompt: 'consent', choice: 'allow' };
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', origin: issuer },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    assert.equal((await go(consent, allow, headers)).status, 403, JSON.stringify(headers));
  }
  const stranger = await browser()(consent, allow);
  assert.equal(stranger.status, 400);
  assert.match(stranger.text, /no longer open/);
  const own = await go(consent, allow, { origin: issuer, 'sec-fetch-site': 'same-origin' });
  assert.equal(own.status, 303);
});

test('cookies are out of reach for scripts and other sites', async (t) => {
  const { issuer } = await startWorld(t);
  const response = await fetch(authorizationUrl(issuer, { client_id: 'toolgate-command-line' }), {
    redirect: 'manual',
  });
  const lines = response.headers.getSetCookie();
  assert.ok(lines.length >= 2);
  for (const line of lines) assert.match(line, /; ?samesite=lax; ?httponly/i);
});

test('a changed cookie is no cookie', async (t) => {
  const { issuer } = await startWorld(t);
  const { chooser } = await openChooser(issuer, { client_id: 'toolgate-command-line' });
  const uid = chooser.split('/').at(-1) ?? '';
  for (const cookie of [
    `toolgate-question=${uid}`,
    `toolgate-question=${uid}; toolgate-question.sig=AAAAAAAAAAAAAAAAAAAAAAAAAAA`,
  ]) {
    const { status } = await fetch(chooser, { headers: { cookie } });
    assert.equal(status, 400, cookie);
  }
});

test('another account can be chosen at the consent page', async (t) => {
  const { issuer } = await startWorld(t);
  const { go, consent } = await openConsent(issuer, { client_id: 'toolgate-command-line', resource: postgres });
  const { next: again = '' } = await go(consent, { prompt: 'consent', choice: 'switch' });
  const { next: chooser = '' } = await go(again);
  assert.match((await go(chooser)).text, /Who are you today/);
  const { next: resume = '' } = await go(chooser, { prompt: 'login', user: 'gina' });
  const { next: second = '' } = await go(resume);
  const page = await go(second);
  assert.ok(page.text.includes('You are Gina, operator in tenant globex.'));
  assert.ok(page.text.includes(postgres));
  assert.equal((await go(consent, { prompt: 'consent', choice: 'allow' })).status, 400, 'the first question is closed');
});

test('unknown users, wrong answers and huge forms are refused with a sentence', async (t) => {
  const { issuer } = await startWorld(t);
  const { go, chooser } = await openChooser(issuer, { client_id: 'toolgate-command-line' });
  for (const user of ['root', '', '__proto__', 'alice ']) {
    const answer = await go(chooser, { prompt: 'login', user });
    assert.deepEqual([answer.status, answer.text.includes('There is no such user.')], [400, true], user);
  }
  assert.equal(
    (await go(chooser, { prompt: 'consent', choice: 'allow' })).next,
    chooser,
    'the open question is shown again',
  );
  assert.equal((await go(chooser, { prompt: 'login', user: 'x'.repeat(9000) })).next, chooser);
  assert.equal((await go(`${issuer}/interaction/nothing`)).status, 400);
  assert.equal((await go(`${issuer}/interaction/a/b`)).status, 404);
  const { go: atConsent, consent } = await openConsent(issuer, { client_id: 'toolgate-command-line' });
  assert.equal((await atConsent(consent, { prompt: 'consent', choice: 'maybe' })).status, 400);
});

test('without sample users the sign-in page says so, nobody gets in, and cancelling goes back to the client', async (t) => {
  const { issuer } = await startWorld(t, { env: { TOOLGATE_SAMPLE_USERS: false } });
  const clientId = await registeredId(issuer);
  const { go, chooser, page } = await openChooser(issuer, { client_id: clientId });
  assert.match(page.text, /No identity provider is configured/);
  assert.ok(!page.text.includes('name="user"'));
  assert.equal((await go(chooser, { prompt: 'login', user: 'alice' })).status, 400);
  const { next: resume = '' } = await go(chooser, { prompt: 'login', choice: 'deny' });
  const { next: back = '' } = await go(resume);
  assert.match(back, /^http:\/\/127\.0\.0\.1\/callback\?error=access_denied/);
  const command = await go(authorizationUrl(issuer, { client_id: 'toolgate-command-line' }));
  assert.equal(command.status, 400, 'the command line is no client there');
});

test('an agent of a server without sample users gets its token', async (t) => {
  const { issuer, server } = await startWorld(t, { env: { TOOLGATE_SAMPLE_USERS: false } });
  const agent = await server.registerAgent({ name: 'a', tenant: 'acme', roles: ['reader'], scopes: ['s3:list'] });
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${agent.clientId}:${agent.clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  assert.equal(response.status, 200);
});

test('tokens of a sample user end when the sample users are switched off', async (t) => {
  const first = await startWorld(t);
  const clientId = await registeredId(first.issuer);
  const { response } = await signIn(first.issuer, { clientId, user: 'alice' });
  const { refresh_token } = (await response.json()) as { refresh_token: string };
  const second = await startWorld(t, { store: first.store, env: { TOOLGATE_SAMPLE_USERS: false } });
  const refreshed = await fetch(`${second.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token, client_id: clientId }),
  });
  assert.equal(refreshed.status, 400);
});

test('an error that cannot go back to a client is one sentence on a page of ours', async (t) => {
  const { issuer } = await startWorld(t);
  const go = browser();
  for (const parameters of [
    { client_id: 'nobody' },
    { client_id: 'toolgate-command-line', redirect_uri: 'https://evil.example/<script>' },
    { client_id: '<script>alert(1)</script>' },
  ]) {
    const { status, text, next } = await go(authorizationUrl(issuer, parameters));
    assert.deepEqual([status, next], [400, undefined]);
    assert.match(text, /<h1>This cannot go on<\/h1>\n<p>[A-Z][^<]*\.<\/p>/);
    assert.ok(!text.includes('<script'));
  }
});

test('the driver of the pages says what the page says when there is no way on', async (t) => {
  const { issuer } = await startWorld(t);
  const drive = (parameters: Record<string, string>, user: string) =>
    driveSignIn(authorizationUrl(issuer, parameters), callback, { user });
  await assert.rejects(drive({ client_id: 'nobody' }, 'alice'), /^Error: [A-Z].*\.$/);
  await assert.rejects(drive({ client_id: 'toolgate-command-line' }, 'nobody'), /There is no user "nobody"/);
});

test('a yes is to the page that was shown: words that changed meanwhile are shown first', async (t) => {
  const { issuer, server, store } = await startWorld(t);
  const scope = 'postgres:query:readonly';
  const parameters = { client_id: await registeredId(issuer), resource: postgres, scope };
  const { go, consent, page } = await openConsent(issuer, parameters);
  const formOf = (text: string) => ({
    prompt: 'consent',
    choice: 'allow',
    shown: /name="shown" value="([^"]+)"/.exec(text)?.[1] ?? '',
  });
  const servers = createCatalogueStore({ client: store.client, tablePrefix });
  await servers.change('postgres', (current) => {
    assert.ok(current);
    return { ...current, scopes: { [scope]: { words: 'empty the business database', changes: true } } };
  });
  await server.refreshCatalogue();
  const again = await go(consent, formOf(page.text));
  assert.deepEqual([again.status, again.next], [303, consent]);
  const next = await go(consent);
  assert.ok(next.text.includes('empty the business database'));
  const done = await go(consent, formOf(next.text));
  assert.equal(done.status, 303);
  assert.notEqual(done.next, consent);
});
