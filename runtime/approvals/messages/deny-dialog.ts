import type { ModalView } from '@slack/types';
import { type AskedQuestion, buttonValue } from './button-value.ts';

/** `callback_id` of the dialog; Slack sends it back. */
export const denyDialogId = 'toolgate_deny_reason';

/** Where the reason stands in what Slack sends back. */
export const denyReason = { block: 'reason', action: 'toolgate_reason', lengthMax: 500 } as const;

/** Asks why not. Carries which question it is about, nothing else. */
export function denyDialog(question: AskedQuestion, label = 'Why not? Whoever asked will read it.'): ModalView {
  return {
    type: 'modal',
    callback_id: denyDialogId,
    private_metadata: buttonValue(question),
    title: { type: 'plain_text', emoji: false, text: 'Deny this call' },
    submit: { type: 'plain_text', emoji: false, text: 'Deny' },
    close: { type: 'plain_text', emoji: false, text: 'Not yet' },
    blocks: [
      {
        type: 'input',
        block_id: denyReason.block,
        label: { type: 'plain_text', emoji: false, text: label },
        element: {
          type: 'plain_text_input',
          action_id: denyReason.action,
          multiline: true,
          min_length: 1,
          max_length: denyReason.lengthMax,
        },
      },
    ],
  };
}
