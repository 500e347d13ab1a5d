import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApprovalRequest } from '../contract/approval.ts';
import type { RefusalCode } from '../contract/refusal-codes.ts';
import type { ApprovalStore } from '../shared/approval-store.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import type { Logger } from '../shared/logger.ts';
import { readForm } from '../shared/pages/read-form.ts';
import { sendPage } from '../shared/pages/send-page.ts';
import type { ApproverPolicy } from '../shared/policy-client.ts';
import { answerProblem, overview } from './answer-problem.ts';
import type { ApprovalHistory } from './clients/approval-history.ts';
import type { Answer, AnswerOutcome } from './decide-request.ts';
import { listClosed } from './list-closed.ts';
import { lookAtRequest } from './look-at-request.ts';
import { type GrantUse, isLeft } from './messages/grant-use.ts';
import type { Precedents } from './messages/precedents.ts';
import { isFormToken, type PageSignIn, type SignedIn, seeOther } from './page-sign-in.ts';
import { listPage } from './pages/list-page.ts';
import { plainPage } from './pages/plain-page.ts';
import { requestPage } from './pages/request-page.ts';
import { noSay } from './pages/words.ts';
import { recordRefusedForm } from './record-refused-form.ts';
import { type TakeBack, whyNoTakeBack } from './take-back.ts';

/** What the pages need. */
export interface PagesDeps {
  readonly now: () => number;
  readonly approvals: Pick<ApprovalStore, 'find' | 'listOpen' | 'wholeArguments'>;
  readonly policy: ApproverPolicy;
  readonly history: Pick<ApprovalHistory, 'list'>;
  /** What people said before; undefined when that cannot be read. Never rejects. */
  readonly before: (request: ApprovalRequest) => Promise<Precedents | undefined>;
  /** What became of a yes; undefined when that cannot be read, or it is none. Never rejects. */
  readonly useOf: (request: ApprovalRequest) => Promise<GrantUse | undefined>;
  /** An approver takes a yes back, an asker a question. */
  readonly takeBack: (act: TakeBack) => Promise<AnswerOutcome>;
  readonly withdraw: (act: TakeBack) => Promise<AnswerOutcome>;
  /** One person's answer, as decideRequest takes it. */
  readonly decide: (answer: Answer) => Promise<AnswerOutcome>;
  readonly signIn: PageSignIn;
  readonly audit: Pick<AuditWriter, 'append'>;
  readonly logger: Logger;
  /** Origin that people have in their address bar. */
  readonly publicUrl: string;
  /** Pages beside these. @default none */
  readonly more?: MorePages | undefined;
}

/** Serves what is its own, behind the checks of every page, and says whether it was. */
export type MorePages = (visit: Visit) => Promise<boolean>;

export type Visit = { readonly request: IncomingMessage; readonly response: ServerResponse; readonly url: URL };

export const signedInPath = '/approvals/signed-in';

/** True for what {@link servePages} serves. */
export function isPagePath(path: string): boolean {
  return path === '/approvals' || path.startsWith('/approvals/');
}

/** Serves `/approvals` and what is below it. Never rejects. */
export async function servePages(request: IncomingMessage, response: ServerResponse, deps: PagesDeps): Promise<void> {
  protect(response, deps.publicUrl.startsWith('https:'));
  try {
    await serve({ request, response, url: new URL(request.url ?? '/', deps.publicUrl) }, deps);
  } catch (error) {
    answerProblem(response, error, deps.logger);
  }
}

async function serve(visit: Visit, deps: PagesDeps): Promise<void> {
  const { request, response, url } = visit;
  const isPost = request.method === 'POST';
  // Links and cookies are made for one host, so a foreign one (DNS rebinding, a spoofed header) ends here.
  if (request.headers.host !== new URL(deps.publicUrl).host) {
    return sendPage(response, 421, plainPage('This cannot go on', `These pages are at ${deps.publicUrl}/approvals.`));
  }
  if (isPost && !isFromUs(request, deps)) {
    const reason = 'The answer came from another site.';
    await recordRefusedForm(
      {
        request,
        path: url.pathname,
        person: deps.signIn.who(request),
        status: 403,
        code: 'origin_not_allowed',
        reason,
      },
      deps,
    );
    return sendPage(response, 403, plainPage('This cannot go on', reason, overview));
  }
  if (deps.more !== undefined && (await deps.more(visit))) return;
  const id = /^\/approvals\/([\w-]{22})$/.exec(url.pathname)?.[1];
  if (id !== undefined && (isPost || request.method === 'GET')) {
    return isPost ? answer(visit, id, deps) : show(visit, id, deps);
  }
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /approvals':
      return list(visit, deps);
    case 'GET /approvals/sign-in':
      return deps.signIn.begin(response, pathOf(url.searchParams.get('to')), true);
    case `GET ${signedInPath}`:
      return finishSignIn(visit, deps);
    case 'POST /approvals/sign-out':
      return signOut(visit, deps);
    default:
      return sendPage(response, 404, plainPage('Nothing is here', 'There is no such page.', overview));
  }
}

async function list({ request, response }: Visit, deps: PagesDeps): Promise<void> {
  const person = deps.signIn.who(request);
  if (person === undefined) return deps.signIn.begin(response, '/approvals', false);
  const open = await deps.approvals.listOpen(person.tenant, deps.now());
  const looks = open.map((each) => ({ each, look: lookAtRequest(each, person, deps) }));
  const toAnswer = looks.flatMap(({ each, look }) => (look.kind === 'seen' && look.reasons.length === 0 ? [each] : []));
  const own = looks.flatMap(({ each, look }) => (look.kind === 'seen' && look.isOwn ? [each] : []));
  const closed = await listClosed(person, deps);
  sendPage(response, 200, listPage({ person, toAnswer, own, closed, nowMs: deps.now() }));
}

async function show({ request, response, url }: Visit, id: string, deps: PagesDeps): Promise<void> {
  const person = deps.signIn.who(request);
  if (person === undefined) return deps.signIn.begin(response, url.pathname, false);
  const isLate = url.searchParams.get('late') === 'yes';
  const problem = isLate ? 'Your answer came too late. This is what stands.' : undefined;
  return sendRequest(response, id, person, deps, { status: 200, problem });
}

async function answer({ request, response, url }: Visit, id: string, deps: PagesDeps): Promise<void> {
  const person = deps.signIn.who(request);
  const form = await readForm(request);
  const refused = (status: number, code: RefusalCode, reason: string) =>
    recordRefusedForm({ request, path: url.pathname, person, status, code, reason }, deps);
  if (person === undefined) {
    await refused(401, 'credentials_missing', 'Nobody is signed in.');
    // A redirect would be held to the form's policy (CSP 3 § 6.4.1.1 form-action), and would lose the answer all the same.
    const again = { href: url.pathname, words: 'Sign in and look at it again' };
    return sendPage(response, 401, plainPage('You are signed out', 'Your answer was not stored.', again));
  }
  const verdict = form?.get('answer');
  if (form === undefined || !isFormToken(form.get('form'), person, url.pathname)) {
    const again = { href: url.pathname, words: 'Look at it again' };
    await refused(403, 'message_invalid', 'The form is not of this person, this sign-in and this question.');
    return sendPage(
      response,
      403,
      plainPage('This cannot go on', 'Your answer was not stored: the page was too old.', again),
    );
  }
  const { subject, tenant, kind, roles } = person;
  const reason = form.get('reason')?.trim() || undefined;
  const act = { requestId: id, approver: { subject, tenant, kind, roles }, reason, via: 'page' } as const;
  if (verdict === 'take-back') return told(response, await deps.takeBack(act), { id, person, deps });
  if (verdict === 'withdraw') return told(response, await deps.withdraw(act), { id, person, deps });
  if (verdict === 'approve-window') {
    return told(response, await deps.decide({ ...act, verdict: 'approve', scope: 'window' }), { id, person, deps });
  }
  if (verdict !== 'approve' && verdict !== 'deny') {
    return sendPage(response, 400, plainPage('This cannot go on', 'Answer with Approve or Deny.', overview));
  }
  return told(response, await deps.decide({ ...act, verdict }), { id, person, deps });
}

interface Told {
  readonly id: string;
  readonly person: SignedIn;
  readonly deps: PagesDeps;
}

async function told(response: ServerResponse, outcome: AnswerOutcome, { id, person, deps }: Told): Promise<void> {
  switch (outcome.kind) {
    case 'decided':
      return seeOther(response, `/approvals/${id}`);
    case 'closed':
      return seeOther(response, `/approvals/${id}${outcome.isOwn ? '' : '?late=yes'}`);
    case 'refused': {
      const status = outcome.reasons.every((reason) => reason === 'reason_missing') ? 400 : 403;
      const problem = `Your answer does not count. ${noSay(outcome.reasons)}`;
      return sendRequest(response, id, person, deps, { status, problem });
    }
    case 'unknown':
      return sendRequest(response, id, person, deps, { status: 404 });
  }
}

/** The question as it stands now, as far as it is this person's business. */
async function sendRequest(
  response: ServerResponse,
  id: string,
  person: SignedIn,
  deps: PagesDeps,
  { status, problem }: { readonly status: number; readonly problem?: string | undefined },
): Promise<void> {
  const request = await deps.approvals.find(id, deps.now());
  const look = lookAtRequest(request, person, deps);
  const other = { href: `/approvals/sign-in?to=/approvals/${id}`, words: 'Use another account' };
  if (request === undefined || look.kind === 'unknown') {
    const sentence = `There is no such approval in your tenant, ${person.tenant}.`;
    return sendPage(response, 404, plainPage('Nothing is here', sentence, other));
  }
  if (look.kind !== 'seen') {
    const sentence = `You are ${person.displayName}, and approvals of others are for the approvers of tenant ${person.tenant}.`;
    return sendPage(response, 403, plainPage('This is not for you', sentence, other));
  }
  const { isOwn, reasons, mayOpenWindow } = look;
  const [wholeArguments, before, use] = await Promise.all([
    deps.approvals.wholeArguments(request),
    deps.before(request),
    deps.useOf(request),
  ]);
  const nowMs = deps.now();
  const canTakeBack = use !== undefined && isLeft(use, nowMs) && whyNoTakeBack(request, person, deps).length === 0;
  const may = { isOwn, reasons, mayOpenWindow, canTakeBack };
  sendPage(response, status, requestPage({ request, wholeArguments, person, ...may, nowMs, before, use, problem }));
}

async function finishSignIn({ request, response, url }: Visit, { signIn }: PagesDeps): Promise<void> {
  const next = await signIn.finish(request, response, url);
  if (next !== undefined) return seeOther(response, next);
  // Another tab was quicker.
  if (signIn.who(request) !== undefined) return seeOther(response, '/approvals');
  const again = { href: '/approvals', words: 'Sign in' };
  sendPage(response, 400, plainPage('Too late', 'This sign-in was not begun in this browser, or too long ago.', again));
}

async function signOut({ request, response, url }: Visit, { signIn }: PagesDeps): Promise<void> {
  const person = signIn.who(request);
  const form = await readForm(request);
  if (person !== undefined && !isFormToken(form?.get('form') ?? null, person, url.pathname)) {
    return sendPage(response, 403, plainPage('This cannot go on', 'You are still signed in.', overview));
  }
  signIn.end(response);
  const again = { href: '/approvals/sign-in', words: 'Sign in' };
  sendPage(response, 200, plainPage('You are signed out', 'Nobody can answer from this browser now.', again));
}

/** Where a sign-in leads to: our own pages only. */
function pathOf(to: string | null): string {
  return to !== null && /^\/approvals(\/[\w-]{22})?$/.test(to) ? to : '/approvals';
}

/** Browsers say where a form came from. Other programs need not; they cannot have the form's token of somebody else. */
function isFromUs(request: IncomingMessage, { publicUrl }: PagesDeps): boolean {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  return (
    (site === undefined || site === 'same-origin') && (origin === undefined || origin === new URL(publicUrl).origin)
  );
}

function protect(response: ServerResponse, isSecure: boolean): void {
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  if (isSecure) response.setHeader('strict-transport-security', 'max-age=63072000; includeSubDomains');
}
