import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createSlackEvents } from '../../runtime/approvals/clients/slack-events.ts';
import { keepSocket } from '../../runtime/approvals/keep-socket.ts';
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

test('a peer that takes the socket and never says hello is left after 30 seconds, told once a try, and tried again after a growing pause', async (t) => {
  const { appToken, apiUrl, close, socket } = await startSlackDouble();
  socket.isMute = true;
  const soon = async (claim: () => boolean) => {
    for (let n = 0; n < 500 && !claim(); n += 1) await sleep(10);
    assert.ok(claim());
  };
  const waits: number[] = [];
  const events = createSlackEvents({
    ...{ appToken, apiUrl },
    onClick: async () => {},
    // As if that time were over as soon as the other side has the socket.
    wait: async (ms, signal) => {
      waits.push(ms);
      await (socket.isMute ? soon(socket.isOpen) : once(signal, 'abort'));
    },
  });
  const lines: { readonly msg: string; readonly err: { readonly word: string } }[] = [];
  const pauses: number[] = [];
  const kept = keepSocket(events.openSocket ?? assert.fail(), {
    now: () => 0,
    logger: pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) }),
    ...{ pauseMs: 2000, pauseMsMax: 60_000 },
    wait: async (ms) => {
      pauses.push(ms);
      await soon(() => !socket.isOpen());
      socket.isMute = pauses.length < 3;
    },
  });
  t.after(async () => {
    await Promise.all([events.close(), kept.close()]);
    await close();
  });
  await soon(() => kept.problem() === undefined);
  assert.deepEqual(pauses, [2000, 4000, 8000]);
  assert.deepEqual(waits, Array(4).fill(30_000));
  assert.deepEqual(
    lines.map((line) => [line.msg, line.err.word]),
    Array(3).fill(['the socket to Slack cannot be opened; it is tried again', 'no_hello']),
  );
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
