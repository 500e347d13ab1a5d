import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { inspect } from 'node:util';
import { createPacing } from '../../../runtime/approvals/clients/pacing.ts';
import { createSlack, type Slack, type SlackFailure } from '../../../runtime/approvals/clients/slack.ts';
import { denyDialog } from '../../../runtime/approvals/messages/deny-dialog.ts';
import { requestCard } from '../../../runtime/approvals/messages/request-card.ts';
import { sampleQuestion } from '../../support/question.ts';
import { type SlackDouble, startSlackDouble } from '../../support/slack-double.ts';

const card = requestCard(sampleQuestion(), 'https://mcp.example.com/approvals/x');
let double: SlackDouble;
let slack: Slack;
before(async () => {
  double = await startSlackDouble();
  slack = createSlack({
    token: double.token,
    apiUrl: double.apiUrl,
    pacing: createPacing({ gapMs: 0 }),
    timeoutMs: 3000,
  });
});
after(() => double.close());
afterEach(() => {
  double.fault = () => undefined;
});

test('a card is posted, then changed in place', async () => {
  const notice = await slack.post(double.channel, card);
  await slack.update(notice, { text: 'Approved', blocks: card.blocks.slice(0, 1) });
  const posted = double.messages.get(notice.message);
  assert.deepEqual([posted?.text, posted?.updates, posted?.blocks.length], ['Approved', 1, 1]);
});

test('Slack says who the bot is, opens a dialog once a trigger, and whispers to one person', async () => {
  assert.deepEqual(await slack.identity(), { teamId: double.teamId, botUserId: 'U0BOT' });
  const trigger = double.trigger();
  await slack.openDialog(trigger, denyDialog(sampleQuestion()));
  await assert.rejects(slack.openDialog(trigger, denyDialog(sampleQuestion())), refused('exchanged_trigger_id'));
  double.users.set('U1', { id: 'U1', team_id: double.teamId, profile: {} });
  await slack.tell(double.channel, 'U1', 'No.');
  const { ts: _ts, ...whisper } = double.whispers.at(-1) ?? { ts: '' };
  assert.deepEqual(whisper, { channel: double.channel, user: 'U1', text: 'No.' });
});

test('Slack is asked once which workspace a token is of, and again only after no answer', async () => {
  const { token, apiUrl, calls } = double;
  const asked = () => calls.filter((method) => method === 'auth.test').length;
  const before = asked();
  const other = createSlack({ token, apiUrl, timeoutMs: 3000 });
  double.fault = () => ({ error: 'internal_error' });
  await assert.rejects(other.identity());
  double.fault = () => undefined;
  await Promise.all([other.identity(), other.identity()]);
  await other.identity();
  assert.equal(asked() - before, 2);
});

test('only a full member of a workspace is one', async () => {
  const person = { team_id: double.teamId, is_email_confirmed: true, profile: { email: 'a@example.com' } };
  for (const [id, change, isMember] of [
    ['U10', {}, true],
    ['U11', { deleted: true }, false],
    ['U12', { is_bot: true }, false],
    ['U13', { is_restricted: true }, false],
    ['U14', { is_ultra_restricted: true }, false],
    ['U15', { is_stranger: true }, false],
  ] as const) {
    double.users.set(id, { id, ...person, ...change });
    assert.deepEqual(await slack.user(id), {
      id,
      teamId: double.teamId,
      email: 'a@example.com',
      isEmailConfirmed: true,
      isMember,
    });
  }
});

test('"too many" is waited for as long as Slack says, in that lane only, and the message goes out once', async () => {
  let left = 2;
  const waits: number[] = [];
  let clock = 0;
  const wait = async (ms: number) => {
    waits.push(ms);
    clock += ms;
  };
  const patient = createSlack({
    token: double.token,
    apiUrl: double.apiUrl,
    pacing: createPacing({ gapMs: 1000, monotonic: () => clock, wait }),
  });
  double.fault = (method) =>
    method === 'chat.postMessage' && left-- > 0 ? { status: 429, error: 'ratelimited', retryAfterS: 7 } : undefined;
  const sent = double.messages.size;
  await patient.post(double.channel, card);
  assert.deepEqual(waits, [7000, 7000]);
  assert.equal(double.messages.size, sent + 1);
});

test('messages in one channel go out one a second, in their order; other channels do not wait', async () => {
  const waits: number[] = [];
  let clock = 0;
  const wait = async (ms: number) => {
    waits.push(ms);
    clock += ms;
  };
  const pacing = createPacing({ gapMs: 1000, monotonic: () => clock, wait });
  const order: string[] = [];
  const work = (name: string) => pacing.run(name.slice(0, 1), async () => void order.push(`${name} at ${clock}`));
  await Promise.all([work('a1'), work('a2'), work('a3')]);
  await work('b1');
  assert.deepEqual(order, ['a1 at 0', 'a2 at 1000', 'a3 at 2000', 'b1 at 2000']);
  await assert.rejects(pacing.run('a', () => Promise.reject(new Error('no'))));
  assert.equal(await pacing.run('a', async () => 'goes on'), 'goes on');
});

test('every no of Slack is one of three kinds, and none holds the token', async () => {
  for (const [fault, kind, word] of [
    [{ error: 'channel_not_found' }, 'refused', 'channel_not_found'],
    [{ error: 'invalid_auth' }, 'refused', 'invalid_auth'],
    [{ error: '<script>' }, 'refused', 'unknown_error'],
    [{ error: 'internal_error' }, 'unavailable', 'internal_error'],
    [{ status: 503, error: 'x' }, 'unavailable', 'http_503'],
  ] as const) {
    double.fault = () => fault;
    await assert.rejects(slack.post(double.channel, card), (error: SlackFailure) => {
      assert.deepEqual([error.kind, error.word], [kind, word]);
      assert.ok(!inspect(error, { depth: 9 }).includes(double.token));
      return true;
    });
  }
});

test('a Slack that is gone is unavailable, without the token in the error', async () => {
  const gone = createSlack({ token: double.token, apiUrl: 'http://127.0.0.1:1/api/' });
  await assert.rejects(gone.identity(), (error: SlackFailure) => {
    assert.equal(error.kind, 'unavailable');
    assert.ok(!inspect(error, { depth: 9 }).includes(double.token));
    return true;
  });
});

test('the double holds messages to the limits as Slack does', async () => {
  const long = { type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3001) } } as const;
  await assert.rejects(slack.post(double.channel, { text: 'x', blocks: [long] }), refused('invalid_blocks'));
  await assert.rejects(slack.post('C0OTHER', card), refused('channel_not_found'));
  await assert.rejects(slack.update({ channel: double.channel, message: '1.2' }, card), refused('message_not_found'));
});

function refused(word: string) {
  return (error: SlackFailure) => error.kind === 'refused' && error.word === word;
}
