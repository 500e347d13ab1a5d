import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import { createApprovalHistory } from '../../runtime/approvals/clients/approval-history.ts';
import { createGrantUses } from '../../runtime/approvals/clients/grant-uses.ts';
import { decideRequest } from '../../runtime/approvals/decide-request.ts';
import { createPageSignIn } from '../../runtime/approvals/page-sign-in.ts';
import { createSealedCookies } from '../../runtime/approvals/sealed-cookies.ts';
import { servePages, signedInPath } from '../../runtime/approvals/serve-pages.ts';
import { type TakeBack, takeBackYes, withdrawRequest } from '../../runtime/approvals/take-back.ts';
import type { ApprovalQuestion, ApprovalRequest } from '../../runtime/contract/approval.ts';
import { createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { silentLogger } from '../../runtime/shared/logger.ts';
import { createUpstreamIssuer } from '../../runtime/shared/upstream-issuer.ts';
import { freePort, startWorld } from '../authorization/world.ts';
import { sampleQuestion } from '../support/approval.ts';
import { type Browser, openBrowser, type Visit } from '../support/browser.ts';
import { tablePrefix } from '../support/local-dynamo.ts';
import { createMemoryAudit } from '../support/memory-audit.ts';
import { openPolicy } from '../support/open-policy.ts';

/** The pages on a real store, the real policy and the real authorization server with its sample users. */
export async function openPages(t: TestContext, options: { readonly cookieKey?: string } = {}) {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const { issuer, store } = await startWorld(t, { env: { APPROVALS_URL: publicUrl } });
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  const { policy, close: closePolicy } = await openPolicy();
  const approvals = createApprovalStore({ client: store.client, tablePrefix });
  const audit = createMemoryAudit();
  const told: ApprovalRequest[] = [];
  const history = createApprovalHistory({ client: store.client, tablePrefix });
  const grantUses = createGrantUses({ client: store.client, tablePrefix });
  const taking = () => ({
    approvals,
    policy,
    audit,
    now,
    grantUses,
    showOutcome,
    showTakenBack: history.noteTakenBack,
  });
  const showOutcome = async (request: ApprovalRequest) => {
    await history.note(request);
    told.push(request);
  };
  const cookies = createSealedCookies({
    key: options.cookieKey ?? randomBytes(32).toString('base64'),
    isSecure: false,
    now,
  });
  const signIn = createPageSignIn({
    cookies,
    issuer: createUpstreamIssuer({
      issuer,
      clientId: 'toolgate-approvals',
      clientSecret: '',
      scope: 'openid',
      redirectUri: publicUrl + signedInPath,
      allowHttp: true,
      now: Date.now,
      timeoutMs: 5000,
    }),
  });
  const deps = {
    now,
    approvals,
    policy,
    history,
    before: (request: ApprovalRequest) => history.before(request, now()).catch(() => undefined),
    useOf: (request: ApprovalRequest) => grantUses.find(request).catch(() => undefined),
    takeBack: (act: TakeBack) => takeBackYes(act, taking()),
    withdraw: (act: TakeBack) => withdrawRequest(act, taking()),
    signIn,
    audit,
    logger: silentLogger(),
    publicUrl,
    decide: (answer: Parameters<typeof decideRequest>[0]) =>
      decideRequest(answer, { approvals, policy, audit, now, showOutcome }),
  };
  const server = createServer((request, response) => void servePages(request, response, deps));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await closePolicy();
  });

  /** A question of oscar, who is an operator of acme, under the policy in force. */
  function ask(changes: Partial<ApprovalQuestion> = {}): Promise<ApprovalRequest> {
    const policyRevision = policy.revision() ?? '';
    return approvals.open(sampleQuestion({ subject: 'oscar', policyRevision, ...changes }), now());
  }

  /** Somebody's answer, as the page takes it. */
  function answer(request: ApprovalRequest, subject: string, verdict: 'approve' | 'deny' = 'approve', reason?: string) {
    const approver = { subject, tenant: request.tenant, kind: 'human', roles: ['approver'] } as const;
    return deps.decide({ requestId: request.id, approver, verdict, reason, via: 'page' });
  }

  return { publicUrl, issuer, approvals, audit, told, clock, ask, answer, store };
}

/** A browser in which a sample user has signed in on the way to `url`; the page that came. */
export async function openAs(user: string, url: string): Promise<{ readonly browser: Browser; readonly page: Visit }> {
  const browser = openBrowser();
  const chooser = await browser.follow(url);
  const { next } = await browser.go(chooser.url, { prompt: 'login', user });
  if (next === undefined) throw new Error(`nobody called ${user} can sign in: ${chooser.text}`);
  return { browser, page: await browser.follow(next) };
}

/** The hidden field of the form that leads to `action`. */
export function formFieldOf({ text }: Visit, action: string): string {
  const form = new RegExp(`action="${action}"><input type="hidden" name="form" value="([^"]+)"`).exec(text);
  if (form?.[1] === undefined) throw new Error(`the page has no form for ${action}`);
  return form[1];
}
