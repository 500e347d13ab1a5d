import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import { createGrantStore } from '../../runtime/shared/grant-store.ts';
import { type ApprovalsWorld, openApprovalsWorld } from '../support/approvals-world.ts';
import { openSilentDynamo, tablePrefix } from '../support/local-dynamo.ts';
import { formOf, pressPayload, sign } from '../support/slack-sender.ts';

const approve = 'toolgate_approve';
const deny = 'toolgate_deny';

/** A world with one card of user-1 and the approver Grace. */
async function open(t: TestContext, settings?: Readonly<Record<string, string>>) {
  const world = await openApprovalsWorld(t, settings);
  await world.person('UGRACE', { subject: 'grace' });
  const { request, ts } = await world.ask();
  const grants = createGrantStore({ client: world.dynamo.client, tablePrefix });
  return { world, request, ts, id: request.id, granted: () => grants.find(request, world.clock.ms) };
}

/** Nothing was decided and Slack was told nothing; the record has one refusal with this code. */
async function assertNothing(world: ApprovalsWorld, id: string, code: string) {
  assert.deepEqual(world.records(), [['http_refusal', 'refused', code]]);
  assert.equal(world.audit.events[0]?.tenant, '_unknown');
  assert.equal(await world.state(id), 'open');
  assert.equal(world.slack.whispers.length, 0);
  assert.ok([...world.slack.messages.values()].every(({ updates }) => updates === 0));
}

suite('the bytes that Slack signs', () => {
  const cases: Readonly<
    Record<string, [code: string, bend: (world: ApprovalsWorld, body: string) => ReturnType<typeof sign>]>
  > = {
    'no timestamp': ['signature_invalid', (w, body) => without(signed(w, body), 'x-slack-request-timestamp')],
    'no signature': ['signature_invalid', (w, body) => without(signed(w, body), 'x-slack-signature')],
    'a timestamp that is no number': ['signature_invalid', (w, body) => withTimestamp(w, body, Number.NaN)],
    'a timestamp with a fraction': ['signature_invalid', (w, body) => withTimestamp(w, body, nowS(w) + 0.5)],
    'a message of five minutes and a second ago': [
      'signature_stale',
      (w, body) => withTimestamp(w, body, nowS(w) - 301),
    ],
    'a message of in five minutes and a second': [
      'signature_stale',
      (w, body) => withTimestamp(w, body, nowS(w) + 301),
    ],
    'an old message with a new timestamp': [
      'signature_invalid',
      (w, body) => {
        const old = withTimestamp(w, body, nowS(w) - 600);
        return { body, headers: { ...old.headers, 'x-slack-request-timestamp': String(nowS(w)) } };
      },
    ],
    'version v1 of a signature that would be right': [
      'signature_invalid',
      (w, body) => sign(body, { secret: w.slack.signingSecret, timestampS: nowS(w) }, 'v1'),
    ],
    'the right hash under another version': [
      'signature_invalid',
      (w, body) => {
        const right = signed(w, body);
        const signature = String(right.headers['x-slack-signature']).replace('v0=', 'v1=');
        return { body, headers: { ...right.headers, 'x-slack-signature': signature } };
      },
    ],
    'the signature in capitals': [
      'signature_invalid',
      (w, body) => {
        const right = signed(w, body);
        const signature = `v0=${String(right.headers['x-slack-signature']).slice(3).toUpperCase()}`;
        return { body, headers: { ...right.headers, 'x-slack-signature': signature } };
      },
    ],
    'another secret': ['signature_invalid', (w, body) => sign(body, { secret: 'f'.repeat(32), timestampS: nowS(w) })],
    'a space at the end of the body': ['signature_invalid', (w, body) => ({ ...signed(w, body), body: `${body} ` })],
    'the body written anew with other whitespace': [
      'signature_invalid',
      (w, body) => ({ ...signed(w, body), body: body.replaceAll('+', '%20').replaceAll('%3A%22', '%3A+%22') }),
    ],
    'another payload': [
      'signature_invalid',
      (w, body) => ({ ...signed(w, body), body: body.replace('UGRACE', 'UOTHER') }),
    ],
  };
  for (const [what, [code, bend]] of Object.entries(cases)) {
    test(`${what} is 401 ${code}, recorded, and nothing is decided`, async (t) => {
      const { world, id, ts } = await open(t);
      const body = formOf(pressPayload(world.slack, { message: ts, action: approve, userId: 'UGRACE' }));
      assert.equal(await world.send(bend(world, body)), 401);
      await assertNothing(world, id, code);
      if (code !== 'signature_invalid') return;
      assert.match(world.audit.events[0]?.reason ?? '', /^The message is not signed by Slack\. \([a-z0-9 ]+\)$/);
    });
  }

  test('a message of five minutes ago still counts', async (t) => {
    const { world, id, ts } = await open(t);
    const body = formOf(pressPayload(world.slack, { message: ts, action: approve, userId: 'UGRACE' }));
    assert.equal(await world.send(withTimestamp(world, body, nowS(world) - 300)), 200);
    await world.until(async () => (await world.state(id)) === 'approved', 'the answer');
  });

  const signedNonsense: Readonly<Record<string, [status: number, code: string, body: string, type?: string]>> = {
    'no payload': [400, 'message_invalid', 'a=1'],
    'two payloads': [400, 'message_invalid', 'payload=%7B%7D&payload=%7B%7D'],
    'no JSON': [400, 'message_invalid', 'payload=%7B'],
    'JSON with a key twice': [400, 'message_invalid', `payload=${encodeURIComponent('{"type":"a","type":"b"}')}`],
    'a list': [400, 'message_invalid', 'payload=%5B%5D'],
    'JSON in place of a form': [415, 'media_type_unsupported', '{}', 'application/json'],
    'more than Slack ever sends': [413, 'body_too_large', `payload=${'x'.repeat(300_000)}`],
  };
  for (const [what, [status, code, body, type]] of Object.entries(signedNonsense)) {
    test(`${what}, correctly signed, is refused as ${code} and recorded`, async (t) => {
      const { world, id } = await open(t);
      const { headers } = signed(world, body);
      assert.equal(await world.send({ body, headers: { ...headers, ...(type && { 'content-type': type }) } }), status);
      await assertNothing(world, id, code);
    });
  }

  test('what is signed and nothing of ours is acknowledged and does nothing', async (t) => {
    const { world, id, ts } = await open(t);
    const press = (changes: object) => ({
      ...pressPayload(world.slack, { message: ts, action: approve, userId: 'UGRACE' }),
      ...changes,
    });
    const payloads = [
      {},
      { type: 'block_actions' },
      { type: 'message_action', callback_id: 'x' },
      press({ user: null }),
      press({ actions: [] }),
      press({ actions: [{ action_id: approve, type: 'button', block_id: 'answer', value: 'v1.x.y' }] }),
      press({ container: { type: 'view' } }),
      press({ user: { id: '<@U1>', team_id: world.slack.teamId } }),
      pressPayload(world.slack, { message: ts, action: 'toolgate_page', userId: 'UGRACE' }),
    ];
    for (const payload of payloads) assert.equal(await world.send(world.signed(payload)), 200);
    assert.deepEqual(world.records(), []);
    assert.equal(await world.state(id), 'open');
    assert.equal(world.slack.whispers.length, 0);
  });
});

suite('clicks', () => {
  test('a yes is acknowledged, stored, recorded, granted, and the card says so to everybody', async (t) => {
    const { world, id, ts, granted } = await open(t);
    assert.equal(await world.press({ message: ts, action: approve, userId: 'UGRACE' }), 200);
    await world.until(() => world.slack.messages.get(ts)?.updates === 1, 'the card');
    assert.equal(await world.state(id), 'approved');
    assert.equal((await granted())?.approver, 'grace');
    assert.match(String(world.slack.messages.get(ts)?.text), /^Approved/);
    const blocks = world.slack.messages.get(ts)?.blocks ?? [];
    const answers = blocks.filter(({ type, block_id }) => type === 'actions' && block_id !== 'take-back');
    assert.deepEqual(answers, []);
    assert.deepEqual(world.records(), [
      ['approval_decided', 'pending', null],
      ['approval_decided', 'ok', null],
    ]);
    assert.equal(world.audit.events[1]?.caller?.subject, 'grace');
    assert.equal(world.audit.events[1]?.detail?.via, 'slack');
  });

  test('somebody who is listed by address answers without a sign-in to the page', async (t) => {
    const listed = [{ email: 'ULISTED@example.com', tenant: 'acme', subject: 'linda' }];
    const { world, id, ts, granted } = await open(t, { SLACK_APPROVERS: JSON.stringify(listed) });
    await world.person('ULISTED');
    await world.press({ message: ts, action: approve, userId: 'ULISTED' });
    await world.until(async () => (await world.state(id)) === 'approved', 'the answer');
    await world.until(async () => (await granted())?.approver === 'linda', 'the grant');
  });

  test('a no asks why, and the reason is on the card and in the record', async (t) => {
    const { world, id, ts, granted } = await open(t);
    assert.equal(await world.press({ message: ts, action: deny, userId: 'UGRACE' }), 200);
    await world.until(() => world.slack.dialogs.length === 1, 'the dialog');
    assert.equal(await world.state(id), 'open');
    assert.equal(await world.submit('UGRACE', 'Not on a Friday.'), 200);
    await world.until(() => world.slack.messages.get(ts)?.updates === 1, 'the card');
    assert.equal(await world.state(id), 'denied');
    assert.equal(await granted(), undefined);
    assert.ok(JSON.stringify(world.slack.messages.get(ts)?.blocks).includes('Not on a Friday.'));
    assert.deepEqual(world.records().at(-1), ['approval_decided', 'ok', null]);
    assert.equal(world.audit.events.at(-1)?.detail?.words, 'Not on a Friday.');
  });

  test('the same bytes again, at another replica, are acknowledged, recorded as a replay, and do nothing', async (t) => {
    const { world, id, ts } = await open(t);
    const { app } = await world.replica();
    const sent = world.signed(pressPayload(world.slack, { message: ts, action: approve, userId: 'UGRACE' }));
    assert.equal(await world.send(sent), 200);
    await world.until(() => world.slack.messages.get(ts)?.updates === 1, 'the card');
    assert.equal(await world.send(sent, app.url), 200);
    await world.until(() => world.records().length === 3, 'the record');
    assert.deepEqual(world.records().at(-1), ['http_refusal', 'refused', 'message_replayed']);
    assert.equal(await world.state(id), 'approved');
    assert.equal(world.slack.messages.get(ts)?.updates, 1);
  });

  test('a double click is one decision and one grant', async (t) => {
    const { world, ts, id } = await open(t);
    const press = { message: ts, action: approve, userId: 'UGRACE' };
    assert.deepEqual(await Promise.all([world.press(press), world.press(press), world.press(press)]), [200, 200, 200]);
    await world.until(() => ends(world).length === 3, 'all three records');
    assert.equal(ends(world).filter(({ reason }) => reason === null).length, 1);
    assert.equal(await world.state(id), 'approved');
    assert.deepEqual(world.slack.whispers, []);
  });

  test('of two approvers at once on two replicas one decides, and the other is told what stands', async (t) => {
    const { world, ts, id } = await open(t);
    await world.person('UADA', { subject: 'ada' });
    await world.press({ message: ts, action: deny, userId: 'UADA' });
    await world.until(() => world.slack.dialogs.length === 1, 'the dialog');
    await Promise.all([world.press({ message: ts, action: approve, userId: 'UGRACE' }), world.submit('UADA', 'No.')]);
    await world.until(() => ends(world).length === 2 && world.slack.whispers.length === 1, 'both');
    const standing = await world.state(id);
    const [loser] = world.slack.whispers;
    assert.equal(loser?.text, `This was answered before: it is ${standing}.`);
    assert.equal(loser?.user, standing === 'approved' ? 'UADA' : 'UGRACE');
    assert.deepEqual(
      ends(world)
        .map(({ outcome }) => outcome)
        .sort(),
      ['ok', 'refused'],
    );
  });

  test('a click after the time is over decides nothing, says so, and takes the buttons away', async (t) => {
    const { world, ts, id, request, granted } = await open(t);
    world.clock.ms = request.expiresAtMs;
    await world.person('UGRACE', { subject: 'grace' });
    await world.press({ message: ts, action: approve, userId: 'UGRACE' });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(String(world.slack.whispers[0]?.text), /^This came too late/);
    assert.equal(await world.state(id), 'expired');
    assert.equal(await granted(), undefined);
    assert.deepEqual(world.records(), [['approval_decided', 'refused', null]]);
    await world.until(() => /^Nobody answered/.test(world.slack.messages.get(ts)?.text ?? ''), 'the card');
  });

  const nobody: Readonly<Record<string, [prepare: (world: ApprovalsWorld) => Promise<void>, userTeamId?: string]>> = {
    'whose address nobody signed in with': [(world) => world.person('UNEW')],
    'whose sign-in was yesterday': [
      async (world) => {
        await world.person('UNEW', {});
        world.clock.ms += 12 * 3_600_000;
      },
    ],
    'of another workspace in a shared channel': [(world) => world.person('UNEW', {}), 'T0OTHER'],
    'who is a guest': [(world) => bent(world, { is_restricted: true })],
    'who was deactivated': [(world) => bent(world, { deleted: true })],
    'whose address is not confirmed': [(world) => bent(world, { is_email_confirmed: false })],
    'whose profile is of another workspace': [(world) => bent(world, { team_id: 'T0OTHER' })],
  };
  for (const [who, [prepare, userTeamId]] of Object.entries(nobody)) {
    test(`somebody ${who} is no approver: told so alone, recorded, and the question stays`, async (t) => {
      const { world, ts, id } = await open(t);
      await prepare(world);
      const press = { message: ts, action: approve, userId: 'UNEW', ...(userTeamId !== undefined && { userTeamId }) };
      assert.equal(await world.press(press), 200);
      await world.until(() => world.slack.whispers.length === 1, 'the answer');
      assert.match(
        String(world.slack.whispers[0]?.text),
        /does not know who you are.*https:\/\/mcp\.example\.com\/approvals/,
      );
      assert.deepEqual(world.records(), [['approval_decided', 'refused', 'approver_unknown']]);
      const [event] = world.audit.events;
      assert.deepEqual([event?.approval_id, event?.tenant, event?.detail?.slack_user], [id, 'acme', 'UNEW']);
      assert.match(event?.reason ?? '', /^Nobody knows an account for this person\. \([a-z ]+\)$/);
      assert.equal(await world.state(id), 'open');
    });
  }

  const refused: Readonly<Record<string, [known: Parameters<ApprovalsWorld['person']>[1], words: RegExp]>> = {
    'the asker': [{ subject: 'user-1' }, /^Your answer does not count\. Nobody approves or denies their own call/],
    'the asker without the role': [
      { subject: 'user-1', roles: ['reader'] },
      /^Your answer does not count\. Nobody approves or denies their own call, from whichever account\.$/,
    ],
    'somebody without the role': [{ subject: 'eve', roles: ['reader'] }, /You are no approver/],
  };
  for (const [who, [known, words]] of Object.entries(refused)) {
    test(`${who} decides nothing: told so alone, recorded, and the question stays`, async (t) => {
      const { world, ts, id } = await open(t);
      await world.person('UWHO', known);
      await world.press({ message: ts, action: approve, userId: 'UWHO' });
      await world.until(() => world.slack.whispers.length === 1, 'the answer');
      assert.match(String(world.slack.whispers[0]?.text), words);
      assert.equal(world.slack.whispers[0]?.user, 'UWHO');
      assert.deepEqual(world.records(), [['approval_decided', 'refused', 'policy_denied']]);
      assert.equal(await world.state(id), 'open');
      assert.equal(world.slack.messages.get(ts)?.updates, 0);
    });
  }

  test('another tenant that confirms the same address takes nobody’s say away', async (t) => {
    const { world, ts, id } = await open(t);
    await world.person('UADA', { subject: 'ada' });
    const far = { subject: 'mallory', tenant: 'globex', roles: ['approver'] };
    await world.deps.approvers.remember('uada@example.com', far, world.clock.ms);
    await world.press({ message: ts, action: approve, userId: 'UADA' });
    await world.until(() => world.audit.events.length > 1, 'the record');
    assert.deepEqual(world.records()[0], ['approval_decided', 'pending', null]);
    assert.equal(world.audit.events[0]?.caller?.subject, 'ada');
    assert.equal(await world.state(id), 'approved');
  });

  test('an approver of another tenant learns nothing of the question, and their own tenant has the record', async (t) => {
    const { world, ts, id } = await open(t);
    await world.person('UFAR', { subject: 'far', tenant: 'globex' });
    await world.press({ message: ts, action: approve, userId: 'UFAR' });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(String(world.slack.whispers[0]?.text), /^This question is not there any more/);
    assert.equal(world.audit.events[0]?.tenant, 'globex');
    assert.equal(await world.state(id), 'open');
  });

  test('a yes under another policy than the one that asked is none', async (t) => {
    const world = await openApprovalsWorld(t);
    await world.person('UGRACE', {});
    const { request, ts } = await world.ask({ policyRevision: '0123456789ab' });
    await world.press({ message: ts, action: approve, userId: 'UGRACE' });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(String(world.slack.whispers[0]?.text), /Policy changed/);
    assert.deepEqual(world.records(), [['approval_decided', 'refused', 'policy_denied']]);
    assert.equal(await world.state(request.id), 'open');
  });

  test('an edited message changes nothing: only the button’s own value is read, and it names the arguments', async (t) => {
    const { world, ts, id } = await open(t);
    const shown = { type: 'message', ts, text: 'Approved by everybody', blocks: [{ type: 'divider' }] };
    await world.press({ message: ts, action: approve, userId: 'UGRACE', shown, value: `v1.${id}.${'b'.repeat(64)}` });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(String(world.slack.whispers[0]?.text), /not as this card shows it/);
    assert.equal(await world.state(id), 'open');
    const [wrong] = world.audit.events;
    assert.deepEqual([wrong?.event, wrong?.outcome, wrong?.tenant], ['approval_decided', 'refused', 'acme']);
    assert.deepEqual([wrong?.approval_id, wrong?.arguments_sha256], [id, 'b'.repeat(64)]);
    assert.deepEqual(
      [wrong?.detail?.slack_user, wrong?.reason],
      ['UGRACE', 'The card names other arguments than the question has.'],
    );
    await world.press({ message: ts, action: approve, userId: 'UGRACE', shown });
    await world.until(() => world.slack.messages.get(ts)?.updates === 1, 'the card');
    const event = world.audit.events.at(-1);
    assert.equal(event?.arguments_sha256, 'a'.repeat(64));
    assert.deepEqual(event?.arguments, { sql: 'delete from orders where id = 1' });
  });

  test('a card of a question that never was decides nothing, and is on record under no tenant', async (t) => {
    const { world, ts } = await open(t);
    const value = `v1.${'A'.repeat(22)}.${'a'.repeat(64)}`;
    await world.press({ message: ts, action: approve, userId: 'UGRACE', value });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.deepEqual(world.records(), [['approval_decided', 'refused', null]]);
    const [event] = world.audit.events;
    assert.deepEqual([event?.tenant, event?.approval_id], ['_unknown', 'A'.repeat(22)]);
  });

  test('a response_url is called by nobody, wherever it leads', async (t) => {
    const { world, ts } = await open(t);
    const calls = new Set<string>();
    const trap = await openTrap(t, (url) => calls.add(url));
    for (const responseUrl of [
      trap,
      'http://169.254.169.254/latest/meta-data/',
      'https://hooks.slack.com.evil.example/',
    ]) {
      await world.press({ message: ts, action: approve, userId: 'UGRACE', responseUrl });
    }
    await world.until(() => ends(world).length === 3, 'all answers');
    assert.equal(calls.size, 0);
  });
});

suite('what is slow or gone', () => {
  test('a click is acknowledged at once while DynamoDB says nothing, and whoever clicked learns that it is not certain', async (t) => {
    const { world, ts, id } = await open(t);
    const { app } = await world.replica(await openSilentDynamo(t));
    const sent = world.signed(pressPayload(world.slack, { message: ts, action: approve, userId: 'UGRACE' }));
    const startedMs = performance.now();
    assert.equal(await world.send(sent, app.url), 200);
    assert.ok(performance.now() - startedMs < 1000, 'Slack waits for three seconds');
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(String(world.slack.whispers[0]?.text), /could not be confirmed.*again/);
    assert.equal(await world.state(id), 'open');
    await world.press({ message: ts, action: approve, userId: 'UGRACE' });
    await world.until(
      async () => (await world.state(id)) === 'approved',
      'the answer at a replica whose store is there',
    );
  });

  test('a refusal that cannot be recorded is 503', async (t) => {
    const { world } = await open(t);
    world.audit.onAppend = () => {
      throw new Error('the disk is full');
    };
    assert.equal(await world.send(sign('payload=%7B%7D', { secret: 'x', timestampS: nowS(world) })), 503);
  });

  test('an answer that cannot be recorded is none', async (t) => {
    const { world, ts, id } = await open(t);
    world.audit.onAppend = () => {
      throw new Error('the disk is full');
    };
    await world.press({ message: ts, action: approve, userId: 'UGRACE' });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.equal(await world.state(id), 'open');
  });

  test('a Slack that does not say who clicked leaves the question open, recorded as failed', async (t) => {
    const { world, ts, id } = await open(t);
    world.slack.fault = (method) => (method === 'users.info' ? { status: 503, error: 'down' } : undefined);
    await world.press({ message: ts, action: approve, userId: 'UGRACE' });
    await world.until(() => world.slack.whispers.length === 1, 'the answer');
    assert.match(String(world.slack.whispers[0]?.text), /Nothing was stored/);
    assert.deepEqual(world.records(), [['approval_decided', 'failed', 'identity_unavailable']]);
    assert.equal(await world.state(id), 'open');
  });

  test('a card that could not be changed is changed by the sweep', async (t) => {
    const { world, ts, id } = await open(t);
    world.slack.fault = (method) => (method === 'chat.update' ? { status: 503, error: 'down' } : undefined);
    await world.press({ message: ts, action: approve, userId: 'UGRACE' });
    await world.until(() => ends(world).length === 1, 'the record');
    assert.equal(await world.state(id), 'approved');
    world.slack.fault = () => undefined;
    world.clock.ms += 60_000;
    await world.deps.settle();
    assert.match(String(world.slack.messages.get(ts)?.text), /^Approved/);
  });
});

test('no token of Slack and no signing secret is in a message, a whisper or the record', async (t) => {
  const { world, ts } = await open(t);
  await world.press({ message: ts, action: approve, userId: 'UGRACE' });
  await world.until(() => ends(world).length === 1, 'the record');
  const said = JSON.stringify([[...world.slack.messages.values()], world.slack.whispers, world.audit.events]);
  for (const secret of [world.slack.token, world.slack.signingSecret]) {
    assert.ok(!said.includes(secret));
  }
  assert.doesNotMatch(said, /task.?token/i);
});

/** Records of answers that came to an end. */
function ends(world: ApprovalsWorld) {
  return world.audit.events.filter(({ event, outcome }) => event === 'approval_decided' && outcome !== 'pending');
}

function nowS(world: ApprovalsWorld): number {
  return Math.floor(world.clock.ms / 1000);
}

function signed(world: ApprovalsWorld, body: string) {
  return sign(body, { secret: world.slack.signingSecret, timestampS: nowS(world) });
}

function withTimestamp(world: ApprovalsWorld, body: string, timestampS: number) {
  return sign(body, { secret: world.slack.signingSecret, timestampS });
}

function without({ body, headers }: ReturnType<typeof sign>, name: string) {
  const { [name]: _gone, ...rest } = headers;
  return { body, headers: rest };
}

async function bent(world: ApprovalsWorld, change: object): Promise<void> {
  await world.person('UNEW', {});
  const person = world.slack.users.get('UNEW');
  if (person !== undefined) world.slack.users.set('UNEW', { ...person, ...change });
}

async function openTrap(t: TestContext, onCall: (url: string) => void): Promise<string> {
  const server = createServer((request, response) => {
    onCall(request.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
}
