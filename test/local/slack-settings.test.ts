import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askSlack } from '../../runtime/local/ask-slack.ts';
import { readSlackSettings } from '../../runtime/local/slack-settings.ts';
import { startSlackDouble } from '../support/slack-double.ts';

const whole = {
  SLACK_BOT_TOKEN: 'xoxb-secret',
  SLACK_APP_TOKEN: 'xapp-secret',
  SLACK_CHANNELS: 'acme=C0123456789',
  SLACK_APPROVERS: '[{"email":"grace@example.com","tenant":"acme","subject":"ada"}]',
};

test('without Slack in the environment there is the channel, with all of it there is a workspace', () => {
  assert.equal(readSlackSettings({ PATH: '/bin', SLACK_BOT_TOKEN: '' }), undefined);
  assert.deepEqual(readSlackSettings({ ...whole, PATH: '/bin', REMIND_AFTER_MS: '60000' }), {
    ...whole,
    REMIND_AFTER_MS: '60000',
  });
});

test('half a workspace is one sentence, without what was set', () => {
  for (const [source, sentence] of [
    [
      { SLACK_BOT_TOKEN: whole.SLACK_BOT_TOKEN },
      /^SLACK_BOT_TOKEN is set, and SLACK_APP_TOKEN, SLACK_CHANNELS, and SLACK_APPROVERS are missing: set all of .* or unset them for the channel on this machine/,
    ],
    [{ ...whole, SLACK_APPROVERS: undefined }, /and SLACK_APPROVERS is missing/],
    [{ SLACK_CHANNELS: whole.SLACK_CHANNELS }, /^SLACK_CHANNELS is set, and SLACK_BOT_TOKEN, .* are missing/],
    [{ ...whole, SLACK_SIGNING_SECRET: 'f'.repeat(32) }, /^SLACK_SIGNING_SECRET is for a service that Slack can call/],
    [{ ...whole, SLACK_BOT_TOKEN: 'a-secret' }, /SLACK_BOT_TOKEN is wrong/],
    [{ ...whole, SLACK_CHANNELS: 'acme=#general' }, /expected tenant=C0123456789, got acme=#general/],
  ] as const) {
    assert.throws(
      () => readSlackSettings(source),
      (error: Error) => {
        assert.equal(error.name, 'StartError');
        assert.match(error.message, sentence);
        assert.doesNotMatch(error.message, /secret|ffff/);
        return true;
      },
    );
  }
});

test('both tokens are held to Slack before anything starts, and each no is one sentence', async (t) => {
  const slack = await startSlackDouble();
  t.after(() => slack.close());
  const own = { ...whole, SLACK_BOT_TOKEN: slack.token, SLACK_APP_TOKEN: slack.appToken, SLACK_API_URL: slack.apiUrl };
  assert.deepEqual(await askSlack(own), { team: 'Toolgate', teamId: slack.teamId });
  const no = (changes: Partial<typeof own>, sentence: RegExp) =>
    assert.rejects(askSlack({ ...own, ...changes }), (error: Error) => {
      assert.equal(error.name, 'StartError');
      assert.match(error.message, sentence);
      assert.ok(![slack.token, slack.appToken, 'secret'].some((token) => error.message.includes(token)));
      return true;
    });
  await no({ SLACK_BOT_TOKEN: 'xoxb-secret' }, /^Slack does not take SLACK_BOT_TOKEN \(invalid_auth\)/);
  await no({ SLACK_APP_TOKEN: 'xapp-secret' }, /^Slack does not take SLACK_APP_TOKEN \(invalid_auth\)/);
  await no({ SLACK_API_URL: 'http://127.0.0.1:1/api' }, /^Slack gives no answer at 127\.0\.0\.1:1: /);
  slack.fault = () => ({ error: '<b>' });
  await no({}, /\(an unknown error\)/);
  slack.fault = () => ({ scopes: 'chat:write,users:read' }) as never;
  await no({}, /lacks the scope users:read\.email: /);
});
