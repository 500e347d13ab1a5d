import type { KnownBlock, ModalView } from '@slack/types';
import type {
  AuthTestResponse,
  ChatPostEphemeralResponse,
  ChatPostMessageResponse,
  ChatUpdateResponse,
  UsersInfoResponse,
  ViewsOpenResponse,
} from '@slack/web-api';
import { blockKitFaults, viewFaults } from './block-kit-faults.ts';
import type { PostedMessage, SlackWorkspace } from './workspace.ts';

/** What Slack says in place of doing it: 200 and a word, but for "too many", which is 429. */
export interface SlackFault {
  readonly status?: number;
  readonly error: string;
  readonly retryAfterS?: number;
}

/** The arguments of a method as the form has them: all text, structures as JSON. */
export type MethodFields = Readonly<Record<string, string>>;

/** What is in the answer beside `ok`, in the shape that Slack publishes for the method. */
type Answer<Response extends { ok?: boolean }> = Omit<Response, 'ok' | 'error'> | SlackFault;

/** The methods of the Web API that we call, on a workspace in memory: Slack's shapes, its limits, its words for no. */
export function answerMethod(method: string, fields: MethodFields, workspace: SlackWorkspace): object | SlackFault {
  const answer = methods[method];
  return answer === undefined ? { error: 'unknown_method' } : answer(fields, workspace);
}

const methods: Readonly<Record<string, (fields: MethodFields, workspace: SlackWorkspace) => object>> = {
  'auth.test': (_fields, { teamId, bot }): Answer<AuthTestResponse> => ({
    url: 'https://toolgate.slack.com/',
    team: 'Toolgate',
    user: 'toolgate',
    team_id: teamId,
    user_id: bot.userId,
    bot_id: bot.botId,
  }),
  'chat.postMessage': postMessage,
  'chat.update': updateMessage,
  'chat.postEphemeral': postEphemeral,
  'views.open': openView,
  'users.info': ({ user: id = '' }, { users }): Answer<UsersInfoResponse> => {
    const user = users.get(id);
    return user === undefined ? { error: 'user_not_found' } : { user };
  },
};

function postMessage(fields: MethodFields, workspace: SlackWorkspace): Answer<ChatPostMessageResponse> {
  const { channel = '', thread_ts: threadTs } = fields;
  if (!workspace.channels.has(channel)) return { error: 'channel_not_found' };
  const read = readMessage(fields);
  if ('error' in read) return read;
  const { ts, text } = workspace.post(channel, { ...read, threadTs });
  return { channel, ts, message: { type: 'message', ts, text, user: workspace.bot.userId } };
}

function updateMessage(fields: MethodFields, workspace: SlackWorkspace): Answer<ChatUpdateResponse> {
  const found = workspace.messages.get(fields.ts ?? '');
  if (found === undefined || found.channel !== fields.channel) return { error: 'message_not_found' };
  const read = readMessage(fields);
  if ('error' in read) return read;
  workspace.update(found, read);
  return { channel: found.channel, ts: found.ts, text: read.text };
}

function postEphemeral(fields: MethodFields, workspace: SlackWorkspace): Answer<ChatPostEphemeralResponse> {
  const { channel = '', user = '', text = '' } = fields;
  if (!workspace.channels.has(channel)) return { error: 'channel_not_found' };
  if (!workspace.users.has(user)) return { error: 'user_not_in_channel' };
  if (text === '') return { error: 'no_text' };
  return { message_ts: workspace.whisper({ channel, user, text }).ts };
}

function openView(fields: MethodFields, workspace: SlackWorkspace): Answer<ViewsOpenResponse> {
  const view = parse(fields.view) as ModalView | undefined;
  if (view === undefined || viewFaults(view).length > 0) return { error: 'invalid_arguments' };
  const opened = workspace.openDialog(fields.trigger_id ?? '', view);
  if (typeof opened === 'string') return { error: opened };
  return { view: { id: opened.id, type: view.type, callback_id: view.callback_id ?? '' } };
}

function readMessage({ text = '', blocks = '' }: MethodFields): Pick<PostedMessage, 'text' | 'blocks'> | SlackFault {
  if (text === '' && blocks === '') return { error: 'no_text' };
  if (blocks === '') return { text, blocks: [] };
  const parsed = parse(blocks) as readonly KnownBlock[] | undefined;
  return parsed === undefined || blockKitFaults(parsed).length > 0
    ? { error: 'invalid_blocks' }
    : { text, blocks: parsed };
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
