import { createUpstreamIssuer } from '../shared/upstream-issuer.ts';
import type { ServePages } from './app.ts';
import type { ApprovalsDeps } from './deps.ts';
import type { ApprovalsEnv } from './env.ts';
import { createPageSignIn, type PageSignIn } from './page-sign-in.ts';
import { createSealedCookies } from './sealed-cookies.ts';
import { type MorePages, type PagesDeps, servePages, signedInPath } from './serve-pages.ts';

/** What the authorization server calls us when it has APPROVALS_URL. */
const clientId = 'toolgate-approvals';

/** The pages for people with `more` of somebody else's, or undefined where nobody can sign in to them. Throws with a sentence for a cookie key that is none. */
export function openPages(
  env: Pick<ApprovalsEnv, 'PUBLIC_URL' | 'AUTHORIZATION_ISSUER' | 'APPROVALS_COOKIE_KEY'>,
  deps: Omit<PagesDeps, 'publicUrl' | 'signIn' | 'more'> & Pick<ApprovalsDeps, 'approvers'>,
  more?: (signIn: PageSignIn) => MorePages,
): ServePages | undefined {
  const { PUBLIC_URL: publicUrl, AUTHORIZATION_ISSUER: issuer, APPROVALS_COOKIE_KEY: key } = env;
  if (issuer === '') return undefined;
  const { now } = deps;
  const upstream = createUpstreamIssuer({
    issuer,
    clientId,
    clientSecret: '',
    scope: 'openid',
    redirectUri: publicUrl + signedInPath,
    allowHttp: issuer.startsWith('http:'),
    now,
    timeoutMs: 5000,
  });
  const cookies = createSealedCookies({ key, isSecure: publicUrl.startsWith('https:'), now });
  const signIn = createPageSignIn({
    issuer: upstream,
    cookies,
    // Slack knows people by their address.
    onAddress: (email, person) => deps.approvers.remember(email, person, now()),
  });
  const parts = { ...deps, publicUrl, signIn, more: more?.(signIn) };
  return (request, response) => servePages(request, response, parts);
}
