import type { ActionsBlockElement, Button, InputBlock, KnownBlock } from '@slack/types';
import { formToken, type SignedIn } from '../../approvals/page-sign-in.ts';
import { moment } from '../../approvals/pages/words.ts';
import { type Html, html } from '../../shared/pages/html.ts';
import { drawBlocks, drawTextObject, notDrawn } from './draw-blocks.ts';
import { drawMrkdwn, isWebAddress } from './draw-mrkdwn.ts';
import type { OpenDialog, PostedMessage, SlackPerson, SlackWorkspace, Whisper } from './workspace.ts';

export const channelPath = '/approvals/channel';
export const channelPaths = {
  signIn: `${channelPath}/sign-in`,
  press: `${channelPath}/press`,
  submit: `${channelPath}/submit`,
  close: `${channelPath}/close`,
} as const;

export interface ShownChannel {
  readonly workspace: SlackWorkspace;
  /** Id of the channel. */
  readonly channel: string;
  readonly person: SignedIn;
  /** The same person in the workspace. */
  readonly user: SlackPerson;
  /** A button that asks once more before it is pressed. */
  readonly confirm?: FoundButton | undefined;
  /** What became of the last click, when it did not arrive. */
  readonly problem?: string | undefined;
}

export interface FoundButton {
  readonly message: PostedMessage;
  readonly blockId: string;
  readonly button: Button;
}

const shownMax = 100;

/** A channel as one member sees it: messages with their threads, the newest first, as there is no script that would scroll to it; what only this person was told, and the open dialog. */
export function channelPage(shown: ShownChannel): Html {
  const { workspace, channel, person, user, problem } = shown;
  const all = [...workspace.messages.values()].filter((message) => message.channel === channel);
  const roots = all.filter(({ threadTs }) => threadTs === undefined);
  const replies = Map.groupBy(all, ({ threadTs }) => threadTs);
  const whispers = workspace.whispers.filter((whisper) => whisper.user === user.id && whisper.channel === channel);
  const entries = [
    ...roots.map((message) => ({ ts: message.ts, drawn: drawMessage(message, replies.get(message.ts) ?? [], shown) })),
    ...whispers.map((whisper) => ({ ts: whisper.ts, drawn: drawWhisper(whisper) })),
  ].sort((a, b) => Number(b.ts) - Number(a.ts));
  const dialog = workspace.dialogs.findLast((each) => each.user === user.id);
  const over = dialog === undefined ? drawConfirm(shown) : drawDialog(dialog, person);
  const inert = over === undefined ? undefined : html` inert`;
  return html`<div${inert}>
<header><h1># ${workspace.channels.get(channel)}</h1>
<p class="soft">Stands in for Slack on this machine</p>
<p><a href="${channelPath}">Look again</a></p>
<p><a href="/approvals">All approvals</a></p></header>
</div>
<main>
<div${inert}>
${problem === undefined ? undefined : html`<p class="note" role="alert">${problem}</p>`}
${entries.length === 0 ? html`<p>No message yet. A card comes up here a moment after a call asked for a yes. What was asked before Toolgate was started anew is among all approvals.</p>` : undefined}
<ol>
${entries.slice(0, shownMax).map(({ drawn }) => drawn)}</ol>
${entries.length > shownMax ? html`<p class="soft">${entries.length - shownMax} older messages are not shown.</p>` : undefined}
</div>
${over}
</main>
<footer${inert}>${accountLine(person)}</footer>`;
}

function accountLine({ displayName, roles, tenant }: SignedIn): Html {
  return html`<p>You are ${displayName}, ${roles.join(', ') || 'without a role'} in tenant ${tenant}. <a href="${channelPaths.signIn}">Use another account</a></p>
<p>Everybody of the tenant is in this channel. What you press is signed and sent as Slack would: whether it counts is decided by who you are.</p>`;
}

function drawMessage(message: PostedMessage, replies: readonly PostedMessage[], shown: ShownChannel): Html {
  const thread = html`<ol class="thread" aria-label="Thread">${replies.map((reply) => drawMessage(reply, [], shown))}</ol>`;
  const draw = (element: ActionsBlockElement, blockId: string) => drawElement(element, blockId, message, shown);
  return html`<li class="message" id="m-${message.ts}"><p class="by"><b>Toolgate</b><span class="app">APP</span><span class="soft">${timeOfTs(message.ts)}</span></p>
${message.blocks.length === 0 ? html`<p>${drawMrkdwn(message.text)}</p>` : drawBlocks(message.blocks, draw)}
${replies.length === 0 ? undefined : thread}</li>
`;
}

function drawWhisper({ ts, text }: Whisper): Html {
  return html`<li class="message whisper" id="m-${ts}"><p class="by"><b>Toolgate</b><span class="app">APP</span><span class="soft">${timeOfTs(ts)} · Only visible to you</span></p>
<p class="said">${drawMrkdwn(text)}</p></li>
`;
}

function timeOfTs(ts: string): Html {
  return moment(Math.floor(Number(ts)) * 1000);
}

/** A button that asks first opens its question by a link; every other one is pressed at once. */
function drawElement(element: ActionsBlockElement, blockId: string, message: PostedMessage, shown: ShownChannel): Html {
  if (element.type !== 'button') return notDrawn(element.type);
  const { text, url, style, confirm, action_id: action = '' } = element;
  if (url !== undefined) {
    return isWebAddress(url)
      ? html`<a class="button ${style ?? 'plain'}" href="${url}">${text.text}</a>`
      : html`${text.text}`;
  }
  const fields = html`<input type="hidden" name="message" value="${message.ts}"><input type="hidden" name="block" value="${blockId}"><input type="hidden" name="action" value="${action}">`;
  const button = html`<button class="${style ?? 'plain'}">${text.text}</button>`;
  return confirm === undefined
    ? html`<form method="post" action="${channelPaths.press}">${token(shown.person, channelPaths.press)}${fields}${button}</form>`
    : html`<form method="get" action="${channelPath}">${fields}${button}</form>`;
}

function drawConfirm({ confirm: asked, person }: ShownChannel): Html | undefined {
  const confirm = asked?.button.confirm;
  if (asked === undefined || confirm === undefined) return undefined;
  const { message, blockId, button } = asked;
  return overlay(
    confirm.title?.text ?? 'Are you sure?',
    html`<p>${drawTextObject(confirm.text)}</p>
<form method="post" action="${channelPaths.press}">${token(person, channelPaths.press)}<input type="hidden" name="message" value="${message.ts}"><input type="hidden" name="block" value="${blockId}"><input type="hidden" name="action" value="${button.action_id}">
<div class="actions"><a class="button" href="${channelPath}#m-${message.ts}">${confirm.deny?.text ?? 'Cancel'}</a><button class="${confirm.style ?? 'primary'}" autofocus>${confirm.confirm?.text ?? 'Yes'}</button></div></form>`,
  );
}

function drawDialog({ id, view }: OpenDialog, person: SignedIn): Html {
  const inputs = view.blocks.map((block) =>
    block.type === 'input'
      ? drawInput(block as InputBlock)
      : drawBlocks([block as KnownBlock], ({ type }) => notDrawn(type)),
  );
  return overlay(
    view.title.text,
    html`<form method="post" action="${channelPaths.submit}">${token(person, channelPaths.submit)}<input type="hidden" name="dialog" value="${id}">
${inputs}
<div class="actions"><button class="plain" form="close">${view.close?.text ?? 'Cancel'}</button><button class="primary">${view.submit?.text ?? 'Submit'}</button></div></form>
<form id="close" method="post" action="${channelPaths.close}">${token(person, channelPaths.close)}<input type="hidden" name="dialog" value="${id}"></form>`,
  );
}

function overlay(title: string, content: Html): Html {
  return html`<div class="shade"><section class="dialog" role="dialog" aria-modal="true" aria-labelledby="dialog"><h2 id="dialog">${title}</h2>
${content}</section></div>`;
}

/** Name of an input's field in the form. */
export function fieldName({ block_id, element }: InputBlock): string {
  return `${block_id ?? ''}/${element.action_id ?? ''}`;
}

function drawInput(block: InputBlock): Html {
  const { element, label, optional } = block;
  if (element.type !== 'plain_text_input') return notDrawn(element.type);
  const { min_length: min = 0, max_length: max = 3000, multiline, initial_value: initial = '' } = element;
  const name = fieldName(block);
  const rule = optional === true ? undefined : html` required`;
  const limits = html` minlength="${min}" maxlength="${max}"`;
  return html`<label for="${name}">${label.text}</label>
${
  multiline === true
    ? html`<textarea id="${name}" name="${name}" rows="4" autofocus${limits}${rule}>${initial}</textarea>`
    : html`<input type="text" id="${name}" name="${name}" value="${initial}" autofocus${limits}${rule}>`
}`;
}

function token(person: SignedIn, path: string): Html {
  return html`<input type="hidden" name="form" value="${formToken(person, path)}">`;
}
