import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAs } from '../../approvals/pages-world.ts';
import { openBrowser } from '../../support/browser.ts';
import { formOf, openChannelWorld, press, sent } from './channel-world.ts';

const shaOf = (letter: string) => letter.repeat(64);

test('the channel of a laptop', async (t) => {
  const world = await openChannelWorld(t);
  const { channelUrl, audit } = world;
  const { browser: ada } = await openAs('ada', channelUrl);
  const { browser: oscar } = await openAs('oscar', channelUrl);
  const outcomes = () => audit.events.map(({ event, outcome, code }) => [event, outcome, code]);

  await t.test(
    'an approver approves by the button, by a signed message, and the card changes for everybody',
    async () => {
      const { id } = await world.ask({ argumentsSha256: shaOf('a') });
      const card = await ada.go(channelUrl);
      assert.match(card.text, /<h2>Approval wanted: /);
      const page = await press(ada, card, 'Approve');
      assert.match(page.text, /<h2>Approved: /);
      assert.doesNotMatch(page.text, />(Approve|Deny …)<\/button>/);
      assert.match((await oscar.go(channelUrl)).text, /<strong>Approved by: <\/strong>ada/);
      assert.equal(await world.state(id), 'approved');
      assert.deepEqual(
        audit.events.map(({ outcome, caller, detail }) => [outcome, caller?.subject, detail?.via]),
        [
          ['pending', 'ada', 'slack'],
          ['ok', 'ada', 'slack'],
        ],
      );
    },
  );

  await t.test('the newest card is the first one', async () => {
    const { notice } = await world.ask({ argumentsSha256: shaOf('9') });
    assert.equal(/id="m-([\d.]+)"/.exec((await ada.go(channelUrl)).text)?.[1], notice?.message);
  });

  await t.test('a no asks why, and everybody reads the reason', async () => {
    const { id, notice } = await world.ask({ argumentsSha256: shaOf('b') });
    const card = `id="m-${notice?.message}"`;
    const asked = await press(ada, await ada.go(channelUrl), 'Deny …', card);
    assert.match(asked.text, /role="dialog"[\s\S]*<textarea[^>]* minlength="1" maxlength="500" required>/);
    assert.doesNotMatch((await oscar.go(channelUrl)).text, /role="dialog"/);
    const { action, fields } = formOf(asked, 'Deny', 'role="dialog"');
    const silent = await sent(ada, action, { ...fields, 'reason/toolgate_reason': '' });
    assert.equal(silent.status, 400);
    assert.match(silent.text, /role="alert">“Why not\? Whoever asked will read it\.” needs an answer that fits\./);
    const page = await sent(ada, action, { ...fields, 'reason/toolgate_reason': 'Not on a Friday.' });
    assert.doesNotMatch(page.text, /role="dialog"/);
    assert.match((await oscar.go(channelUrl)).text, /<strong>Because: <\/strong>Not on a Friday\./);
    assert.equal(await world.state(id), 'denied');
    assert.equal((await ada.go(action, { ...fields, 'reason/toolgate_reason': 'Again.' })).status, 409);
  });

  await t.test('a dialog that is closed sends nothing', async () => {
    const { id, notice } = await world.ask({ argumentsSha256: shaOf('c') });
    const asked = await press(ada, await ada.go(channelUrl), 'Deny …', `id="m-${notice?.message}"`);
    const dialog = /name="dialog" value="(V\d+)"/.exec(asked.text)?.[1] ?? '';
    const form = /<form id="close"[^>]*><input type="hidden" name="form" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
    const page = await sent(ada, `${channelUrl}/close`, { form, dialog });
    assert.doesNotMatch(page.text, /role="dialog"/);
    assert.equal(await world.state(id), 'open');
  });

  await t.test('whoever asked, or is no approver, is told no alone, and the question stays open', async () => {
    const { id, notice } = await world.ask({ argumentsSha256: shaOf('d') });
    const card = `id="m-${notice?.message}"`;
    const before = outcomes().length;
    const page = await press(oscar, await oscar.go(channelUrl), 'Approve', card);
    const whisper = /Only visible to you<\/span><\/p>\s*<p class="said">Your answer does not count\. ([^<]+)/;
    assert.match(whisper.exec(page.text)?.[1] ?? '', /Nobody approves or denies their own call/);
    const { browser: alice } = await openAs('alice', channelUrl);
    const told = await press(alice, await alice.go(channelUrl), 'Approve', card);
    assert.match(whisper.exec(told.text)?.[1] ?? '', /^You are no approver\./);
    assert.doesNotMatch((await ada.go(channelUrl)).text, /Only visible to you/);
    assert.deepEqual(outcomes().slice(before), Array(2).fill(['approval_decided', 'refused', 'policy_denied']));
    assert.equal(await world.state(id), 'open');
  });

  await t.test(
    'a press needs the form of this person and this page, our own origin, and a button that is there',
    async () => {
      const { id, notice } = await world.ask({ argumentsSha256: shaOf('e') });
      const page = await ada.go(channelUrl);
      const asked = formOf(page, 'Approve', `id="m-${notice?.message}"`).fields;
      const { action, fields } = formOf(
        await ada.go(`${channelUrl}?${new URLSearchParams(asked)}`),
        'Approve',
        'role="dialog"',
      );
      const before = outcomes().length;
      const statusOf = async (changes: Record<string, string>, browser = ada) =>
        (await browser.go(action, { ...fields, ...changes })).status;
      assert.equal(await statusOf({ form: '' }), 403);
      assert.equal(await statusOf({}, oscar), 403);
      assert.equal(await statusOf({}, openBrowser()), 401);
      assert.equal(await statusOf({ action: 'toolgate_other' }), 409);
      assert.equal(await statusOf({ block: 'other' }), 409);
      assert.equal(await statusOf({ message: '1.000001' }), 409);
      const foreign = await fetch(action, {
        method: 'POST',
        headers: { origin: 'https://evil.example' },
        body: new URLSearchParams(fields),
      });
      assert.equal(foreign.status, 403);
      assert.equal((await ada.go(`${channelUrl}/nothing`)).status, 404);
      // The form of another site is on record; nothing became an answer.
      assert.deepEqual(outcomes().slice(before), [['http_refusal', 'refused', 'origin_not_allowed']]);
      assert.equal(await world.state(id), 'open');
    },
  );

  await t.test('a card that cannot show all of the arguments leads to the page in place of an Approve', async () => {
    const changes = {
      subject: 'user-7',
      arguments: { sql: `${'-- nothing\n'.repeat(300)}drop everything` },
      argumentsSha256: shaOf('7'),
    };
    const { id, notice } = await world.ask(changes);
    const { text } = await ada.go(channelUrl);
    const [card = ''] = text.slice(text.indexOf(`id="m-${notice?.message}"`)).split('<li ');
    assert.match(card, new RegExp(`<a class="button primary" href="[^"]*/approvals/${id}">Open to approve</a>`));
    assert.doesNotMatch(card, />Approve[^<]*<\/button>/);
    assert.match(card, />Deny …<\/button>/);
  });

  await t.test('a tenant has a channel of its own, and another tenant’s card cannot be pressed', async () => {
    const { notice } = await world.ask({ argumentsSha256: shaOf('f') });
    const { browser: gina, page } = await openAs('gina', channelUrl);
    assert.match(page.text, /<h1># approvals-globex<\/h1>[\s\S]*No message yet[^<]*among all approvals/);
    const query = { message: notice?.message ?? '', block: 'answer', action: 'toolgate_approve' };
    const asked = await gina.go(`${channelUrl}?${new URLSearchParams(query)}`);
    assert.doesNotMatch(asked.text, /role="dialog"/);
  });

  await t.test('what Toolgate does not take, Slack warns of, and it may be pressed again', async () => {
    const { id, notice } = await world.ask({ argumentsSha256: shaOf('9') });
    const card = `id="m-${notice?.message}"`;
    world.post = async () => new Response(null, { status: 401 });
    const refused = await press(ada, await ada.go(channelUrl), 'Approve', card);
    assert.equal(refused.status, 502);
    assert.match(refused.text, /role="alert">Toolgate answered 401, so Slack would show a warning sign\./);
    world.post = async () => Promise.reject(new Error('nobody listens'));
    const silent = await press(ada, refused, 'Approve', card);
    assert.match(silent.text, /role="alert">Toolgate gave no answer in time/);
    world.post = fetch;
    assert.equal(await world.state(id), 'open');
    assert.equal((await press(ada, silent, 'Approve', card)).status, 200);
    assert.equal(await world.state(id), 'approved');
  });

  await t.test('nothing that a caller wrote is mark-up, and nothing runs or loads', async () => {
    const bad = '<script>alert(1)</script><img src=x onerror=alert(1)> *bold* <https://evil.example|here>';
    await world.ask({ argumentsSha256: shaOf('1'), words: bad, tool: bad, clientName: bad, arguments: { [bad]: bad } });
    const { text, headers } = await ada.go(channelUrl);
    assert.doesNotMatch(text, /<script|<img|onerror="|href="https:\/\/evil/);
    assert.match(text, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    assert.equal(headers.get('x-frame-options'), 'DENY');
  });
});
