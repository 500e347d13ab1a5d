import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApprovals } from '../../../runtime/approvals/app.ts';
import { createPacing } from '../../../runtime/approvals/clients/pacing.ts';
import { createSlack } from '../../../runtime/approvals/clients/slack.ts';
import { assembleApprovals } from '../../../runtime/approvals/deps.ts';
import { approvalsEnv } from '../../../runtime/approvals/env.ts';
import { openPages } from '../../../runtime/approvals/open-pages.ts';
import { sampleUsers } from '../../../runtime/authorization/sample-users.ts';
import type { ApprovalQuestion, ApprovalRequest } from '../../../runtime/contract/approval.ts';
import { openSlackChannel } from '../../../runtime/local/slack-channel/open-slack-channel.ts';
import { silentLogger } from '../../../runtime/shared/logger.ts';
import { readEnv } from '../../../runtime/shared/read-env.ts';
import { freePort, startWorld } from '../../authorization/world.ts';
import { sampleQuestion } from '../../support/approval.ts';
import type { Browser, Visit } from '../../support/browser.ts';
import { tablePrefix } from '../../support/local-dynamo.ts';
import { createMemoryAudit } from '../../support/memory-audit.ts';
import { openPolicy } from '../../support/open-policy.ts';

/** The approvals service with the laptop's channel, the real authorization server with its sample users, and the real policy. */
export async function openChannelWorld(t: TestContext) {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const { issuer, store } = await startWorld(t, { env: { APPROVALS_URL: publicUrl }, servers: 'none' });
  const { policy, folder, close: closePolicy } = await openPolicy();
  const channel = await openSlackChannel({
    users: sampleUsers,
    approvalsUrl: publicUrl,
    fetch: (...args) => world.post(...args),
  });
  const audit = createMemoryAudit();
  const clock = { aheadMs: 0 };
  const env = readEnv(approvalsEnv, {
    ...channel.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    AUTHORIZATION_ISSUER: issuer,
    APPROVALS_COOKIE_KEY: randomBytes(32).toString('base64'),
    POLICY_DIR: folder,
    TABLE_PREFIX: tablePrefix,
    AUDIT_DIR: folder,
    // The tests look after open requests themselves.
    APPROVALS_POLL_MS: '60000',
    DRAIN_TIMEOUT_MS: '2000',
  });
  const now = () => Date.now() + clock.aheadMs;
  const slack = createSlack({
    token: env.SLACK_BOT_TOKEN ?? '',
    apiUrl: `${env.SLACK_API_URL}/`,
    pacing: createPacing({ gapMs: 0 }),
  });
  const parts = { now, logger: silentLogger(), audit, client: store.client, policy, slack };
  const deps = { ...assembleApprovals(env, parts), problems: () => [], close: async () => {} };
  const pages = openPages(env, deps, channel.pages);
  const app = await startApprovals(env, deps, pages);
  t.after(async () => {
    await app.close();
    await channel.close();
    await closePolicy();
  });

  const world = {
    publicUrl,
    channelUrl: `${publicUrl}/approvals/channel`,
    channel,
    audit,
    clock,
    deps,
    /** What sends interactions. */
    post: fetch,
    /** A question of oscar, who is an operator of acme, with its card in the channel. */
    async ask(changes: Partial<ApprovalQuestion> = {}): Promise<ApprovalRequest> {
      const policyRevision = policy.revision() ?? '';
      const question = sampleQuestion({ subject: 'oscar', policyRevision, ...changes });
      const { id } = await deps.approvals.open(question, now());
      return until(async () => {
        await deps.slack?.follow();
        const request = await deps.approvals.find(id, now());
        return request?.notice === undefined ? undefined : request;
      });
    },
    state: async (id: string) => (await deps.approvals.find(id, now()))?.state,
  };
  return world;
}

/** Polls until there is something, within 10 seconds. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const lateMs = performance.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > lateMs) throw new Error('waited in vain');
    await sleep(10);
  }
}

/** The form with a button of that name, as a browser would send it: below `within`, or anywhere. */
export function formOf(
  { text, url }: Visit,
  button: string,
  within = '',
): { action: string; fields: Record<string, string> } {
  const from = Math.max(0, text.indexOf(within));
  for (const [, attributes = '', inside = ''] of text.slice(from).matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
    if (!new RegExp(`<button[^>]*>${button}</button>`).test(inside)) continue;
    const fields = [...inside.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const action = /action="([^"]+)"/.exec(attributes)?.[1] ?? '';
    return {
      action: new URL(action, url).href,
      fields: Object.fromEntries(fields.map(([, name, value]) => [name, value])),
    };
  }
  throw new Error(`there is no button ${button}: ${text.slice(text.indexOf('<body>'))}`);
}

/** Presses a button, says yes to what it asks first, and follows to the page that comes. */
export async function press(browser: Browser, page: Visit, button: string, within?: string): Promise<Visit> {
  const { action, fields } = formOf(page, button, within);
  if (action.endsWith('/press')) return sent(browser, action, fields);
  const asked = await browser.go(`${action}?${new URLSearchParams(fields)}`);
  const confirm = formOf(asked, button, 'role="dialog"');
  return sent(browser, confirm.action, confirm.fields);
}

/** Sends a form and follows to the page that comes. */
export async function sent(browser: Browser, action: string, fields: Record<string, string>): Promise<Visit> {
  const answer = await browser.go(action, fields);
  return answer.next === undefined ? answer : browser.follow(answer.next);
}
