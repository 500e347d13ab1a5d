import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, type Visit } from '../support/browser.ts';
import { formFieldOf, openAs, openPages } from './pages-world.ts';

const pathOf = (id: string) => `/approvals/${id}`;

test('an approver signs in, sees the whole question, says yes, and everybody sees who did', async (t) => {
  const { publicUrl, ask, approvals, told, audit } = await openPages(t);
  const { id } = await ask({ words: 'Deletes order 1.', clientName: 'Night owl' });
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  assert.equal(page.status, 200);
  assert.equal(page.url, publicUrl + pathOf(id));
  for (const words of [
    'Approval wanted',
    'Deletes order 1.',
    'sql: &quot;delete from orders where id = 1&quot;',
    '<dd>oscar</dd>',
    'Night owl <span class="soft">(calls itself so)</span> <code>client-1</code>',
    'postgres.write <code>of server write</code>',
    'The tool changes or deletes something. <code>destructive_tool</code>',
    '23 hours left',
    'You are Ada, approver in tenant acme.',
  ]) {
    assert.ok(page.text.includes(words), words);
  }
  const done = await browser.go(page.url, { form: formFieldOf(page, pathOf(id)), answer: 'approve', reason: '' });
  assert.deepEqual([done.status, done.next], [303, page.url]);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'approved');
  assert.deepEqual(
    told.map(({ state }) => state),
    ['approved'],
  );
  assert.deepEqual(
    audit.events.map(({ event, outcome, caller }) => [event, outcome, caller?.subject]),
    [
      ['approval_decided', 'pending', 'ada'],
      ['approval_decided', 'ok', 'ada'],
    ],
  );
  for (const user of ['ada', 'oscar', 'pat']) {
    const after = (await openAs(user, page.url)).page;
    assert.match(after.text, /ada approved this at/, user);
    assert.ok(!after.text.includes('value="approve"'), user);
  }
});

test('a client without a name is called by its id', async (t) => {
  const { publicUrl, ask } = await openPages(t);
  const { id } = await ask({ clientId: 'toolgate-command-line', clientName: undefined });
  const { page } = await openAs('ada', publicUrl + pathOf(id));
  assert.ok(page.text.includes('<dt>Through</dt><dd><code>toolgate-command-line</code>, which gave no name</dd>'));
});

test('where a window is offered there is a third answer, which is not the first, and says what may change', async (t) => {
  const { publicUrl, ask, approvals } = await openPages(t);
  const same = { '/sql': 'delete from "a<b>" where id = $1', '/max_affected_rows': 1 };
  const { id } = await ask({ window: { callsMax: 10, same, sha256: 'e'.repeat(64) } });
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  const answers = [...page.text.matchAll(/name="answer" value="([\w-]+)"/g)].map(([, value]) => value);
  assert.deepEqual(answers, ['approve', 'deny', 'approve-window']);
  for (const words of [
    'Approve up to 10 calls like this for 15 minutes',
    'sql: &quot;delete from \\&quot;a&lt;b&gt;\\&quot; where id = $1&quot;',
    'max_affected_rows: 1',
    'Anything else may change',
  ]) {
    assert.ok(page.text.includes(words), words);
  }
  const done = await browser.go(page.url, { form: formFieldOf(page, pathOf(id)), answer: 'approve-window' });
  assert.equal(done.status, 303);
  assert.equal((await approvals.find(id, Date.now()))?.decision?.scope, 'window');

  const notWanted = await ask({
    argumentsSha256: 'b'.repeat(64),
    window: { callsMax: 11, same, sha256: 'e'.repeat(64) },
  });
  assert.doesNotMatch((await browser.go(publicUrl + pathOf(notWanted.id))).text, /approve-window/);
});

test('a no needs a reason, and whoever asked is shown it', async (t) => {
  const { publicUrl, ask, approvals } = await openPages(t);
  const { id } = await ask();
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  const form = formFieldOf(page, pathOf(id));
  const bare = await browser.go(page.url, { form, answer: 'deny', reason: '  ' });
  assert.equal(bare.status, 400);
  assert.match(bare.text, /role="alert">Your answer does not count. A no needs a reason/);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'open');
  const done = await browser.go(page.url, { form, answer: 'deny', reason: 'The order <b>is</b> needed.' });
  assert.equal(done.status, 303);
  const { page: asker } = await openAs('oscar', page.url);
  assert.match(asker.text, /<h1>Denied<\/h1>[\s\S]*ada denied this at/);
  assert.ok(asker.text.includes('“The order &lt;b&gt;is&lt;/b&gt; needed.”'));
});

test('whoever asked sees how it stands and has no buttons, be it an approver, and a forged answer does not count', async (t) => {
  const { publicUrl, ask, approvals } = await openPages(t);
  const { id } = await ask({ subject: 'ada' });
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  assert.match(page.text, /This waits for somebody else of your tenant/);
  assert.ok(!page.text.includes('value="approve"'));
  // The field of a question that she may answer is none of her own one.
  const other = await ask({ callId: 'call-2', tool: 's3.delete' });
  const otherPage = await browser.go(publicUrl + pathOf(other.id));
  const borrowed = await browser.go(page.url, { form: formFieldOf(otherPage, pathOf(other.id)), answer: 'approve' });
  assert.equal(borrowed.status, 403);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'open');
});

test('another tenant is told what it is told about a question that never was', async (t) => {
  const { publicUrl, ask } = await openPages(t);
  const { id } = await ask();
  const none = 'A'.repeat(22);
  const { browser, page } = await openAs('gina', publicUrl + pathOf(id));
  assert.equal(page.status, 404);
  const unknown = await browser.go(publicUrl + pathOf(none));
  assert.equal(page.text.replaceAll(id, none), unknown.text);
  const list = await browser.go(`${publicUrl}/approvals`);
  assert.match(list.text, /Nothing waits for you/);
  assert.ok(!list.text.includes(id));
});

test('a reader sees no question of others, and a request without its page grants nothing', async (t) => {
  const { publicUrl, ask, approvals } = await openPages(t);
  const { id } = await ask({ words: 'Deletes order 1.' });
  const { browser, page } = await openAs('alice', publicUrl + pathOf(id));
  assert.equal(page.status, 403);
  assert.match(page.text, /You are Alice, and approvals of others are for the approvers of tenant acme/);
  assert.ok(!page.text.includes('Deletes order'));
  const list = await browser.go(`${publicUrl}/approvals`);
  assert.ok(!list.text.includes('Deletes order'));
  assert.equal((await browser.go(page.url, { form: 'x', answer: 'approve' })).status, 403);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'open');
});

test('the list shows what waits for a person, and what that person asked', async (t) => {
  const { publicUrl, ask, clock } = await openPages(t);
  const first = await ask({ words: 'Deletes order 1.' });
  await ask({
    words: 'Deletes order 2.',
    arguments: { sql: `delete from orders where note = '<b>${'x'.repeat(200)}'` },
    argumentsSha256: 'b'.repeat(64),
    subject: 'ada',
  });
  await ask({ words: 'Of another tenant.', tenant: 'globex' });
  const { browser, page } = await openAs('ada', `${publicUrl}/approvals`);
  const [toAnswer = '', own = ''] = page.text.split('Asked by you');
  const sql = 'sql: &quot;delete from orders where id = 1&quot;';
  const entry = `<a href="/approvals/${first.id}"><code>${sql}</code></a>\n<p class="about">Deletes order 1.</p>`;
  assert.ok(toAnswer.includes(entry), toAnswer);
  assert.ok(!toAnswer.includes('order 2') && own.includes('Deletes order 2.'));
  assert.match(own, /<code>sql: &quot;delete from orders where note = &#39;&lt;b&gt;x+…<\/code>/);
  assert.ok(!page.text.includes('Of another tenant.'));
  clock.aheadMs = 10 * 60_000;
  assert.match(
    (await browser.go(page.url)).text,
    /postgres.write, asked by oscar at <time [^>]+>[^<]+ UTC<\/time>. Can be answered for 23 hours./,
  );
});

test('an answer from another site, without the form field, or of nobody does not count, and is on record', async (t) => {
  const { publicUrl, ask, approvals, audit } = await openPages(t);
  const { id } = await ask();
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  const form = formFieldOf(page, pathOf(id));
  assert.equal((await browser.go(page.url, { answer: 'approve' })).status, 403);
  assert.equal((await browser.go(page.url, { form: `${form}x`, answer: 'approve' })).status, 403);
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
    const body = new URLSearchParams({ form, answer: 'approve' });
    const answer = await fetch(page.url, { method: 'POST', headers: headers as Record<string, string>, body });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /from another site/);
  }
  const stranger = await openBrowser().go(page.url, { form, answer: 'approve' });
  assert.equal(stranger.status, 401);
  assert.match(stranger.text, /Your answer was not stored/);
  // Another approver's field is none of this one.
  const { browser: other } = await openAs('pat', page.url);
  assert.equal((await other.go(page.url, { form, answer: 'approve' })).status, 403);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'open');
  const records = audit.events.map(({ event, tenant, caller, http_status, code, reason, approval_id }) => {
    assert.deepEqual([event, approval_id], ['http_refusal', id]);
    return [tenant, caller?.subject, http_status, code, reason];
  });
  const notHers = ['message_invalid', 'The form is not of this person, this sign-in and this question.'];
  const elsewhere = ['_unknown', undefined, 403, 'origin_not_allowed', 'The answer came from another site.'];
  assert.deepEqual(records, [
    ['acme', 'ada', 403, ...notHers],
    ['acme', 'ada', 403, ...notHers],
    elsewhere,
    elsewhere,
    elsewhere,
    ['_unknown', undefined, 401, 'credentials_missing', 'Nobody is signed in.'],
    ['acme', 'pat', 403, ...notHers],
  ]);
  audit.onAppend = () => {
    throw new Error('the disk is full');
  };
  assert.equal((await browser.go(page.url, { answer: 'approve' })).status, 503);
});

test('a path that only looks like a page is none, and a page takes no other method', async (t) => {
  const { publicUrl, ask, approvals, audit } = await openPages(t);
  const { id } = await ask();
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  const yes = { form: formFieldOf(page, pathOf(id)), answer: 'approve' };
  for (const path of [`${id}/`, `${id}%00`, `%2e%2e/approvals/${id}/x`, `${id};x`, `${id.slice(1)}`, `${id}/approve`]) {
    const visit = await browser.go(`${publicUrl}/approvals/${path}`, yes);
    assert.ok(visit.status >= 400 && visit.status < 500, `${path}: ${visit.status}`);
  }
  for (const method of ['PUT', 'DELETE', 'HEAD']) assert.equal((await fetch(page.url, { method })).status, 404, method);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'open');
  assert.deepEqual(audit.events, []);
});

test('answers that are sent twice or at once end in one outcome, and whoever loses is told which', async (t) => {
  const { publicUrl, ask, approvals, told } = await openPages(t);
  const { id } = await ask();
  const [ada, pat] = await Promise.all(['ada', 'pat'].map((user) => openAs(user, publicUrl + pathOf(id))));
  assert.ok(ada && pat);
  const yes = { form: formFieldOf(ada.page, pathOf(id)), answer: 'approve' };
  const no = { form: formFieldOf(pat.page, pathOf(id)), answer: 'deny', reason: 'Not today.' };
  const answers = await Promise.all([
    ada.browser.go(ada.page.url, yes),
    ada.browser.go(ada.page.url, yes),
    pat.browser.go(pat.page.url, no),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [303, 303, 303],
  );
  const state = (await approvals.find(id, Date.now()))?.state;
  const late = (visit: Visit | undefined) => visit?.next?.endsWith('?late=yes');
  assert.deepEqual(answers.map(late), state === 'approved' ? [false, false, true] : [true, true, false]);
  assert.equal(told.length, 1);
  const loser = state === 'approved' ? pat : ada;
  assert.match((await loser.browser.go(`${loser.page.url}?late=yes`)).text, /Your answer came too late/);
});

test('an expired question has no buttons, and an answer that comes too late does not count', async (t) => {
  const { publicUrl, ask, approvals, clock } = await openPages(t);
  const { id, expiresAtMs, openedAtMs } = await ask();
  clock.aheadMs = expiresAtMs - openedAtMs - 60_000;
  const { browser, page } = await openAs('ada', publicUrl + pathOf(id));
  const form = formFieldOf(page, pathOf(id));
  clock.aheadMs = expiresAtMs - openedAtMs + 1;
  const done = await browser.go(page.url, { form, answer: 'approve' });
  assert.equal(done.next, `${page.url}?late=yes`);
  const after = await browser.go(page.url);
  assert.match(after.text, /Nobody answered until/);
  assert.ok(!after.text.includes('name="answer"'));
  assert.equal((await approvals.find(id, Date.now() + clock.aheadMs))?.state, 'expired');
});

test('a question under another policy than the one in force is shown without buttons, and says why', async (t) => {
  const { publicUrl, ask } = await openPages(t);
  const { id } = await ask({ policyRevision: 'of-another-day' });
  const { page } = await openAs('ada', publicUrl + pathOf(id));
  assert.match(page.text, /Policy changed since this was asked/);
  assert.ok(!page.text.includes('name="answer"'));
});

test('a sign-in counts for half an hour, and for the browser that began it', async (t) => {
  const { publicUrl, clock, issuer } = await openPages(t);
  const { browser } = await openAs('ada', `${publicUrl}/approvals`);
  clock.aheadMs = 31 * 60_000;
  const again = await browser.go(`${publicUrl}/approvals`);
  assert.equal(again.status, 303);
  assert.ok(again.next?.startsWith(`${issuer}/authorize`), again.next);
  assert.equal(new URL(again.next ?? '').searchParams.get('code_challenge_method'), 'S256');

  // A victim who is sent the attacker's callback is not signed in as the attacker.
  const attacker = openBrowser();
  const chooser = await attacker.follow(`${publicUrl}/approvals`);
  const { next = '' } = await attacker.go(chooser.url, { prompt: 'login', user: 'pat' });
  const { next: callback = '' } = await attacker.follow(next, `${publicUrl}/approvals/signed-in`);
  assert.ok(callback.includes('code='));
  const victim = await openBrowser().go(callback);
  assert.equal(victim.status, 400);
  assert.deepEqual(victim.headers.getSetCookie(), []);
});

test('signing out and using another account lead back to where the person was, and nowhere else', async (t) => {
  const { publicUrl, ask } = await openPages(t);
  const { id } = await ask();
  const { browser, page } = await openAs('alice', publicUrl + pathOf(id));
  const [, other = ''] = /href="(\/approvals\/sign-in[^"]+)"/.exec(page.text) ?? [];
  const chooser = await browser.follow(publicUrl + other);
  const { next = '' } = await browser.go(chooser.url, { prompt: 'login', user: 'ada' });
  const back = await browser.follow(next);
  assert.equal(back.url, publicUrl + pathOf(id));
  assert.match(back.text, /You are Ada/);
  const away = await browser.go(`${publicUrl}/approvals/sign-out`, {
    form: formFieldOf(back, '/approvals/sign-out'),
  });
  assert.match(away.text, /You are signed out/);
  assert.ok(!browser.cookies().includes('toolgate-approvals-person'));
  const visitor = openBrowser();
  const start = await visitor.follow(`${publicUrl}/approvals/sign-in?to=//evil.example`);
  const { next: onward = '' } = await visitor.go(start.url, { prompt: 'login', user: 'ada' });
  assert.equal((await visitor.follow(onward)).url, `${publicUrl}/approvals`);
});

test('a sign-in that the person cancels is a page, and so is a store that gives no answer', async (t) => {
  const { publicUrl, ask, store } = await openPages(t);
  const { id } = await ask();
  const browser = openBrowser();
  const chooser = await browser.follow(`${publicUrl}/approvals`);
  const { next = '' } = await browser.go(chooser.url, { prompt: 'login', choice: 'deny' });
  const back = await browser.follow(next);
  assert.equal(back.status, 403);
  assert.match(back.text, /You are not signed in/);
  const { browser: ada, page } = await openAs('ada', publicUrl + pathOf(id));
  await store.stop();
  const gone = await ada.go(page.url);
  assert.deepEqual([gone.status, gone.headers.get('retry-after')], [503, '5']);
  assert.match(gone.text, /Approvals cannot be read right now/);
});

test('pages let nothing run, load or frame them, are not kept, and are for one host', async (t) => {
  const { publicUrl, ask } = await openPages(t);
  const hostile = '</pre><script>alert(1)</script>\u202E';
  const { id } = await ask({ words: hostile, clientName: hostile, tool: hostile, arguments: { [hostile]: hostile } });
  const { page } = await openAs('ada', publicUrl + pathOf(id));
  assert.equal(page.status, 200);
  assert.match(
    page.headers.get('content-security-policy') ?? '',
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
  );
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.equal(page.headers.get('x-frame-options'), 'DENY');
  assert.ok(!/<script|<link|<img|\son\w+=|\u202E/i.test(page.text));
  const foreign = await fetch(page.url.replace('127.0.0.1', 'localhost')).catch(() => undefined);
  assert.ok(foreign === undefined || foreign.status === 421);
  for (const [method, path] of [
    ['PUT', pathOf(id)],
    ['GET', '/approvals/nothing'],
    ['GET', '/approvals/sign-out'],
  ] as const) {
    assert.equal((await fetch(publicUrl + path, { method })).status, 404);
  }
});

test('the cookie tells nobody who it is for, and one that was changed is none', async (t) => {
  const { publicUrl } = await openPages(t);
  const { page, browser } = await openAs('ada', `${publicUrl}/approvals`);
  assert.equal(page.status, 200);
  assert.deepEqual(
    browser.cookies().filter((name) => name.startsWith('toolgate-approvals')),
    ['toolgate-approvals-person'],
  );
  for (const cookie of [
    'toolgate-approvals-person=AAAA',
    'toolgate-approvals-person=',
    'toolgate-approvals-person=%',
  ]) {
    const visit = await fetch(`${publicUrl}/approvals`, { headers: { cookie }, redirect: 'manual' });
    assert.equal(visit.status, 303);
    const [line = ''] = visit.headers.getSetCookie();
    assert.match(line, /^toolgate-approvals-sign-in=[\w-]+; Max-Age=900; Path=\/approvals; HttpOnly; SameSite=Lax$/);
  }
});

test('what is over is listed for approvers, and for everybody else what they asked, and its page shows its life', async (t) => {
  const { publicUrl, ask, answer } = await openPages(t);
  const first = await ask({ words: 'Deletes order 1.' });
  await answer(first, 'ada', 'deny', 'It is needed.');
  const second = await ask({ words: 'Deletes order 2.', argumentsSha256: 'b'.repeat(64), subject: 'alice' });
  await answer(second, 'ada');
  const { browser, page } = await openAs('pat', `${publicUrl}/approvals`);
  const [, closed = ''] = page.text.split('Over</h2>');
  assert.match(
    closed,
    /<code>sql: .*<\/code><\/a>\n<p class="about">Deletes order 2\.<\/p>\n<p class="soft">Approved by ada, /,
  );
  assert.match(closed, /<p class="about">Deletes order 1\.<\/p>\n<p class="soft">Denied by ada, /);
  assert.match(closed, /The call may still run\. /);
  const over = await browser.go(publicUrl + pathOf(second.id));
  assert.match(over.text, /alice asked\.<\/li>\n<li>.* ada said yes, on this page\.<\/li>\n<\/ol>/);
  const taken = { form: formFieldOf(over, pathOf(second.id)), answer: 'take-back', reason: 'Wrong order.' };
  assert.equal((await browser.go(over.url, taken)).status, 303);
  const after = await browser.go(over.url);
  assert.match(after.text, /<h1>Taken back<\/h1>[\s\S]*pat took the yes back at .*“Wrong order\.”/);
  assert.ok(!after.text.includes('name="answer"'));
  assert.match((await browser.go(`${publicUrl}/approvals`)).text, /Approved by ada, .*\. Taken back\. /);
  const { page: own } = await openAs('alice', `${publicUrl}/approvals`);
  assert.ok(own.text.includes('Deletes order 2.') && !own.text.includes('Deletes order 1.'));
});

test('whoever asked takes an open question back', async (t) => {
  const { publicUrl, ask, approvals } = await openPages(t);
  const { id } = await ask();
  const { browser, page } = await openAs('oscar', publicUrl + pathOf(id));
  const done = await browser.go(page.url, { form: formFieldOf(page, pathOf(id)), answer: 'withdraw' });
  assert.equal(done.status, 303);
  assert.equal((await approvals.find(id, Date.now()))?.state, 'withdrawn');
  assert.match((await browser.go(page.url)).text, /<h1>No longer asked<\/h1>/);
});
