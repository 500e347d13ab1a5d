import type { ApprovalRequest } from '../../contract/approval.ts';
import { html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';
import type { ClosedEntry } from '../list-closed.ts';
import { isLeft, ranBefore } from '../messages/grant-use.ts';
import { argumentsInBrief } from '../messages/show-arguments.ts';
import { titles } from '../messages/titles.ts';
import type { SignedIn } from '../page-sign-in.ts';
import { accountLine } from './account-line.ts';
import { left, moment } from './words.ts';

export interface ShownList {
  readonly person: SignedIn;
  /** Those that wait for this person's answer, and those that this person asked; the oldest first. */
  readonly toAnswer: readonly ApprovalRequest[];
  readonly own: readonly ApprovalRequest[];
  /** The last ones that are over and that this person may look at, the latest first; undefined: nobody knows right now. */
  readonly closed: readonly ClosedEntry[] | undefined;
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
${closedEntries(closed, nowMs)}
${accountLine(person, '/approvals')}`,
  );
}

function closedEntries(closed: readonly ClosedEntry[] | undefined, nowMs: number) {
  if (closed === undefined) return html`<h2>Over</h2>\n<p>What is over cannot be read right now.</p>`;
  if (closed.length === 0) return undefined;
  return html`<h2 id="closed">Over</h2>
<ul class="requests" aria-labelledby="closed">
${closed.map((entry) => {
  const { id, words, beginning, tool, subject, closedAtMs } = entry.question;
  return html`<li>${link(id, beginning, words)}
<p class="soft">${endOf(entry)}, ${moment(closedAtMs)}. ${useWords(entry, nowMs)}${tool}, asked by ${subject}.</p></li>
`;
})}</ul>`;
}

function endOf({ question: { state, approver, scope } }: ClosedEntry): string {
  const several = scope === 'window' ? ' for several calls' : '';
  return `${titles[state]}${several}${approver === undefined ? '' : ` by ${approver}`}`;
}

/** What a yes came to, in a sentence or none. */
function useWords({ question, use }: ClosedEntry, nowMs: number) {
  if (question.isTakenBack || use?.takenBack !== undefined) return html`Taken back${use && ranBefore(use)}. `;
  if (use === undefined) return undefined;
  if (use.callsMax > 1) return html`${use.callsUsed} of ${use.callsMax} calls ran. `;
  if (use.callsUsed > 0) return 'The call ran. ';
  return isLeft(use, nowMs) ? 'The call may still run. ' : 'No call used it. ';
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
  }) => html`<li>${link(id, argumentsInBrief(given), words)}
<p class="soft">${tool}, asked by ${subject} at ${moment(openedAtMs)}. Can be answered for ${left(expiresAtMs - nowMs)}.</p></li>
`,
)}</ul>
${more > 0 ? html`<p class="soft">And ${more} more; they come up when these are answered.</p>` : undefined}`;
}

/** What tells one question from another leads; the words of a tool are the same every time, and one line of them is enough. */
function link(id: string, beginning: string | undefined, words: string) {
  const path = `/approvals/${id}`;
  if (beginning === undefined) return html`<a href="${path}">${words}</a>`;
  return html`<a href="${path}"><code>${beginning}</code></a>
<p class="about">${words}</p>`;
}
