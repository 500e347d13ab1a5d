import { grantLifetimeMaxMs } from '../../shared/grant-store.ts';
import { html } from '../../shared/pages/html.ts';
import { isLeft, ranBefore } from '../messages/grant-use.ts';
import type { ShownRequest } from './request-page.ts';
import { moment } from './words.ts';

/** How it ended, for everybody who may look. */
export function outcomeNote(shown: ShownRequest) {
  const { request, isOwn } = shown;
  const { state, decision, expiresAtMs, closedAtMs = expiresAtMs } = request;
  const again = isOwn ? html` Send the same call again to ask once more.` : undefined;
  switch (state) {
    case 'open':
      return isOwn
        ? html`<p class="note">This waits for somebody else of your tenant. When it is approved, send the same call again.</p>`
        : undefined;
    case 'approved':
      return html`<p class="note">${decision?.approver} approved this at ${moment(closedAtMs)}. ${yesNow(shown)}${quoted(decision?.reason)}</p>`;
    case 'denied':
      return html`<p class="note">${decision?.approver} denied this at ${moment(closedAtMs)}.${quoted(decision?.reason ?? '')}</p>`;
    case 'expired':
      return html`<p class="note">Nobody answered until ${moment(expiresAtMs)}, so the call did not run.${again}</p>`;
    case 'withdrawn':
      return html`<p class="note">It was taken back at ${moment(closedAtMs)}.${again}</p>`;
  }
}

/** What the yes is still worth. */
function yesNow({ request, isOwn, nowMs, use }: ShownRequest) {
  const untilMs = use?.usableUntilMs ?? (request.closedAtMs ?? 0) + grantLifetimeMaxMs;
  if (use?.takenBack !== undefined) {
    const { by, atMs, reason } = use.takenBack;
    const again = isOwn ? ' Send the same call again to ask once more.' : '';
    return html`${by ?? 'Its workflow'} took the yes back at ${moment(atMs)}${ranBefore(use)}.${again}${quoted(reason)}`;
  }
  if (use !== undefined && use.callsMax > 1) {
    return html`${use.callsUsed} of ${use.callsMax} calls ran. ${
      isLeft(use, nowMs) ? html`More may run until ${moment(untilMs)}.` : 'No more may run.'
    }`;
  }
  if (use?.usedAtMs !== undefined) return html`The call ran on it at ${moment(use.usedAtMs)}.`;
  if (nowMs < untilMs) {
    return html`${isOwn ? 'Send the same call again: it may' : 'The call may'} run once, until ${moment(untilMs)}.`;
  }
  return use === undefined
    ? html`The yes was good until ${moment(untilMs)}.`
    : html`The yes was good until ${moment(untilMs)}, and no call used it.`;
}

function quoted(words: string | undefined) {
  return words === undefined ? undefined : html`<br>“${words}”`;
}
