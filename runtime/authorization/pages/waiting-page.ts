import type { StepUp } from '../../contract/step-up.ts';
import { html } from '../../shared/pages/html.ts';
import { page } from '../../shared/pages/page.ts';
import { cancelForm } from './pages.ts';

export interface Waiting {
  /** As the client says it. */
  readonly clientName: string;
  readonly questions: readonly StepUp[];
  /** Origin of the page where people answer; empty when there is none. */
  readonly approvalsUrl: string;
  readonly action: string;
}

/** Says what waits for whom. Whoever reads it asked, so it has no button that answers. */
export function waitingPage({ clientName, questions, approvalsUrl, action }: Waiting): string {
  return page(
    'Waiting for an approval',
    html`<h1>Somebody else has to approve this first</h1>
<p>“${clientName}” called what needs another person's yes. An approver of your tenant was asked:</p>
<ul class="requests" aria-label="What waits">
${questions.map(({ id, words }) => html`<li>${words}${linkTo(id, approvalsUrl)}</li>\n`)}</ul>
<p role="status">This page goes on by itself as soon as one of them is approved. You can also close it: the question stays open, and the same call works for 15 minutes after the yes.</p>
${cancelForm(action, 'approval')}`,
  );
}

function linkTo(id: string, approvalsUrl: string) {
  if (approvalsUrl === '') return html`<br><code>${id}</code>`;
  return html`<br><a href="${approvalsUrl}/approvals/${encodeURIComponent(id)}" target="_blank" rel="noreferrer">How it stands</a>`;
}
