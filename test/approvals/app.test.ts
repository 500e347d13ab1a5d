import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApprovals } from '../../runtime/approvals/app.ts';
import { SlackFailure } from '../../runtime/approvals/clients/slack.ts';
import { approvalsEnv, slackProblem } from '../../runtime/approvals/env.ts';
import { EnvError, readEnv } from '../../runtime/shared/read-env.ts';
import { openApprovalsWorld } from '../support/approvals-world.ts';

const env = { PUBLIC_URL: 'https://mcp.example.com', POLICY_DIR: 'policy', TABLE_PREFIX: 'x-', AUDIT_DIR: 'audit' };
const slack = {
  SLACK_BOT_TOKEN: 'xoxb-1',
  SLACK_SIGNING_SECRET: 'f'.repeat(32),
  SLACK_CHANNELS: 'acme=C0123456789',
};
const read = (more: Readonly<Record<string, string>>) => readEnv(approvalsEnv, { ...env, ...more }, slackProblem);

test('it says that it lives, and takes from Slack by POST only', async (t) => {
  const { app } = await openApprovalsWorld(t);
  assert.deepEqual(await (await fetch(`${app.url}/healthz`)).json(), { status: 'ok' });
  assert.deepEqual(await (await fetch(`${app.url}/readyz`)).json(), { status: 'ready', problems: [] });
  assert.equal((await fetch(`${app.url}/slack/interactions`)).status, 405);
  for (const path of ['/', '/slack', '/slack/interactions/', '/approvals', '/metrics']) {
    assert.equal((await fetch(`${app.url}${path}`)).status, 404, path);
  }
});

test('a replica that could never serve is not healthy, and one that cannot any more still is', async (t) => {
  const { deps } = await openApprovalsWorld(t);
  let problems = ['there is no policy'];
  const settings = { HOST: '127.0.0.1', PORT: 0, APPROVALS_POLL_MS: 60_000, DRAIN_TIMEOUT_MS: 0 };
  const app = await startApprovals(settings, { ...deps, problems: () => problems });
  t.after(() => app.close());
  const said = async () => {
    const answer = await fetch(`${app.url}/healthz`);
    return [answer.status, await answer.json()];
  };
  assert.deepEqual(await said(), [503, { status: 'starting' }]);
  problems = [];
  assert.deepEqual(await said(), [200, { status: 'ok' }]);
  problems = ['there is no policy'];
  assert.deepEqual(await said(), [200, { status: 'ok' }]);
});

test('a socket that cannot be opened is tried again until it is, and not after that', async (t) => {
  const { deps, until } = await openApprovalsWorld(t);
  let tries = 0;
  let end = () => {};
  const answers = Promise.withResolvers<void>();
  const openSocket = async () => {
    tries += 1;
    if (tries < 3) throw new SlackFailure('apps.connections.open', 'unavailable', 'no_answer');
    await answers.promise;
    return { lost: new Promise<void>((resolve) => (end = resolve)) };
  };
  const close = async () => end();
  const slack = deps.slack && { ...deps.slack, events: { ...deps.slack.events, openSocket, close } };
  const settings = { HOST: '127.0.0.1', PORT: 0, APPROVALS_POLL_MS: 1, DRAIN_TIMEOUT_MS: 1000 };
  let looks = 0;
  const settle = async () => {
    looks += 1;
  };
  const idle = { settle, followWorkflows: undefined, slack: slack && { ...slack, follow: async () => {} } };
  const app = await startApprovals(settings, { ...deps, ...idle });
  t.after(() => app.close());
  const isReady = async () => (await fetch(`${app.url}/readyz`)).status === 200;
  await until(() => tries === 3, 'the third try');
  assert.equal(await isReady(), false);
  answers.resolve();
  await until(isReady, 'the socket');
  const then = looks;
  await until(() => looks > then + 60, 'the time of two more tries');
  assert.equal(tries, 3);
});

test('it keeps a connection for longer than a load balancer does, which would else send a click into a closed one', async (t) => {
  const { app } = await openApprovalsWorld(t);
  const { headers } = await fetch(`${app.url}/healthz`);
  assert.ok(Number(headers.get('keep-alive')?.replace('timeout=', '')) > 4000, String(headers.get('keep-alive')));
});

test('Slack is set up whole or not at all, and each gap is a sentence that shows no secret', () => {
  assert.equal(read({}).SLACK_BOT_TOKEN, undefined);
  assert.equal(read(slack).SLACK_CHANNELS.get('acme'), 'C0123456789');
  const { SLACK_SIGNING_SECRET: _secret, ...socket } = slack;
  assert.equal(read({ ...socket, SLACK_APP_TOKEN: 'xapp-1' }).SLACK_APP_TOKEN, 'xapp-1');
  for (const [more, words] of [
    [{ SLACK_CHANNELS: 'acme=C1' }, /SLACK_CHANNELS without SLACK_BOT_TOKEN/],
    [{ SLACK_BOT_TOKEN: 'xoxb-1' }, /without SLACK_CHANNELS/],
    [socket, /needs one of SLACK_SIGNING_SECRET/],
    [{ ...slack, SLACK_APP_TOKEN: 'xapp-1' }, /needs one of SLACK_SIGNING_SECRET/],
    [{ ...slack, SLACK_CHANNELS: 'acme' }, /expected tenant=C0123456789, got acme=/],
    [{ ...slack, SLACK_CHANNELS: 'acme=#general' }, /expected tenant=C0123456789, got acme=#general/],
    [{ ...slack, SLACK_CHANNELS: 'acme=C1,acme=C2' }, /SLACK_CHANNELS is wrong.*acme is listed twice/],
    [{ ...slack, SLACK_APPROVERS: '{}' }, /expected a JSON list/],
    [{ ...slack, SLACK_APPROVERS: '[{"email":"a@b.c","tenant":"acme"}]' }, /expected email, tenant and subject, got/],
    [
      {
        ...slack,
        SLACK_APPROVERS: JSON.stringify(['a@b.c', 'A@b.c'].map((email) => ({ email, tenant: 'acme', subject: email }))),
      },
      /a@b\.c is listed twice/,
    ],
    [{ ...slack, SLACK_BOT_TOKEN: 'a-user-token' }, /SLACK_BOT_TOKEN is wrong/],
  ] as const) {
    assert.throws(
      () => read(more),
      (error: EnvError) => {
        assert.ok(error instanceof EnvError);
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /a-user-token|ffff/);
        return true;
      },
    );
  }
});
