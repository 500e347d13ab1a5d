import { isRecord } from '../contract/policy-values.ts';
import { type AskedQuestion, readButtonValue } from './messages/button-value.ts';
import { denyDialogId, denyReason } from './messages/deny-dialog.ts';
import { cardActions } from './messages/request-card.ts';
import { takeBackDialogId } from './messages/take-back-dialog.ts';

/** What somebody did with a card. Only what is needed is read, and nothing of what the message says: that may have been another one. */
export type SlackClick = SlackPlace & {
  readonly question: AskedQuestion;
  readonly userId: string;
  /** Workspace of the person, which need not be that of the app: channels may be shared. */
  readonly userTeamId: string;
} & (
    | { readonly kind: 'approve' | 'approve-window' }
    | { readonly kind: 'ask-why-not'; readonly triggerId: string }
    | { readonly kind: 'ask-why-back'; readonly triggerId: string }
    | { readonly kind: 'deny' | 'take-back'; readonly reason: string }
  );

interface SlackPlace {
  /** Workspace that the app is installed in. */
  readonly teamId: string;
  /** The message with the button; a dialog has none. */
  readonly place: { readonly channel: string; readonly message: string } | undefined;
}

/** Undefined for what is no answer to one of our cards, whoever signed it: other buttons, other shapes. */
export function readClick(payload: unknown): SlackClick | undefined {
  if (!isRecord(payload) || !isRecord(payload.user)) return undefined;
  const userId = matching(payload.user.id, /^[UW][A-Z0-9]{1,30}$/);
  const teamId = isRecord(payload.team) ? matching(payload.team.id, teamPattern) : undefined;
  const userTeamId = matching(payload.user.team_id, teamPattern) ?? teamId;
  if (userId === undefined || teamId === undefined || userTeamId === undefined) return undefined;
  const who = { userId, userTeamId, teamId };
  if (payload.type === 'block_actions') return readButton(payload, who);
  if (payload.type === 'view_submission') return readDialog(payload.view, who);
  return undefined;
}

type Who = Pick<SlackClick, 'userId' | 'userTeamId' | 'teamId'>;
type Fields = Readonly<Record<string, unknown>>;

const teamPattern = /^[TE][A-Z0-9]{1,30}$/;

function readButton({ actions, container, trigger_id }: Fields, who: Who): SlackClick | undefined {
  const action: unknown = Array.isArray(actions) && actions.length === 1 ? actions[0] : undefined;
  if (!isRecord(action) || !isRecord(container) || container.type !== 'message') return undefined;
  const question = readButtonValue(action.value);
  const channel = matching(container.channel_id, /^[CDG][A-Z0-9]{1,30}$/);
  const message = matching(container.message_ts, /^[0-9]{1,12}\.[0-9]{1,9}$/);
  if (question === undefined || channel === undefined || message === undefined) return undefined;
  const clicked = { ...who, question, place: { channel, message } };
  if (action.action_id === cardActions.approve) return { ...clicked, kind: 'approve' };
  if (action.action_id === cardActions.approveWindow) return { ...clicked, kind: 'approve-window' };
  const triggerId = matching(trigger_id, /^[\x21-\x7e]{1,200}$/);
  if (triggerId === undefined) return undefined;
  if (action.action_id === cardActions.deny) return { ...clicked, kind: 'ask-why-not', triggerId };
  return action.action_id === cardActions.takeBack ? { ...clicked, kind: 'ask-why-back', triggerId } : undefined;
}

function readDialog(view: unknown, who: Who): SlackClick | undefined {
  if (!isRecord(view)) return undefined;
  const kind = view.callback_id === takeBackDialogId ? 'take-back' : 'deny';
  if (kind === 'deny' && view.callback_id !== denyDialogId) return undefined;
  const question = readButtonValue(view.private_metadata);
  const values = isRecord(view.state) ? view.state.values : undefined;
  const block = isRecord(values) ? values[denyReason.block] : undefined;
  const field = isRecord(block) ? block[denyReason.action] : undefined;
  const reason = isRecord(field) && typeof field.value === 'string' ? field.value.trim() : '';
  if (question === undefined || reason === '' || reason.length > denyReason.lengthMax) return undefined;
  return { ...who, kind, question, place: undefined, reason: reason.toWellFormed() };
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}
