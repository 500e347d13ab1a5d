import type { ApprovalRequest } from '../contract/approval.ts';
import { grantTable } from '../contract/tables.ts';
import { type ApprovalStore, createApprovalStore } from '../shared/approval-store.ts';
import { openAudit } from '../shared/audit/open-audit.ts';
import type { AuditWriter } from '../shared/audit-writer.ts';
import { createDynamoClient, type DynamoDBClient } from '../shared/dynamo.ts';
import { createLease, type Lease } from '../shared/lease.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import { openPolicy } from '../shared/policy-source/open-policy.ts';
import { createStepFunctionsAnswers, createStepFunctionsClient } from '../shared/step-functions.ts';
import { createWorkflowTasks, type TaskAnswers } from '../shared/workflow-tasks.ts';
import { type ApprovalHistory, createApprovalHistory } from './clients/approval-history.ts';
import { type ApproverDirectory, createApproverDirectory } from './clients/approver-directory.ts';
import { createClaim } from './clients/claims.ts';
import { createGrantUses } from './clients/grant-uses.ts';
import { createSlack, type Slack, SlackFailure } from './clients/slack.ts';
import { createSlackEvents, type SlackEvents } from './clients/slack-events.ts';
import { type Answer, type AnswerOutcome, type DecideDeps, decideRequest } from './decide-request.ts';
import type { ApprovalsEnv } from './env.ts';
import { createFollowRequests } from './follow-requests.ts';
import { createFollowWorkflows, type NoticeReports } from './follow-workflows.ts';
import { createListUnsettled } from './list-unsettled.ts';
import { receiveClick } from './receive-click.ts';
import type { ReceiveSlackDeps } from './receive-slack-request.ts';
import { createSettleRequests } from './settle-requests.ts';
import { type ShowOutcomeDeps, showOutcome } from './show-outcome.ts';
import { finishTakeBack, type TakeBack, takeBackYes, withdrawRequest } from './take-back.ts';
import { tellWorkflow } from './tell-workflow.ts';
import { createWatchYeses } from './watch-yeses.ts';

/** Everything that the approvals service may reach. A plain object of functions, made once. */
export interface ApprovalsDeps {
  readonly now: () => number;
  readonly logger: Logger;
  readonly audit: AuditWriter;
  readonly approvals: ApprovalStore;
  readonly policy: DecideDeps['policy'];
  /** Who an address in Slack is; whoever signs in to the page is put there. */
  readonly approvers: ApproverDirectory;
  /** How questions ended. */
  readonly history: ApprovalHistory;
  /** What people said before; undefined when that cannot be read. Never rejects. */
  readonly before: ShowOutcomeDeps['before'];
  /** One person's answer, from whatever surface. */
  readonly decide: (answer: Answer) => Promise<AnswerOutcome>;
  /** What became of a yes; undefined when that cannot be read, or it is none. Never rejects. */
  readonly useOf: ShowOutcomeDeps['useOf'];
  /** An approver takes a yes back. */
  readonly takeBack: (act: TakeBack) => Promise<AnswerOutcome>;
  /** An asker takes a question back. */
  readonly withdraw: (act: TakeBack) => Promise<AnswerOutcome>;
  /** The one replica that sweeps and sends. */
  readonly lease: Lease;
  /** The sweep over what is left to do. */
  readonly settle: () => Promise<void>;
  /** Tells workflows whether people have been told, one look a call; undefined where there is no workflow. */
  readonly followWorkflows: ((signal?: AbortSignal) => Promise<void>) | undefined;
  /** Undefined where nobody set up Slack: people then answer on the page. */
  readonly slack: SlackSide | undefined;
  /** What is wrong with parts that are there, one phrase each. */
  readonly problems: () => readonly string[];
  /** Ends clients; the record is closed last. */
  readonly close: () => Promise<void>;
}

export interface SlackSide {
  readonly events: SlackEvents;
  /** Tells people of open requests, one look a call. */
  readonly follow: (signal?: AbortSignal) => Promise<void>;
  /** For messages over HTTP; undefined with a socket. */
  readonly receive: ReceiveSlackDeps | undefined;
}

/** What is made outside, so that a test or the laptop may bring its own. */
export interface ApprovalsParts {
  readonly now: () => number;
  readonly logger: Logger;
  readonly audit: AuditWriter;
  readonly client: DynamoDBClient;
  readonly policy: DecideDeps['policy'];
  /** @default the paced one of SLACK_BOT_TOKEN */
  readonly slack?: Slack | undefined;
  /** Answers the tasks of workflows. @default there are none */
  readonly workflow?: TaskAnswers | undefined;
}

export function assembleApprovals(env: ApprovalsEnv, parts: ApprovalsParts): Omit<ApprovalsDeps, 'problems' | 'close'> {
  const { now, logger, audit, client, policy } = parts;
  const tablePrefix = env.TABLE_PREFIX;
  const approvals = createApprovalStore({
    client,
    tablePrefix,
    onUnreadable: (key) => logger.error({ key }, 'an item in the list of requests is none; it is left out'),
  });
  const approvers = createApproverDirectory({ client, tablePrefix, listed: env.SLACK_APPROVERS });
  const history = createApprovalHistory({ client, tablePrefix });
  const before: ShowOutcomeDeps['before'] = (request) =>
    history.before(request, now()).catch((error: unknown) => {
      logger.warn({ err: error, approval: request.id }, 'what was answered before could not be read');
      return undefined;
    });
  const grantUses = createGrantUses({ client, tablePrefix });
  const useOf: ShowOutcomeDeps['useOf'] = (request) =>
    grantUses.find(request).catch((error: unknown) => {
      logger.warn({ err: error, approval: request.id }, 'what became of a yes could not be read');
      return undefined;
    });
  const slack = parts.slack ?? openSlack(env);
  /** Cards that show it already, while something else is told again. */
  const shown = new Set<string>();
  async function showCard(request: ApprovalRequest): Promise<void> {
    if (shown.has(request.id)) return;
    await changeCard(request);
    shown.add(request.id);
    yeses.watch(request);
  }
  async function changeCard(request: ApprovalRequest): Promise<void> {
    if (slack === undefined) return;
    await showOutcome(request, { slack, approvals, before, useOf, now }).catch((error: unknown) => {
      // A card that is gone, or a channel that we may not write to any more, will not be told tomorrow either.
      if (!(error instanceof SlackFailure) || error.kind !== 'refused') throw error;
      logger.warn({ err: error, approval: request.id }, 'the card of a closed request cannot be changed');
    });
  }
  const yeses = createWatchYeses({ now, logger, useOf, show: changeCard });
  const tasks = parts.workflow && createWorkflowTasks({ client, tablePrefix, answers: parts.workflow });
  const deciding: DecideDeps = {
    approvals,
    policy,
    audit,
    now,
    showOutcome: async (request) => {
      await everything([
        history.note(request),
        showCard(request),
        tasks && tellWorkflow(request, { tasks, tenant: policy.tenant, now }),
      ]);
      shown.delete(request.id);
    },
  };
  const decide = (answer: Answer) => decideRequest(answer, deciding);
  // Both loops read the same list, and one replica does for all of them.
  const looked = { ...approvals, listUnsettled: createListUnsettled(approvals.listUnsettled, now) };
  const lease = createLease({
    client,
    now,
    table: `${tablePrefix}${grantTable.name}`,
    key: { pk: 'claim#lease#open-requests', sk: 'claim' },
    code: 'approval_unavailable',
    heldMs: 15_000,
    // Slack takes one message a second, whoever sends it.
    handOverMs: 1000,
  });
  const showTakenBack = (request: ApprovalRequest) => everything([history.noteTakenBack(request), changeCard(request)]);
  const taking = { ...deciding, approvals, grantUses, showTakenBack };
  const sweep = createSettleRequests({
    ...deciding,
    approvals: looked,
    logger,
    isOurs: lease.hold,
    finishTakeBack: (request) => finishTakeBack(request, taking),
  });
  const settle = async () => {
    await sweep();
    if (slack !== undefined) await yeses.look();
  };
  const takeBack = (act: TakeBack) => takeBackYes(act, taking);
  const withdraw = (act: TakeBack) => withdrawRequest(act, taking);
  const channelOf = slack === undefined ? () => undefined : lookUp(env.SLACK_CHANNELS);
  const workflows =
    tasks && createFollowWorkflows({ now, logger, approvals: looked, tasks, channelOf, isOurs: lease.hold });
  const closing = { decide, lease, settle, followWorkflows: workflows?.look };
  const common = {
    now,
    logger,
    audit,
    approvals,
    policy,
    approvers,
    history,
    before,
    useOf,
    takeBack,
    withdraw,
    ...closing,
  };
  if (slack === undefined) return { ...common, slack: undefined };

  const claim = createClaim({ client, tablePrefix, now });
  const pageUrl = (id: string) => `${env.PUBLIC_URL}/approvals${id === '' ? '' : `/${id}`}`;
  const events = createSlackEvents({
    appToken: env.SLACK_APP_TOKEN,
    apiUrl: `${env.SLACK_API_URL}/`,
    onClick: (click) => receiveClick(click, { ...common, slack, pageUrl }),
  });
  const follow = createFollowRequests(
    {
      now,
      logger,
      approvals: looked,
      slack,
      claim,
      before,
      useOf,
      pageUrl,
      channelOf,
      isOurs: lease.hold,
      isSlackAway: (error) => error instanceof SlackFailure && error.kind !== 'refused',
      refusalOf: (error) => (error instanceof SlackFailure && error.kind === 'refused' ? error.message : undefined),
      reports: workflows ?? reportsToNobody,
    },
    {
      cardsPerAskerMax: env.CARDS_PER_ASKER_MAX,
      remindAfterMs: env.REMIND_AFTER_MS,
      escalateAfterMs: env.ESCALATE_AFTER_MS,
      escalationChannelOf: lookUp(env.SLACK_ESCALATION_CHANNELS),
    },
  );
  const signingSecret = env.SLACK_SIGNING_SECRET;
  const receive = signingSecret === undefined ? undefined : { now, logger, audit, claim, signingSecret, events };
  return { ...common, slack: { events, follow, receive } };
}

/** Makes everything once. Rejects with one sentence when the audit record or the policy folder cannot be used; nothing else stops the boot. */
export async function createApprovalsDeps(env: ApprovalsEnv): Promise<ApprovalsDeps> {
  const now = Date.now;
  const logger = createLogger('approvals', env.LOG_LEVEL);
  const audit = await openAudit(env, { now, logger });
  const client = createDynamoClient({
    region: env.AWS_REGION,
    ...(env.DYNAMODB_ENDPOINT !== '' && {
      endpoint: env.DYNAMODB_ENDPOINT,
      // An embedded DynamoDB asks for credentials and looks at none.
      credentials: { accessKeyId: 'embedded', secretAccessKey: 'embedded' },
    }),
  });
  const { policy, source } = await openPolicy(env, { client, now, logger });
  const stepFunctions = createStepFunctionsClient(env.AWS_REGION);
  const workflow = env.APPROVAL_WORKFLOW_ARN === '' ? undefined : createStepFunctionsAnswers(stepFunctions);
  return {
    ...assembleApprovals(env, { now, logger, audit, client, policy, workflow }),
    problems: () => [
      ...(audit.status().isWriting ? [] : ['the audit record cannot be written']),
      ...(policy.revision() === undefined ? ['there is no policy'] : []),
    ],
    close: async () => {
      source?.close();
      policy.close();
      await audit.close();
      client.destroy();
      stepFunctions.destroy();
    },
  };
}

const reportsToNobody: NoticeReports = { told: () => {}, refused: () => {} };

/** All of it, however the others end; rejects with the first failure. */
async function everything(work: readonly (Promise<void> | undefined)[]): Promise<void> {
  const ended = await Promise.allSettled(work);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

function lookUp(channels: ReadonlyMap<string, string>): (tenant: string) => string | undefined {
  return (tenant) => channels.get(tenant) ?? channels.get('*');
}

function openSlack(env: ApprovalsEnv): Slack | undefined {
  if (env.SLACK_BOT_TOKEN === undefined) return undefined;
  return createSlack({ token: env.SLACK_BOT_TOKEN, apiUrl: `${env.SLACK_API_URL}/` });
}
