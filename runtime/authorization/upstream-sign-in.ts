import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { Logger } from '../shared/logger.ts';
import { sendPage } from '../shared/pages/send-page.ts';
import type { UpstreamIssuer } from '../shared/upstream-issuer.ts';
import { UpstreamProblem, type UpstreamProblemKind } from '../shared/upstream-problem.ts';
import { accountOf, type ClaimRules, NoAccount } from './account-claims.ts';
import type { Accounts } from './accounts.ts';
import { leaveOtherAccount } from './leave-other-account.ts';
import { errorPage } from './pages/pages.ts';
import type { SignInsUnderWay, SignInUnderWay, Taken } from './sign-ins-under-way.ts';

/** What sign-in through the upstream issuer needs. */
export interface UpstreamSignIn {
  /** Ours: https means that cookies are for https alone. */
  readonly ownIssuer: string;
  readonly upstream: UpstreamIssuer;
  readonly signIns: SignInsUnderWay;
  readonly accounts: Accounts;
  readonly rules: ClaimRules;
  readonly logger: Logger;
}

export const callbackPath = '/sign-in/callback';

type Question = Awaited<ReturnType<Provider['interactionDetails']>>;

const cookieSeconds = 3600;
const again = 'Go back to your client and sign in again.';

/** Sends the browser to the upstream issuer, and remembers which browser that is. */
export async function beginSignIn(
  request: IncomingMessage,
  response: ServerResponse,
  question: Question,
  parts: UpstreamSignIn,
): Promise<void> {
  // A person who asked to be asked, or for another account, must not come back as whoever is signed in there.
  const mustAsk = question.prompt.reasons.some((reason) => reason === 'login_prompt' || reason === 'max_age');
  // One name for all tabs of a browser, so that a second sign-in does not end the first.
  const browser = browserOf(request, parts) ?? randomBytes(32).toString('base64url');
  const signIn = await parts.signIns.begin(question.uid, browser);
  try {
    const url = await parts.upstream.authorizationUrl(signIn, mustAsk);
    response.setHeader('set-cookie', cookieOf(browser, parts));
    response.writeHead(303, { location: url.href, 'cache-control': 'no-store', 'content-length': '0' }).end();
  } catch (error) {
    answerProblem(response, error, parts);
  }
}

/** `GET /sign-in/callback`: the browser comes back. Whatever does not fit grants nothing. */
export async function serveCallback(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  parts: UpstreamSignIn,
): Promise<void> {
  if (request.method !== 'GET') return sendPage(response, 404, errorPage('Nothing is here', 'There is no such page.'));
  const callback = new URL(request.url ?? '', parts.ownIssuer);
  const taken = await parts.signIns.take(callback.searchParams.get('state') ?? '', browserOf(request, parts));
  if ('why' in taken) return answerStranger(response, taken, parts);
  try {
    const question = await findQuestion(provider, taken.signIn);
    if (question === undefined) return answerStranger(response, { why: 'unknown' }, parts);
    const claims = await parts.upstream.redeem(callback, taken.signIn);
    const account = accountOf(claims, parts.rules);
    await parts.accounts.save(account);
    await answerQuestion(question, account.subject, provider);
    parts.logger.info({ subject: account.subject, tenant: account.tenant }, 'signed in');
    response.writeHead(303, { location: question.returnTo, 'cache-control': 'no-store', 'content-length': '0' }).end();
  } catch (error) {
    answerProblem(response, error, parts);
  }
}

/** The question that the sign-in answers, while it is open; its own cookies bind what follows to the browser once more. */
async function findQuestion(provider: Provider, { uid }: SignInUnderWay): Promise<Question | undefined> {
  const question = await provider.Interaction.find(uid);
  return question?.prompt.name === 'login' ? question : undefined;
}

async function answerQuestion(question: Question, subject: string, provider: Provider): Promise<void> {
  await leaveOtherAccount(question, subject, provider);
  question.result = { login: { accountId: subject } };
  await question.persist();
}

const ofStrangers: Readonly<Record<Exclude<Taken, { signIn: unknown }>['why'], readonly [number, string, string]>> = {
  unknown: [400, 'Too late', `This sign-in is not known here, or it took too long. ${again}`],
  used: [400, 'Too late', `This sign-in was used already. ${again}`],
  elsewhere: [403, 'This cannot go on', `This sign-in was begun in another browser. ${again}`],
};

const ofProblems: Readonly<Record<UpstreamProblemKind, readonly [number, string, string]>> = {
  denied: [403, 'You were not signed in', `Your organisation’s sign-in said no. ${again}`],
  silent: [503, 'Not right now', 'Your organisation’s sign-in cannot be reached. Try again in a moment.'],
  slow: [504, 'Not right now', 'Your organisation’s sign-in did not answer in time. Try again in a moment.'],
  unusable: [502, 'This cannot go on', `Your organisation’s sign-in gave an answer that cannot be used here. ${again}`],
};

function answerStranger(
  response: ServerResponse,
  { why }: Exclude<Taken, { signIn: unknown }>,
  { logger }: UpstreamSignIn,
): void {
  const [status, heading, sentence] = ofStrangers[why];
  logger.warn({ why }, 'a sign-in came back that cannot be taken');
  sendPage(response, status, errorPage(heading, sentence));
}

/** Throws what is no problem of the upstream issuer. */
function answerProblem(response: ServerResponse, error: unknown, { logger, upstream }: UpstreamSignIn): void {
  if (error instanceof NoAccount) {
    logger.warn({ issuer: upstream.issuer, detail: error.message }, 'a person has no account here');
    sendPage(response, 403, errorPage('You have no place here yet', error.message));
    return;
  }
  if (!(error instanceof UpstreamProblem)) throw error;
  const [status, heading, sentence] = ofProblems[error.kind];
  logger.warn({ issuer: upstream.issuer, why: error.kind, detail: error.message }, 'nobody was signed in');
  if (status === 503 || status === 504) response.setHeader('retry-after', '5');
  sendPage(response, status, errorPage(heading, sentence));
}

function cookieName({ ownIssuer }: UpstreamSignIn): string {
  return ownIssuer.startsWith('https:') ? '__Host-toolgate-sign-in' : 'toolgate-sign-in';
}

function cookieOf(browser: string, parts: UpstreamSignIn): string {
  const secure = parts.ownIssuer.startsWith('https:') ? '; Secure' : '';
  // Lax, because the upstream issuer's site sends the browser back.
  return `${cookieName(parts)}=${browser}; Path=/; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

function browserOf(request: IncomingMessage, parts: UpstreamSignIn): string | undefined {
  const prefix = `${cookieName(parts)}=`;
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length);
  return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
}
