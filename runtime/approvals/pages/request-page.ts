import type { ApprovalRequest } from '../../contract/approval.ts';
import type { JsonObject } from '../../contract/json.ts';
import { html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';
import { type ComparedLine, compareArguments, comparisonWords } from '../messages/compare-arguments.ts';
import type { GrantUse } from '../messages/grant-use.ts';
import { type Precedents, precedentWords } from '../messages/precedents.ts';
import { argumentLines, lengthOf } from '../messages/show-arguments.ts';
import { titles } from '../messages/titles.ts';
import { whyAsked } from '../messages/why-asked.ts';
import { sameLines, windowLabel } from '../messages/window-words.ts';
import { formToken, type SignedIn } from '../page-sign-in.ts';
import { accountLine } from './account-line.ts';
import { outcomeNote } from './outcome-note.ts';
import { timeline } from './timeline.ts';
import { left, moment, noSay } from './words.ts';

export interface ShownRequest {
  readonly request: ApprovalRequest;
  /** All of its arguments; undefined: only their beginning is kept any more. */
  readonly wholeArguments: JsonObject | undefined;
  readonly person: SignedIn;
  readonly isOwn: boolean;
  /** Why this person has no say, policy's codes; empty: the person has one. */
  readonly reasons: readonly string[];
  /** True for somebody who may allow all calls that the question offers, too. */
  readonly mayOpenWindow?: boolean;
  readonly nowMs: number;
  /** What became of the yes; undefined: there is none, or nobody knows right now. */
  readonly use: GrantUse | undefined;
  /** True for somebody who may take the yes back, while there is something to take back. */
  readonly canTakeBack: boolean;
  /** What people said before; undefined: nobody knows right now. */
  readonly before: Precedents | undefined;
  /** What became of the answer that was just given, when it does not stand. */
  readonly problem?: string | undefined;
}

export const reasonLengthMax = 500;

/** One question in full: how it stands, what would happen, and the two answers for whoever has a say. */
export function requestPage(shown: ShownRequest): string {
  const { request, person, problem } = shown;
  const title = shown.use?.takenBack === undefined ? titles[request.state] : 'Taken back';
  return page(
    title,
    html`<p class="soft"><a href="/approvals">All approvals</a></p>
<h1>${title}</h1>
${problem === undefined ? undefined : html`<p class="note" role="alert">${problem}</p>`}
${outcomeNote(shown)}
<p class="words">${request.words}</p>
<h2 id="arguments">With these arguments</h2>
<pre${request.isAbridged === true ? html` class="long"` : undefined} role="region" aria-labelledby="arguments" tabindex="0">${drawnArguments(shown)}</pre>
${wholeness(shown)}
${comparedWithLast(shown)}
<dl>
<dt>Asked by</dt><dd>${request.subject}${shown.isOwn ? ' (you)' : ''}</dd>
<dt>Through</dt><dd>${throughWords(request)}</dd>
<dt>Tool</dt><dd>${request.tool} <code>of server ${request.server}</code></dd>
<dt>Why a person is asked</dt><dd>${request.reasons.map((reason) => html`${whyAsked[reason]} <code>${reason}</code> `)}</dd>
<dt>Before</dt><dd>${precedentWords(shown.before)}.</dd>
${standing(shown)}
</dl>
${answerForm(shown)}
${takeBackForm(shown)}
${timeline(shown)}
${accountLine(person, `/approvals/${request.id}`)}`,
  );
}

/** Each line hangs below its beginning: what wraps cannot be taken for another argument. */
function drawnArguments({ request, wholeArguments = request.arguments }: ShownRequest) {
  return argumentLines(wholeArguments).map((line) => html`<span class="line">${line}</span>`);
}

function wholeness({ request, wholeArguments }: ShownRequest) {
  if (wholeArguments === undefined) {
    return html`<p class="note">Only the beginning of the arguments is kept any more.${request.state === 'open' ? ` ${noSay(['arguments_gone'])}` : undefined}</p>`;
  }
  const masked = 'Personal data and secrets are masked, with their length; everything else is what would be sent.';
  if (request.isAbridged !== true) return html`<p class="soft">${masked}</p>`;
  return html`<p class="soft">All of it is here, ${lengthOf(wholeArguments)}: scroll to its end. ${masked}</p>`;
}

function comparedWithLast({ request, wholeArguments, before }: ShownRequest) {
  const last = before?.lastApproved;
  if (last === undefined || wholeArguments === undefined) return undefined;
  const compared = compareArguments({ ...request, arguments: wholeArguments }, last);
  const words = html`Compared with what ${last.approver} approved at ${moment(last.closedAtMs)}: ${comparisonWords[compared.kind]}.`;
  if (compared.kind !== 'changed') return html`<p class="soft">${words}</p>`;
  return html`<h2 id="changes">Changed since the last yes</h2>
<p class="soft">${words}</p>
<pre role="region" aria-labelledby="changes" tabindex="0">${compared.lines.map(comparedLine)}</pre>`;
}

function comparedLine({ mark, pieces }: ComparedLine) {
  const text = pieces.map((piece) => (piece.isChanged && pieces.length > 1 ? html`<b>${piece.text}</b>` : piece.text));
  switch (mark) {
    case '-':
      return html`<del class="line">- ${text}</del>`;
    case '+':
      return html`<ins class="line">+ ${text}</ins>`;
    default:
      return html`<span class="line">${mark} ${text}</span>`;
  }
}

function throughWords({ clientId, clientName }: ApprovalRequest) {
  return clientName === undefined
    ? html`<code>${clientId}</code>, which gave no name`
    : html`${clientName} <span class="soft">(calls itself so)</span> <code>${clientId}</code>`;
}

function standing({ request, nowMs }: ShownRequest) {
  if (request.state !== 'open') return undefined;
  const { expiresAtMs } = request;
  return html`<dt>Can be answered until</dt><dd>${moment(expiresAtMs)} <span class="soft">(${left(expiresAtMs - nowMs)} left)</span></dd>`;
}

function answerForm(shown: ShownRequest) {
  const { request, wholeArguments, person, isOwn, reasons } = shown;
  if (request.state !== 'open') return undefined;
  if (reasons.length > 0) return isOwn ? undefined : html`<p class="note">${noSay(reasons)}</p>`;
  const action = `/approvals/${request.id}`;
  return html`<form class="answer" method="post" action="${action}"><input type="hidden" name="form" value="${formToken(person, action)}">
<label for="reason">Reason <span class="soft">(needed for a no; ${request.subject} is shown it)</span></label>
<textarea id="reason" name="reason" rows="3" maxlength="${reasonLengthMax}" required></textarea>
<div class="choice">${wholeArguments && html`<button class="main" name="answer" value="approve" formnovalidate>Approve</button>`}<button name="answer" value="deny">Deny</button></div>
<p class="soft">A yes is for exactly this call, once, within 15 minutes. Either answer is on the record with your name.</p>
${wholeArguments && windowChoice(shown)}
</form>`;
}

/** Never the first button, which is the one that Enter presses. */
function windowChoice({ request: { window }, mayOpenWindow }: ShownRequest) {
  if (window === undefined || mayOpenWindow !== true) return undefined;
  return html`<h2>Or several calls at once</h2>
<p>In each of them this stays as it is. <strong>Anything else may change</strong>, and you are not asked again.</p>
<pre>${sameLines(window).map((line) => html`<span class="line">${line}</span>`)}</pre>
<div class="choice"><button name="answer" value="approve-window" formnovalidate>${windowLabel(window)}</button></div>`;
}

/** For the asker while the question is open, and for approvers while a yes can be used. */
function takeBackForm({ request, person, isOwn, canTakeBack }: ShownRequest) {
  const action = `/approvals/${request.id}`;
  const field = html`<input type="hidden" name="form" value="${formToken(person, action)}">`;
  if (isOwn && request.state === 'open') {
    return html`<form class="answer" method="post" action="${action}">${field}
<div class="choice"><button name="answer" value="withdraw">I do not need it any more</button></div>
</form>`;
  }
  if (!canTakeBack) return undefined;
  return html`<form class="answer" method="post" action="${action}">${field}
<label for="reason">Take this yes back <span class="soft">(say why; ${request.subject} is shown it)</span></label>
<textarea id="reason" name="reason" rows="2" maxlength="${reasonLengthMax}" required></textarea>
<div class="choice"><button name="answer" value="take-back">Take it back</button></div>
<p class="soft">A call that ran already is not undone. It is on the record with your name.</p>
</form>`;
}
