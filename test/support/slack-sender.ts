import type { Button, ModalView } from '@slack/types';
import * as payloads from '../../runtime/local/slack-channel/interaction-payloads.ts';
import { formOf, type SignedInteraction, signInteraction } from '../../runtime/local/slack-channel/sign-interaction.ts';
import type { SlackPerson } from '../../runtime/local/slack-channel/workspace.ts';
import type { SlackDouble } from './slack-double.ts';

export { formOf, type SignedInteraction as SlackRequest, signInteraction as sign };

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

/** The laptop's payload of a press, bent as the test says; the message and its button need not be there. */
export function pressPayload(double: SlackDouble, press: Press): Record<string, unknown> {
  const posted = double.messages.get(press.message);
  const buttons = (posted?.blocks ?? []).flatMap((block) => (block.type === 'actions' ? block.elements : []));
  const button = buttons.find((each): each is Button => each.type === 'button' && each.action_id === press.action);
  const value = press.value ?? button?.value;
  const payload = payloads.pressPayload(double.workspace, {
    message: posted ?? { ...nothing, channel: double.channel, ts: press.message },
    blockId: 'answer',
    button: {
      type: 'button',
      text: { type: 'plain_text', text: 'Approve', emoji: false },
      ...button,
      action_id: press.action,
      ...(value !== undefined && { value }),
    },
    person: personOf(double, press.userId, press.userTeamId),
    atMs: 1_785_000_001_000,
  });
  return {
    ...payload,
    ...(press.shown !== undefined && { message: press.shown }),
    ...(press.responseUrl !== undefined && { response_url: press.responseUrl }),
  };
}

const nothing = { threadTs: undefined, text: '', blocks: [], updates: 0 };

/** The laptop's payload of a dialog that the double was told to open. */
export function submitPayload(
  double: SlackDouble,
  view: ModalView,
  { userId, reason }: { readonly userId: string; readonly reason: string },
): Record<string, unknown> {
  return {
    ...payloads.submitPayload(double.workspace, {
      dialog: { id: 'V1', user: userId, view },
      person: personOf(double, userId),
      values: { reason: { toolgate_reason: { type: 'plain_text_input', value: reason } } },
    }),
  };
}

/** Somebody of this workspace, unless the test says another one. */
function personOf(double: SlackDouble, id: string, teamId = double.teamId): SlackPerson {
  return { id, team_id: teamId, profile: {} };
}
