import type { ModalView } from '@slack/types';
import type { AskedQuestion } from './button-value.ts';
import { denyDialog } from './deny-dialog.ts';

/** `callback_id` of the dialog; Slack sends it back. */
export const takeBackDialogId = 'toolgate_take_back_reason';

/** Asks why a yes is taken back, in the field of the dialog for a no. */
export function takeBackDialog(question: AskedQuestion): ModalView {
  return {
    ...denyDialog(question, 'Why? Whoever asked will read it.'),
    callback_id: takeBackDialogId,
    title: { type: 'plain_text', emoji: false, text: 'Take this yes back' },
    submit: { type: 'plain_text', emoji: false, text: 'Take it back' },
  };
}
