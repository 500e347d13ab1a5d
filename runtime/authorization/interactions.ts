import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client, Provider } from 'oidc-provider';
import { readForm } from '../shared/pages/read-form.ts';
import { sendPage } from '../shared/pages/send-page.ts';
import { clientKindOf, isLoopbackUri } from './client-kinds.ts';
import { type Consents, mayRemember } from './consents.ts';
import { leaveOtherAccount } from './leave-other-account.ts';
import {
  chooserPage,
  consentPage,
  errorPage,
  noIdentityProviderPage,
  type ShownClient,
  signedOutPage,
} from './pages/pages.ts';
import type { Resources } from './resources.ts';
import type { Account, SampleUser } from './sample-users.ts';
import { type StepUpScope, withApprovalScope } from './step-up-scope.ts';
import { beginSignIn, type UpstreamSignIn } from './upstream-sign-in.ts';
import { waitForYes } from './wait-for-yes.ts';

export interface InteractionParts {
  readonly issuer: string;
  readonly resources: Resources;
  readonly consents: Consents;
  readonly stepUp: StepUpScope;
  /** Origin of the page where people answer questions; empty when there is none. */
  readonly approvalsUrl: string;
  readonly now: () => number;
  /** Empty in a deployed configuration. */
  readonly users: readonly SampleUser[];
  /** Where people sign in; undefined with sample users, and where nobody can. */
  readonly signIn: UpstreamSignIn | undefined;
  readonly findAccount: (subject: string) => Promise<Account | undefined>;
}

type Question = Awaited<ReturnType<Provider['interactionDetails']>>;

const askedAgain = 'This question is no longer open. Go back to your client and sign in again.';

/** Serves `/interaction/{uid}`: asks who the person is, and whether the client may. */
export async function serveInteraction(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  parts: InteractionParts,
): Promise<void> {
  const uid = /^\/interaction\/([\w-]{1,64})$/.exec(request.url ?? '')?.[1];
  const isPost = request.method === 'POST';
  if (uid === undefined || (!isPost && request.method !== 'GET')) {
    return sendPage(response, 404, errorPage('Nothing is here', 'There is no such page.'));
  }
  if (isPost && !isSameOrigin(request, parts.issuer)) {
    return sendPage(response, 403, errorPage('This cannot go on', 'The answer came from another site.'));
  }
  const question = await openQuestion(request, response, provider);
  if (question?.uid !== uid) return sendPage(response, 400, errorPage('Too late', askedAgain));
  const client = await provider.Client.find(String(question.params.client_id));
  if (client === undefined) return sendPage(response, 400, errorPage('Too late', askedAgain));
  if (!isPost) return ask(request, response, provider, question, client, parts);
  return answer(request, response, provider, question, client, parts);
}

async function openQuestion(request: IncomingMessage, response: ServerResponse, provider: Provider) {
  try {
    return await provider.interactionDetails(request, response);
  } catch (error) {
    if ((error as { name?: string }).name === 'SessionNotFound') return undefined;
    throw error;
  }
}

async function ask(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  question: Question,
  client: Client,
  parts: InteractionParts,
): Promise<void> {
  if (question.prompt.name === 'login' && parts.signIn !== undefined) {
    return beginSignIn(request, response, question, parts.signIn);
  }
  const redirectUri = String(question.params.redirect_uri);
  if (question.prompt.name === 'approval') {
    const clientName = showClient(client, redirectUri).name;
    return waitForYes(request, response, provider, { question, client, clientName }, parts);
  }
  const content = await contentOf(question, client, redirectUri, parts);
  if (content === undefined) sendPage(response, 400, errorPage('Too late', askedAgain));
  else sendPage(response, 200, content, redirectUri);
}

async function contentOf(
  question: Question,
  client: Client,
  redirectUri: string,
  parts: InteractionParts,
): Promise<string | undefined> {
  const action = `/interaction/${question.uid}`;
  const shown = showClient(client, redirectUri);
  if (question.prompt.name === 'login') {
    return parts.users.length === 0 ? noIdentityProviderPage(action) : chooserPage(shown, parts.users, action);
  }
  const account = await parts.findAccount(question.session?.accountId ?? '');
  const asked = askedScopes(question, client, parts.resources);
  if (account === undefined || asked === undefined) return undefined;
  const { resource, scopes } = asked;
  const isRemembered = mayRemember(client.clientId, redirectUri);
  return consentPage({ client: shown, account, resource, scopes, isRemembered, shown: hashOf(asked), action });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  question: Question,
  client: Client,
  parts: InteractionParts,
): Promise<void> {
  const form = await readForm(request);
  const choice = form?.get('choice');
  if (choice === 'deny') {
    const denied = { error: 'access_denied', error_description: 'the person said no' };
    return provider.interactionFinished(request, response, denied, { mergeWithLastSubmission: false });
  }
  // A form of an earlier question, sent again by the back button: show the one that is open.
  if (form?.get('prompt') !== question.prompt.name) return seeOther(response, `/interaction/${question.uid}`);
  if (question.prompt.name === 'login') {
    const user = parts.users.find(({ name }) => name === form.get('user'));
    if (user === undefined) return sendPage(response, 400, errorPage('This cannot go on', 'There is no such user.'));
    await leaveOtherAccount(question, user.subject, provider);
    await question.persist();
    const result = { login: { accountId: user.subject } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  // Another person answers that, elsewhere.
  if (question.prompt.name === 'approval') return seeOther(response, `/interaction/${question.uid}`);
  if (choice === 'switch') return switchAccount(response, provider, question, parts);
  const asked = askedScopes(question, client, parts.resources);
  const subject = question.session?.accountId;
  if (choice !== 'allow' || asked === undefined || subject === undefined) {
    return sendPage(response, 400, errorPage('This cannot go on', 'Answer with Allow or Deny.'));
  }
  // A server may have changed its words while the page was open. A program that drives the form shows nothing, so it has no hash.
  if ((form.get('shown') ?? hashOf(asked)) !== hashOf(asked)) return seeOther(response, `/interaction/${question.uid}`);
  const scopes = asked.scopes.map(([scope]) => scope);
  const grant = new provider.Grant({ accountId: subject, clientId: client.clientId });
  if (scopes.length > 0) grant.addResourceScope(asked.resource.uri, scopes.join(' '));
  if (asked.hasOpenid) grant.addOIDCScope('openid');
  if (mayRemember(client.clientId, String(question.params.redirect_uri))) {
    const said = { subject, clientId: client.clientId, resource: asked.resource.uri };
    await parts.consents.remember({ ...said, scopes: new Map(asked.scopes) });
  }
  const result = { consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

/** Signs the person out and asks the same question anew. */
async function switchAccount(
  response: ServerResponse,
  provider: Provider,
  question: Question,
  { issuer, signIn }: InteractionParts,
): Promise<void> {
  const uid = question.session?.uid;
  const session = uid === undefined ? undefined : await provider.Session.findByUid(uid);
  await session?.destroy();
  await question.destroy();
  const url = new URL('/authorize', issuer);
  for (const [name, value] of Object.entries(question.params)) {
    if (typeof value === 'string') url.searchParams.set(name, value);
  }
  if (signIn === undefined) return seeOther(response, url.pathname + url.search);
  // Whoever is signed in upstream would be let in again without a question.
  url.searchParams.set('prompt', String(question.params.prompt ?? '').includes('consent') ? 'login consent' : 'login');
  // A redirect would be held to the form's policy (CSP 3 § 6.4.1.1 form-action), and where the upstream issuer leads on to nobody knows.
  response.setHeader('refresh', `0; url=${url.pathname}${url.search}`);
  sendPage(response, 200, signedOutPage(url.pathname + url.search));
}

function askedScopes({ params }: Question, { clientId }: Client, resources: Resources) {
  const found = resources.find(String(params.resource));
  if (found === undefined) return undefined;
  const resource = withApprovalScope(found, clientId);
  const asked = [...new Set(String(params.scope ?? '').split(' '))];
  const scopes = asked.flatMap((scope) => {
    const words = resource.scopes.get(scope);
    return words === undefined ? [] : [[scope, words] as const];
  });
  return { resource, scopes, hasOpenid: asked.includes('openid') };
}

function hashOf({ resource, scopes }: NonNullable<ReturnType<typeof askedScopes>>): string {
  return hash('sha256', JSON.stringify([resource.uri, resource.title, scopes]), 'base64url');
}

function showClient(client: Client, redirectUri: string): ShownClient {
  const kind = clientKindOf(client.clientId);
  return {
    name: client.clientName ?? (kind === 'document' ? new URL(client.clientId).host : 'A client without a name'),
    verifiedHost: kind === 'document' ? new URL(client.clientId).host : undefined,
    redirectHost: new URL(redirectUri).host,
    isLoopback: isLoopbackUri(redirectUri),
    isOurs: kind === 'command-line',
  };
}

/** Browsers say where a form came from; other programs need not, and have no cookies to be misused. */
function isSameOrigin(request: IncomingMessage, issuer: string): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = request.headers;
  return origin === undefined || origin === issuer;
}

function seeOther(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'content-length': '0' }).end();
}
