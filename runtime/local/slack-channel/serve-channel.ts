import type { Button, InputBlock } from '@slack/types';
import { isFormToken, type PageSignIn, type SignedIn, seeOther } from '../../approvals/page-sign-in.ts';
import { plainPage } from '../../approvals/pages/plain-page.ts';
import type { MorePages, Visit } from '../../approvals/serve-pages.ts';
import { readForm } from '../../shared/pages/read-form.ts';
import { sendPage } from '../../shared/pages/send-page.ts';
import { sendChannel } from './channel-document.ts';
import {
  channelPage,
  channelPath,
  channelPaths,
  type FoundButton,
  fieldName,
  type ShownChannel,
} from './channel-page.ts';
import { type DialogValues, pressPayload, submitPayload } from './interaction-payloads.ts';
import { formOf, signInteraction } from './sign-interaction.ts';
import type { SlackPerson, SlackWorkspace } from './workspace.ts';

export interface ChannelDeps {
  readonly workspace: SlackWorkspace;
  /** Undefined for a tenant that has none. */
  readonly channelOf: (tenant: string) => string | undefined;
  readonly signIn: PageSignIn;
  readonly signingSecret: string;
  /** Where the app takes interactions: its request URL in Slack's words. */
  readonly interactionsUrl: string;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

/** Slack waits that long for an acknowledgement, and a person no longer than that for what comes of it. */
const patienceMs = 3000;

/** A person in the workspace, and the channel of that person's tenant. */
interface Member {
  readonly person: SignedIn;
  readonly user: SlackPerson;
  readonly channel: string;
}

/** The channel under `/approvals/channel`; behind the checks of every page: our host, our origin, signed in. */
export function createChannelPages(deps: ChannelDeps): MorePages {
  return async (visit) => {
    const { request, response, url } = visit;
    if (url.pathname !== channelPath && !url.pathname.startsWith(`${channelPath}/`)) return false;
    const person = deps.signIn.who(request);
    const route = `${request.method} ${url.pathname}`;
    if (route === `GET ${channelPaths.signIn}` || (person === undefined && route === `GET ${channelPath}`)) {
      await deps.signIn.begin(response, channelPath, person !== undefined);
    } else if (person === undefined) {
      say(visit, 401, 'You are signed out', 'Nothing was sent.');
    } else {
      await serveMember(visit, route, person, deps);
    }
    return true;
  };
}

async function serveMember(visit: Visit, route: string, person: SignedIn, deps: ChannelDeps): Promise<void> {
  const { workspace, channelOf } = deps;
  const channel = channelOf(person.tenant);
  const user = [...workspace.users.values()].find(({ name }) => name === person.subject);
  if (channel === undefined || user === undefined) {
    return say(visit, 404, 'You are not in this channel', `Nobody called ${person.displayName} is in this workspace.`);
  }
  const member = { person, user, channel };
  switch (route) {
    case `GET ${channelPath}`:
      return sendMember(visit, 200, member, deps, { confirm: findButton(visit.url.searchParams, member, deps) });
    case `POST ${channelPaths.press}`:
      return withForm(visit, member, (form) => press(visit, form, member, deps));
    case `POST ${channelPaths.submit}`:
      return withForm(visit, member, (form) => submit(visit, form, member, deps));
    case `POST ${channelPaths.close}`:
      return withForm(visit, member, async (form) => {
        const dialog = findDialog(form, member, deps);
        if (dialog !== undefined) workspace.closeDialog(dialog);
        seeOther(visit.response, channelPath);
      });
    default:
      return say(visit, 404, 'Nothing is here', 'There is no such page.');
  }
}

async function withForm(
  visit: Visit,
  { person }: Member,
  work: (form: URLSearchParams) => Promise<void>,
): Promise<void> {
  const form = await readForm(visit.request);
  if (form === undefined || !isFormToken(form.get('form'), person, visit.url.pathname)) {
    return say(visit, 403, 'This cannot go on', 'Nothing was sent: the page was too old.');
  }
  return work(form);
}

async function press(visit: Visit, form: URLSearchParams, member: Member, deps: ChannelDeps): Promise<void> {
  const found = findButton(form, member, deps);
  if (found === undefined) {
    const problem = 'That button is not there any more. This is what stands.';
    return sendMember(visit, 409, member, deps, { problem });
  }
  const payload = pressPayload(deps.workspace, { ...found, person: member.user, atMs: deps.now() });
  return deliver(visit, payload, `#m-${found.message.ts}`, member, deps);
}

async function submit(visit: Visit, form: URLSearchParams, member: Member, deps: ChannelDeps): Promise<void> {
  const dialog = findDialog(form, member, deps);
  if (dialog === undefined) {
    return sendMember(visit, 409, member, deps, { problem: 'That dialog is not open any more.' });
  }
  const values: Record<string, DialogValues[string]> = {};
  for (const block of dialog.view.blocks) {
    if (block.type !== 'input') continue;
    const input = block as InputBlock;
    const value = form.get(fieldName(input))?.replaceAll('\r\n', '\n') ?? '';
    if (!isWithin(value, input)) {
      return sendMember(visit, 400, member, deps, { problem: `“${input.label.text}” needs an answer that fits.` });
    }
    values[input.block_id ?? ''] = {
      [input.element.action_id ?? '']: { type: input.element.type, value: value || null },
    };
  }
  const payload = submitPayload(deps.workspace, { dialog, person: member.user, values });
  return deliver(visit, payload, '', member, deps, () => deps.workspace.closeDialog(dialog));
}

/** Slack holds text to the limits of its field before it sends anything. */
function isWithin(value: string, { element, optional }: InputBlock): boolean {
  if (element.type !== 'plain_text_input') return true;
  if (value === '') return optional === true;
  return value.length >= (element.min_length ?? 0) && value.length <= (element.max_length ?? 3000);
}

/** Sends it as Slack does, over HTTP with a signature over the bytes, and shows what came of it. */
async function deliver(
  visit: Visit,
  payload: object,
  place: string,
  member: Member,
  deps: ChannelDeps,
  onTaken: () => void = () => {},
): Promise<void> {
  const { workspace, signingSecret, interactionsUrl, fetch, now } = deps;
  const change = workspace.changed(patienceMs);
  const timestampS = Math.floor(now() / 1000);
  const { headers, body } = signInteraction(formOf(payload), { secret: signingSecret, timestampS });
  const signal = AbortSignal.timeout(patienceMs);
  const status = await fetch(interactionsUrl, { method: 'POST', headers, body, signal }).then(
    (answer) => answer.arrayBuffer().then(() => answer.status),
    () => undefined,
  );
  if (status !== 200) {
    const what = status === undefined ? 'gave no answer in time' : `answered ${status}`;
    const problem = `Toolgate ${what}, so Slack would show a warning sign. Press again, or answer on the page.`;
    return sendMember(visit, 502, member, deps, { problem });
  }
  onTaken();
  await change;
  // A browser gives the focus to the dialog only where the address names no other place (HTML § 6.6.7 autofocus).
  const isAsked = workspace.dialogs.some((dialog) => dialog.user === member.user.id);
  seeOther(visit.response, isAsked ? channelPath : `${channelPath}${place}`);
}

/** A button that stands in this person's channel right now; nothing of what the browser sends is believed but which one. */
function findButton(form: URLSearchParams, { channel }: Member, { workspace }: ChannelDeps): FoundButton | undefined {
  const message = workspace.messages.get(form.get('message') ?? '');
  if (message === undefined || message.channel !== channel) return undefined;
  for (const block of message.blocks) {
    if (block.type !== 'actions' || (block.block_id ?? '') !== form.get('block')) continue;
    const button = block.elements.find(
      (each): each is Button =>
        each.type === 'button' && each.action_id === form.get('action') && each.url === undefined,
    );
    if (button !== undefined) return { message, blockId: block.block_id ?? '', button };
  }
  return undefined;
}

function findDialog(form: URLSearchParams, { user }: Member, { workspace }: ChannelDeps) {
  return workspace.dialogs.find((each) => each.id === form.get('dialog') && each.user === user.id);
}

function sendMember(
  { response }: Visit,
  status: number,
  member: Member,
  { workspace }: ChannelDeps,
  more: Pick<ShownChannel, 'confirm' | 'problem'>,
): void {
  const title = `# ${workspace.channels.get(member.channel)}`;
  sendChannel(response, status, title, channelPage({ workspace, ...member, ...more }));
}

function say({ response }: Visit, status: number, heading: string, sentence: string): void {
  sendPage(response, status, plainPage(heading, sentence, { href: channelPath, words: 'Back to the channel' }));
}
