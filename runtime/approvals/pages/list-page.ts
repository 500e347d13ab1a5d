import type { ApprovalRequest } from '../../contract/approval.ts';
import type { Json } from '../../contract/json.ts';
import { html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';
import type { ClosedQuestion } from '../messages/precedents.ts';
import { argumentLines } from '../messages/show-arguments.ts';
import { shorten } from '../messages/visible-text.ts';
import type { SignedIn } from '../page-sign-in.ts';
import { accountLine } from './account-line.ts';
import { left, moment } from './words.ts';

export interface ShownList {
  readonly person: SignedIn;
  /** Those that wait for this person's answer, and those that this person asked; the oldest first. */
  readonly toAnswer: readonly ApprovalRequest[];
  readonly own: readonly ApprovalRequest[];
  /** The last ones that are over and that this person may look at, the latest first; undefined: nobody knows right now. */
  readonly closed: readonly ClosedQuestion[] | undefined;
  readonly nowMs: number;
}

const shownMax = 100;

/** The open questions that concern one person. */
export function listPage({ person, toAnswer, own, closed, nowMs }: ShownList): string {
  return page(
    'Approvals',
    html`<h1>Approvals</h1>
<p class="soft">Calls of tenant ${person.tenant} that run only after a person says yes.</p>
<h2 id="to-answer">For you to answer</h2>
${toAnswer.length === 0 ? html`<p>Nothing waits for you.</p>` : entries(toAnswer, 'to-answer', nowMs)}
${own.length === 0 ? undefined : html`<h2 id="own">Asked by you</h2>\n${entries(own, 'own', nowMs)}`}
${closedEntries(closed)}
${accountLine(person, '/approvals')}`,
  );
}

const endings: Readonly<Record<ClosedQuestion['state'], string>> = {
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Not answered in time',
  withdrawn: 'Taken back',
};

function closedEntries(closed: readonly ClosedQuestion[] | undefined) {
  if (closed === undefined) return html`<h2>Over</h2>\n<p>What is over cannot be read right now.</p>`;
  if (closed.length === 0) return undefined;
  return html`<h2 id="closed">Over</h2>
<ul class="requests" aria-labelledby="closed">
${closed.map(
  ({
    id,
    words,
    subject,
    tool,
    state,
    approver,
    closedAtMs,
    scope,
    isTakenBack,
  }) => html`<li><a href="/approvals/${id}">${words}</a>
<p class="soft">${endings[state]}${scope === 'window' ? ' for several calls' : undefined}${approver === undefined ? undefined : ` by ${approver}`} at ${moment(closedAtMs)}${isTakenBack ? ' and taken back' : undefined}. ${tool}, asked by ${subject}.</p></li>
`,
)}</ul>`;
}

function entries(requests: readonly ApprovalRequest[], labelledBy: string, nowMs: number) {
  const more = requests.length - shownMax;
  return html`<ul class="requests" aria-labelledby="${labelledBy}">
${requests.slice(0, shownMax).map(
  ({
    id,
    words,
    subject,
    tool,
    arguments: given,
    openedAtMs,
    expiresAtMs,
  }) => html`<li><a href="/approvals/${id}">${words}</a>${beginningOf(given)}
<p class="soft">${tool}, asked by ${subject} at ${moment(openedAtMs)}. Can be answered for ${left(expiresAtMs - nowMs)}.</p></li>
`,
)}</ul>
${more > 0 ? html`<p class="soft">And ${more} more; they come up when these are answered.</p>` : undefined}`;
}

const argumentsLengthMax = 140;

/** What tells one question about a tool from another; whoever answers reads all of it on its own page. */
function beginningOf(given: Json) {
  return html`<br><code>${shorten(argumentLines(given).join(' '), argumentsLengthMax)}</code>`;
}
