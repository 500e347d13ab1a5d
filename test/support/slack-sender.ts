import { createHmac } from 'node:crypto';
import type { ModalView } from '@slack/types';
import type { SlackDouble } from './slack-double.ts';

/** A request as Slack sends it, ready to be bent. */
export interface SlackRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Signed now, unless a test says otherwise. */
export interface Signing {
  readonly secret: string;
  /** Seconds since the epoch. */
  readonly timestampS: number;
}

/** Slack, "Verifying requests from Slack": `v0:timestamp:body`, HMAC-SHA256, hex. */
export function sign(body: string, { secret, timestampS }: Signing, version = 'v0'): SlackRequest {
  const hmac = createHmac('sha256', secret).update(`${version}:${timestampS}:${body}`).digest('hex');
  return {
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      'x-slack-request-timestamp': String(timestampS),
      'x-slack-signature': `${version}=${hmac}`,
    },
  };
}

export function formOf(payload: object): string {
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}

export interface Press {
  /** `ts` of the message with the button. */
  readonly message: string;
  readonly action: string;
  readonly userId: string;
  readonly userTeamId?: string;
  /** In place of the button's own. */
  readonly value?: string;
  readonly responseUrl?: string;
  /** In place of what was posted. */
  readonly shown?: object;
}

/** `block_actions` as docs.slack.dev shows it, of a button that is on a message of the double. */
export function pressPayload(double: SlackDouble, press: Press): Record<string, unknown> {
  const posted = double.messages.get(press.message);
  const blocks = posted?.blocks ?? [];
  const buttons = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []));
  const button = buttons.find((each) => 'action_id' in each && each.action_id === press.action);
  const value = press.value ?? (button !== undefined && 'value' in button ? button.value : undefined);
  return {
    type: 'block_actions',
    user: { id: press.userId, username: 'someone', name: 'someone', team_id: press.userTeamId ?? double.teamId },
    api_app_id: 'A0TOOLGATE',
    token: 'a verification token that nobody uses any more',
    container: {
      type: 'message',
      message_ts: press.message,
      channel_id: double.channel,
      is_ephemeral: false,
    },
    trigger_id: double.trigger(),
    team: { id: double.teamId, domain: 'toolgate' },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id: double.channel, name: 'approvals' },
    message: press.shown ?? { type: 'message', user: 'U0BOT', ts: press.message, text: posted?.text, blocks },
    state: { values: {} },
    response_url: press.responseUrl ?? 'https://hooks.slack.com/actions/T0TOOLGATE/1/x',
    actions: [
      {
        action_id: press.action,
        block_id: 'answer',
        text: { type: 'plain_text', text: 'Approve', emoji: false },
        value,
        type: 'button',
        action_ts: '1785000001.000001',
      },
    ],
  };
}

/** `view_submission` of a dialog that the double was told to open. */
export function submitPayload(
  double: SlackDouble,
  view: ModalView,
  { userId, reason }: { readonly userId: string; readonly reason: string },
): Record<string, unknown> {
  return {
    type: 'view_submission',
    team: { id: double.teamId, domain: 'toolgate' },
    user: { id: userId, username: 'someone', name: 'someone', team_id: double.teamId },
    api_app_id: 'A0TOOLGATE',
    token: 'a verification token that nobody uses any more',
    trigger_id: double.trigger(),
    view: {
      id: 'V1',
      team_id: double.teamId,
      ...view,
      state: { values: { reason: { toolgate_reason: { type: 'plain_text_input', value: reason } } } },
      hash: '1785000001.x',
      previous_view_id: null,
      root_view_id: 'V1',
      app_id: 'A0TOOLGATE',
      app_installed_team_id: double.teamId,
      bot_id: 'B0BOT',
    },
    response_urls: [],
    is_enterprise_install: false,
    enterprise: null,
  };
}
