import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createSlackEvents } from '../../runtime/approvals/clients/slack-events.ts';
import { type ApprovalsWorld, openApprovalsWorld } from '../support/approvals-world.ts';
import { startSlackDouble } from '../support/slack-double.ts';
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

test('a token that Slack revokes while the socket runs leaves the service up, is told, and a good one is taken again', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
  const world = await openApprovalsWorld(t, { APPROVALS_POLL_MS: '50' }, { withSocket: true, logger });
  const { slack } = world;
  await world.until(() => isReady(world), 'the socket');
  await world.person('UGRACE', { subject: 'grace' });
  const { request, ts } = await world.ask();

  slack.fault = (method) => (method === 'apps.connections.open' ? { error: 'token_revoked' } : undefined);
  slack.socket.close();
  await world.until(() => lines.length >= 3, 'three tries');
  assert.equal(await isReady(world), false);
  assert.equal((await fetch(`${world.app.url}/healthz`)).status, 200);
  for (const line of lines) {
    const { msg, err } = JSON.parse(line);
    assert.equal(msg, 'the socket to Slack cannot be opened: look at SLACK_APP_TOKEN');
    assert.equal(err.word, 'token_revoked');
    assert.ok(!line.includes(slack.appToken) && !line.includes(slack.token));
  }

  slack.fault = () => undefined;
  await world.until(() => isReady(world), 'the socket again');
  await slack.socket.send(pressPayload(slack, { message: ts, action: 'toolgate_approve', userId: 'UGRACE' }));
  await world.until(async () => (await world.state(request.id)) === 'approved', 'the answer');
});

test('a socket that Slack ends, or that breaks, is opened again', async (t) => {
  const world = await openApprovalsWorld(t, { APPROVALS_POLL_MS: '50' }, { withSocket: true });
  const { calls, socket } = world.slack;
  const opened = () => calls.filter((method) => method === 'apps.connections.open').length;
  await world.until(() => isReady(world), 'the socket');
  for (const end of [socket.disconnect, socket.close]) {
    const before = opened();
    end();
    await world.until(async () => opened() > before && (await isReady(world)), 'the next socket');
  }
});

test('a socket that is asked for while the service ends is not left open', async (t) => {
  const { appToken, apiUrl, close, socket } = await startSlackDouble();
  t.after(close);
  const events = createSlackEvents({ appToken, apiUrl, onClick: async () => {} });
  const opening = events.openSocket?.();
  await events.close();
  await (await opening)?.lost;
  for (let n = 0; n < 500 && socket.isOpen(); n += 1) await sleep(10);
  assert.equal(socket.isOpen(), false);
});

async function isReady({ app }: ApprovalsWorld): Promise<boolean> {
  return (await fetch(`${app.url}/readyz`)).ok;
}
