import type { Html } from '../../shared/pages/html.ts';
import { html } from '../../shared/pages/html.ts';
import { isLeft, ranBefore } from '../messages/grant-use.ts';
import type { ShownRequest } from './request-page.ts';
import { moment } from './words.ts';

type Step = readonly [atMs: number, words: Html | string];

/** What happened so far, from the first call to what became of the answer. */
export function timeline(shown: ShownRequest) {
  const { request } = shown;
  const { openedAtMs, notice, subject } = request;
  const toldAtMs = slackTime(notice?.message);
  const steps: readonly Step[] = [
    [openedAtMs, html`${subject} asked.`],
    ...(toldAtMs === undefined ? [] : [[toldAtMs, 'People were told in the channel.'] as const]),
    ...endOf(shown),
  ];
  return html`<h2 id="life">What happened</h2>
<ol class="life" aria-labelledby="life">
${steps.map(([atMs, words]) => html`<li>${moment(atMs)} ${words}</li>\n`)}</ol>`;
}

function endOf(shown: ShownRequest): readonly Step[] {
  const { state, closedAtMs, expiresAtMs, decision } = shown.request;
  const atMs = closedAtMs ?? expiresAtMs;
  const via = decision?.via === 'slack' ? 'in the channel' : 'on this page';
  switch (state) {
    case 'open':
      return [];
    case 'approved':
      return [[atMs, html`${decision?.approver} said yes, ${via}.`], ...useOf(shown)];
    case 'denied':
      return [[atMs, html`${decision?.approver} said no, ${via}.`]];
    case 'expired':
      return [[atMs, 'Nobody had answered.']];
    case 'withdrawn':
      return [[atMs, 'The question was taken back.']];
  }
}

function useOf({ use, nowMs }: ShownRequest): readonly Step[] {
  if (use === undefined) return [];
  const { usedAtMs, usableUntilMs, takenBack, callsMax, callsUsed } = use;
  if (takenBack !== undefined) {
    return [[takenBack.atMs, html`${takenBack.by ?? 'The workflow'} took the yes back${ranBefore(use)}.`]];
  }
  if (usedAtMs !== undefined) return [[usedAtMs, 'The call ran.']];
  if (isLeft(use, nowMs)) return [];
  if (callsMax === 1) return [[usableUntilMs, 'The yes ended unused.']];
  return callsUsed < callsMax ? [[usableUntilMs, `The yes ended after ${callsUsed} of ${callsMax} calls.`]] : [];
}

/** Slack names messages by their time: seconds since the epoch, and a count. */
function slackTime(ts: string | undefined): number | undefined {
  return ts !== undefined && /^\d{10}\.\d{1,9}$/.test(ts) ? Math.floor(Number(ts) * 1000) : undefined;
}
