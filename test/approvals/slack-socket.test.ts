import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApprovalsWorld } from '../support/approvals-world.ts';
import { pressPayload } from '../support/slack-sender.ts';

test('over a socket that we open, with no address of ours, a click is acknowledged and decided as over HTTP', async (t) => {
  const world = await openApprovalsWorld(t, {}, { withSocket: true });
  await world.until(() => world.slack.socket.isOpen(), 'the socket');
  await world.person('UGRACE', { subject: 'grace' });
  const { request, ts } = await world.ask();
  const press = pressPayload(world.slack, { message: ts, action: 'toolgate_approve', userId: 'UGRACE' });
  assert.match((await world.slack.socket.send(press)).envelope_id, /^envelope-/);
  await world.until(() => world.slack.messages.get(ts)?.updates === 1, 'the card');
  assert.equal(await world.state(request.id), 'approved');
  assert.equal((await fetch(`${world.app.url}/slack/interactions`, { method: 'POST' })).status, 404);
});

test('an asker over the socket is refused as over HTTP', async (t) => {
  const world = await openApprovalsWorld(t, {}, { withSocket: true });
  await world.until(() => world.slack.socket.isOpen(), 'the socket');
  await world.person('UASKER', { subject: 'user-1' });
  const { request, ts } = await world.ask();
  await world.slack.socket.send(
    pressPayload(world.slack, { message: ts, action: 'toolgate_approve', userId: 'UASKER' }),
  );
  await world.until(() => world.slack.whispers.length === 1, 'the answer');
  assert.deepEqual(world.records(), [['approval_decided', 'refused', 'policy_denied']]);
  assert.equal(await world.state(request.id), 'open');
});

test('a token that Slack does not take leaves the service up, not ready, and says which token', async (t) => {
  const world = await openApprovalsWorld(t, { SLACK_APP_TOKEN: 'xapp-wrong' }, { withSocket: true });
  await world.until(async () => {
    const { problems } = (await (await fetch(`${world.app.url}/readyz`)).json()) as { problems: readonly string[] };
    return problems.includes('the socket to Slack cannot be opened');
  }, 'the problem');
  assert.equal((await fetch(`${world.app.url}/healthz`)).status, 200);
});
