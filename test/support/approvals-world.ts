import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningApprovals, startApprovals } from '../../runtime/approvals/app.ts';
import { createPacing } from '../../runtime/approvals/clients/pacing.ts';
import { createSlack } from '../../runtime/approvals/clients/slack.ts';
import { type ApprovalsDeps, assembleApprovals } from '../../runtime/approvals/deps.ts';
import { type ApprovalsEnv, approvalsEnv } from '../../runtime/approvals/env.ts';
import type { ApprovalQuestion, ApprovalRequest } from '../../runtime/contract/approval.ts';
import type { DynamoDBClient } from '../../runtime/shared/dynamo.ts';
import { type Logger, silentLogger } from '../../runtime/shared/logger.ts';
import { readEnv } from '../../runtime/shared/read-env.ts';
import type { TaskAnswers } from '../../runtime/shared/workflow-tasks.ts';
import { sampleQuestion } from './approval.ts';
import { openTestDynamo, type TestDynamo, tablePrefix } from './local-dynamo.ts';
import { createMemoryAudit, type MemoryAudit } from './memory-audit.ts';
import { openPolicy } from './open-policy.ts';
import { type SlackDouble, startSlackDouble } from './slack-double.ts';
import { formOf, type Press, pressPayload, type SlackRequest, sign, submitPayload } from './slack-sender.ts';

/** The approvals service with a Slack double, an embedded store and the repository's policies, and a clock of the test's own. */
export interface ApprovalsWorld {
  readonly slack: SlackDouble;
  readonly dynamo: TestDynamo;
  readonly audit: MemoryAudit;
  readonly clock: { ms: number };
  readonly deps: ApprovalsDeps;
  readonly app: RunningApprovals;
  /** Another replica on the same store and the same Slack. */
  replica(client?: DynamoDBClient): Promise<{ readonly deps: ApprovalsDeps; readonly app: RunningApprovals }>;
  /** A question that was asked and told; `ts` is that of its card. */
  ask(changes?: Partial<ApprovalQuestion>): Promise<{ readonly request: ApprovalRequest; readonly ts: string }>;
  /** Somebody in Slack, and whom the directory knows by the address, if anybody. */
  person(
    id: string,
    known?: { readonly subject?: string; readonly tenant?: string; readonly roles?: readonly string[] },
  ): Promise<void>;
  signed(payload: object): SlackRequest;
  send(request: SlackRequest, url?: string): Promise<number>;
  /** A correctly signed press. */
  press(press: Press): Promise<number>;
  submit(userId: string, reason: string): Promise<number>;
  /** Waits for what is true soon. */
  until(claim: () => boolean | Promise<boolean>, what: string): Promise<void>;
  state(id: string): Promise<string | undefined>;
  /** What the record says: event, outcome, code. */
  records(): readonly (readonly [string, string, string | null])[];
}

interface WorldOptions {
  readonly withSocket?: boolean;
  readonly logger?: Logger;
  /** What answers the tasks of workflows that run on these tables. */
  readonly workflow?: (client: DynamoDBClient) => TaskAnswers;
}

interface TestLife {
  after(fn: () => Promise<void>): void;
}

const opened = 1_795_000_000_000;

export async function openApprovalsWorld(
  t: TestLife,
  settings: Readonly<Record<string, string>> = {},
  { withSocket = false, logger = silentLogger(), workflow }: WorldOptions = {},
): Promise<ApprovalsWorld> {
  const { policy, folder, close: closePolicy } = await openPolicy();
  const dynamo = await openTestDynamo(t);
  const slack = await startSlackDouble();
  const audit = createMemoryAudit();
  const clock = { ms: opened };
  const env: ApprovalsEnv = readEnv(approvalsEnv, {
    HOST: '127.0.0.1',
    PORT: '0',
    PUBLIC_URL: 'https://mcp.example.com',
    SLACK_BOT_TOKEN: slack.token,
    SLACK_API_URL: slack.apiUrl,
    ...(withSocket ? { SLACK_APP_TOKEN: slack.appToken } : { SLACK_SIGNING_SECRET: slack.signingSecret }),
    SLACK_CHANNELS: `acme=${slack.channel}`,
    POLICY_DIR: folder,
    TABLE_PREFIX: tablePrefix,
    AUDIT_DIR: folder,
    // The loops are called by the tests; left alone they would come too late to matter.
    APPROVALS_POLL_MS: '60000',
    DRAIN_TIMEOUT_MS: '2000',
    ...settings,
  });
  const running: RunningApprovals[] = [];

  async function replica(client: DynamoDBClient = dynamo.client) {
    const parts = assembleApprovals(env, {
      now: () => clock.ms,
      logger,
      audit,
      client,
      policy,
      slack: createSlack({
        token: slack.token,
        apiUrl: slack.apiUrl,
        pacing: createPacing({ gapMs: 0 }),
        timeoutMs: 2000,
      }),
      workflow: workflow?.(client),
    });
    const deps: ApprovalsDeps = { ...parts, problems: () => [], close: async () => {} };
    const app = await startApprovals(env, deps);
    running.push(app);
    return { deps, app };
  }

  const { deps, app } = await replica();
  t.after(async () => {
    for (const each of running) await each.close();
    await slack.close();
    await closePolicy();
  });

  const world: ApprovalsWorld = {
    slack,
    dynamo,
    audit,
    clock,
    deps,
    app,
    replica,
    async ask(changes) {
      const question = sampleQuestion({ policyRevision: policy.revision() ?? '', ...changes });
      const { id } = await deps.approvals.open(question, clock.ms);
      await deps.slack?.follow();
      let request: ApprovalRequest | undefined;
      // Where the service looks by itself, it may be the one that tells.
      await world.until(async () => {
        request = await deps.approvals.find(id, clock.ms);
        return request?.notice !== undefined;
      }, 'somebody to be told');
      if (request?.notice === undefined) throw new Error('nobody was told');
      return { request, ts: request.notice.message };
    },
    async person(id, known) {
      const email = `${id.toLowerCase()}@example.com`;
      slack.users.set(id, { id, team_id: slack.teamId, is_email_confirmed: true, profile: { email } });
      if (known === undefined) return;
      const { subject = id.toLowerCase(), tenant = 'acme', roles = ['approver'] } = known;
      await deps.approvers.remember(email, { subject, tenant, roles }, clock.ms);
    },
    signed: (payload) =>
      sign(formOf(payload), { secret: slack.signingSecret, timestampS: Math.floor(clock.ms / 1000) }),
    async send({ headers, body }, url = app.url) {
      const answer = await fetch(`${url}/slack/interactions`, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      return answer.status;
    },
    press: (press) => world.send(world.signed(pressPayload(slack, press))),
    async submit(userId, reason) {
      const view = slack.dialogs.at(-1);
      if (view === undefined) throw new Error('no dialog is open');
      return world.send(world.signed(submitPayload(slack, view, { userId, reason })));
    },
    async until(claim, what) {
      const lateMs = performance.now() + 5000;
      while (!(await claim())) {
        if (performance.now() > lateMs) throw new Error(`waited in vain: ${what}`);
        await sleep(5);
      }
    },
    state: async (id) => (await deps.approvals.find(id, clock.ms))?.state,
    records: () => audit.events.map(({ event, outcome, code }) => [event, outcome, code] as const),
  };
  return world;
}
