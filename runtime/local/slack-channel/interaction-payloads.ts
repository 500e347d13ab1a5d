import type { BlockAction, ButtonAction, ViewSubmitAction } from '@slack/bolt';
import type { Button } from '@slack/types';
import type { OpenDialog, PostedMessage, SlackPerson, SlackWorkspace } from './workspace.ts';

/** Nobody reads it any more: what Slack calls a verification token came before signatures. */
const verificationToken = 'unused';

export interface Pressed {
  readonly message: PostedMessage;
  readonly blockId: string;
  readonly button: Button;
  readonly person: SlackPerson;
  readonly atMs: number;
}

/** Bolt's type leaves out that `enterprise` is null outside of Enterprise Grid. */
export type PressPayload = Omit<BlockAction<ButtonAction>, 'enterprise'> & { readonly enterprise: null };

/** `block_actions` as docs.slack.dev/reference/interaction-payloads/block_actions-payload shows it, of a button on a message. */
export function pressPayload(
  workspace: SlackWorkspace,
  { message, blockId, button, person, atMs }: Pressed,
): PressPayload {
  const { channel, ts, text, blocks, threadTs } = message;
  const { bot, teamId } = workspace;
  return {
    type: 'block_actions',
    user: { ...namesOf(person), team_id: person.team_id },
    api_app_id: bot.appId,
    token: verificationToken,
    container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
    trigger_id: workspace.trigger(person.id),
    team: { id: teamId, domain: 'toolgate' },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id: channel, name: workspace.channels.get(channel) ?? '' },
    message: {
      type: 'message',
      user: bot.userId,
      bot_id: bot.botId,
      app_id: bot.appId,
      team: teamId,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
      ...{ ts, text, blocks },
    },
    state: { values: {} },
    response_url: 'https://hooks.slack.com/actions/T0TOOLGATE/1/unused',
    actions: [
      {
        type: 'button',
        action_id: button.action_id ?? '',
        block_id: blockId,
        text: button.text,
        ...(button.value !== undefined && { value: button.value }),
        action_ts: (atMs / 1000).toFixed(6),
      },
    ],
  };
}

/** What somebody put into a dialog: by block, then by action. */
export type DialogValues = ViewSubmitAction['view']['state']['values'];

/** `view_submission` as docs.slack.dev/reference/interaction-payloads/view-interactions-payload shows it. */
export function submitPayload(
  workspace: SlackWorkspace,
  {
    dialog,
    person,
    values,
  }: { readonly dialog: OpenDialog; readonly person: SlackPerson; readonly values: DialogValues },
): ViewSubmitAction {
  const { bot, teamId } = workspace;
  const { view } = dialog;
  return {
    type: 'view_submission',
    team: { id: teamId, domain: 'toolgate' },
    user: { ...namesOf(person), team_id: person.team_id },
    api_app_id: bot.appId,
    token: verificationToken,
    trigger_id: workspace.trigger(person.id),
    view: {
      id: dialog.id,
      team_id: teamId,
      type: view.type,
      blocks: view.blocks as ViewSubmitAction['view']['blocks'],
      private_metadata: view.private_metadata ?? '',
      callback_id: view.callback_id ?? '',
      state: { values },
      hash: `${dialog.id}.1`,
      title: view.title,
      clear_on_close: false,
      notify_on_close: false,
      close: view.close ?? null,
      submit: view.submit ?? null,
      previous_view_id: null,
      root_view_id: dialog.id,
      app_id: bot.appId,
      external_id: '',
      app_installed_team_id: teamId,
      bot_id: bot.botId,
    },
    response_urls: [],
    is_enterprise_install: false,
  };
}

function namesOf({ id, name = 'someone' }: SlackPerson) {
  return { id, username: name, name };
}
