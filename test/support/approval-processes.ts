import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import type { ModalView } from '@slack/types';
import type { ApprovalRequest } from '../../runtime/contract/approval.ts';
import { approvalWorkflow } from '../../runtime/contract/approval-workflow.ts';
import type { AuditRecord } from '../../runtime/contract/audit-event.ts';
import { tables } from '../../runtime/contract/tables.ts';
import { taskTokenAttribute } from '../../runtime/contract/workflow-input.ts';
import { createTables } from '../../runtime/local/dynamo.ts';
import { type ApprovalStore, createApprovalStore } from '../../runtime/shared/approval-store.ts';
import { findRecords } from '../../runtime/shared/audit/show-records.ts';
import { verifyAuditDirectory } from '../../runtime/shared/audit/verify-audit-directory.ts';
import { createCatalogueStore } from '../../runtime/shared/catalogue-store.ts';
import { createDynamoClient } from '../../runtime/shared/dynamo.ts';
import { type CommandProxy, openCommandProxy } from './command-proxy.ts';
import { type EchoUpstream, sendJson, startEchoUpstream } from './echo-upstream.ts';
import { type Answer, exchange, modernMeta, publicUrl } from './gateway-world.ts';
import { startMinistack } from './ministack.ts';
import { paced } from './paced-workflow.ts';
import { type SlackDouble, startSlackDouble } from './slack-double.ts';
import { formOf, pressPayload, sign, submitPayload } from './slack-sender.ts';
import { createTestIssuer } from './test-issuer.ts';
import { assembleWiredPolicy, wiredServers } from './wired-gateway.ts';
import { type WorkflowPace, waitFor } from './workflow-world.ts';

/** A service in a process of its own, which can be killed and started again with the same environment. */
export interface ServiceProcess {
  /** Between the process and AWS. */
  readonly aws: CommandProxy;
  /** Everything that it logged, in all its lives. */
  readonly lines: readonly string[];
  port(): number;
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

type Button = 'toolgate_approve' | 'toolgate_deny';

/** The real gateway and the real approvals service as processes, DynamoDB and Step Functions of an emulator, and a Slack double. */
export interface ApprovalProcesses {
  readonly gateway: ServiceProcess;
  readonly approvals: ServiceProcess;
  readonly slack: SlackDouble;
  readonly upstream: EchoUpstream;
  readonly store: ApprovalStore;
  /** A call that changes something; `text` makes it another one. */
  call(text: string, tenant?: string): Promise<Answer>;
  /** The call until its answer names this code, or no code when it ran. */
  callUntil(text: string, code: string | undefined): Promise<Answer>;
  /** The call until people are asked about it: its request. */
  ask(text: string, tenant?: string): Promise<ApprovalRequest>;
  /** The request with its card. */
  card(id: string): Promise<ApprovalRequest>;
  /** Presses a button of the card as `userId`, correctly signed; the HTTP status, or 0 when nobody answered. */
  press(request: ApprovalRequest, button: Button, userId?: string): Promise<number>;
  /** People press a button of the card, all at once, until the question is closed: whoever is told that it failed presses again. */
  answer(request: ApprovalRequest, button: Button, userIds?: readonly string[]): Promise<unknown>;
  /** Sends the dialog that was opened for a no. */
  submit(view: ModalView, reason: string, userId?: string): Promise<number>;
  /** Every task token that is stored. */
  tokens(): Promise<readonly string[]>;
  /** How often a call ran upstream. */
  runs(text: string): number;
  /** How the execution of a request ended: status, error, and the last event of its history. */
  ended(id: string): Promise<readonly (string | undefined)[]>;
  /** All records of both services that name this approval, oldest first. */
  records(id: string): Promise<readonly AuditRecord[]>;
  /** What an outsider finds wrong in either record. */
  findings(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

const prefix = 'killed-';
const tools = ['echo.say', 'echo.change'];
const settings = { tools_by_role: { reader: tools }, servers_by_role: { reader: ['alpha'] } };
const mainOf = (service: string) => fileURLToPath(new URL(`../../runtime/${service}/main.ts`, import.meta.url));

export async function openApprovalProcesses(pace: WorkflowPace): Promise<ApprovalProcesses> {
  const closing: (() => unknown)[] = [];
  const close = async () => {
    for (const each of closing.splice(0).reverse()) await each();
  };
  try {
    return await open(pace, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  pace: WorkflowPace,
  closing: (() => unknown)[],
  close: () => Promise<void>,
): Promise<ApprovalProcesses> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-processes-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const aws = await startMinistack('dynamodb,iam,logs,states,stepfunctions,sts');
  closing.push(() => aws.close());
  const connection = { endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials };
  const client = createDynamoClient({ ...connection, requestTimeoutMs: 10_000, connectTimeoutMs: 5000 });
  closing.push(() => client.destroy());
  await createTables(client, prefix, tables);
  const upstream = await startEchoUpstream();
  closing.push(() => upstream.close());
  const catalogue = createCatalogueStore({ client, tablePrefix: prefix });
  for (const server of wiredServers(upstream.url)) await catalogue.put(server);
  const stepFunctions = new SFNClient(connection);
  closing.push(() => stepFunctions.destroy());
  const definition = approvalWorkflow({ tableName: `${prefix}grants`, noticeTimeoutS: 60, noticeHeartbeatS: 30 });
  const { stateMachineArn = '' } = await stepFunctions.send(
    new CreateStateMachineCommand({
      name: 'approvals',
      definition: JSON.stringify(paced(definition, pace)),
      roleArn: 'arn:aws:iam::000000000000:role/approvals',
    }),
  );
  const policyDir = join(folder, 'policy');
  await assembleWiredPolicy(policyDir, { acme: settings, globex: settings });
  const issuer = createTestIssuer();
  const keys = createServer((_request, response) => sendJson(response, issuer.jwks));
  keys.listen(0, '127.0.0.1');
  await once(keys, 'listening');
  closing.push(() => {
    keys.closeAllConnections();
    keys.close();
  });
  const slack = await startSlackDouble();
  closing.push(() => slack.close());
  const everybody = ['UGRACE', 'UHEIDI'];
  for (const id of everybody) {
    const email = `${id.toLowerCase()}@example.com`;
    slack.users.set(id, { id, team_id: slack.teamId, is_email_confirmed: true, profile: { email } });
  }

  async function service(name: 'gateway' | 'approvals', listens: string, env: Readonly<Record<string, string>>) {
    const proxy = await openCommandProxy(aws.endpoint);
    closing.push(() => proxy.close());
    const made = serviceProcess(mainOf(name), listens, proxy, {
      PATH: process.env.PATH ?? '',
      HOST: '127.0.0.1',
      PORT: '0',
      TABLE_PREFIX: prefix,
      DYNAMODB_ENDPOINT: proxy.url,
      AWS_ENDPOINT_URL_SFN: proxy.url,
      AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
      APPROVAL_WORKFLOW_ARN: stateMachineArn,
      POLICY_DIR: policyDir,
      AUDIT_DIR: join(folder, name),
      ...env,
    });
    closing.push(() => made.kill());
    await made.start();
    return made;
  }
  const keysUrl = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
  const gateway = await service('gateway', 'the gateway listens', {
    PUBLIC_URL: publicUrl,
    ALLOWED_HOSTS: '127.0.0.1',
    ISSUERS: `${issuer.issuer}=${keysUrl}`,
    APPROVAL_HOLD_MS: '0',
    QUOTA_DEADLINE_MS: '10000',
  });
  const approvals = await service('approvals', 'approvals listen', {
    PUBLIC_URL: publicUrl,
    SLACK_BOT_TOKEN: slack.token,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: slack.apiUrl.replace(/\/$/, ''),
    // Nobody made the second one.
    SLACK_CHANNELS: `acme=${slack.channel},globex=C0NOWHERE`,
    SLACK_APPROVERS: JSON.stringify(
      everybody.map((id) => ({
        email: `${id.toLowerCase()}@example.com`,
        tenant: 'acme',
        subject: id.slice(1).toLowerCase(),
      })),
    ),
    CARDS_PER_ASKER_MAX: '100',
    APPROVALS_POLL_MS: '100',
  });
  const store = createApprovalStore({ client, tablePrefix: prefix, deadlineMs: 30_000 });

  async function interact(payload: object): Promise<number> {
    const timestampS = Math.floor(Date.now() / 1000);
    const { headers, body } = sign(formOf(payload), { secret: slack.signingSecret, timestampS });
    const url = `http://127.0.0.1:${approvals.port()}/slack/interactions`;
    try {
      const answer = await fetch(url, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }

  const world: ApprovalProcesses = {
    gateway,
    approvals,
    slack,
    upstream,
    store,
    close,
    call: (text, tenant = 'acme') =>
      exchange(
        { port: gateway.port() },
        {
          path: '/mcp',
          httpMethod: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            authorization: `Bearer ${issuer.token({ aud: `${publicUrl}/mcp`, tenant })}`,
            'mcp-protocol-version': '2026-07-28',
            'mcp-method': 'tools/call',
            'mcp-name': 'echo.change',
          },
          body: JSON.stringify({
            jsonrpc: '2.0',
            id: 1,
            method: 'tools/call',
            params: { _meta: modernMeta, name: 'echo.change', arguments: { text } },
          }),
        },
      ),
    callUntil: (text, code) =>
      waitFor(async () => {
        const answer = await world.call(text).catch(() => undefined);
        return answer !== undefined && codeOf(answer) === code ? answer : undefined;
      }, 60_000),
    ask: (text, tenant) =>
      waitFor(async () => {
        const answer = await world.call(text, tenant).catch(() => undefined);
        const id = answer?.json?.result?._meta?.['dev.toolgate/error']?.approval?.id as string | undefined;
        return id === undefined ? undefined : store.find(id, Date.now());
      }, 60_000),
    card: (id) =>
      waitFor(async () => {
        const found = await store.find(id, Date.now());
        return found?.notice === undefined ? undefined : found;
        // A service that died holds its lease for 15 s, and its claim of the card for a minute.
      }, 120_000),
    press: ({ notice }, action, userId = 'UGRACE') =>
      interact(pressPayload(slack, { message: notice?.message ?? '', action, userId })),
    answer: (request, button, userIds = ['UGRACE']) =>
      waitFor(async () => {
        await Promise.all(userIds.map((userId) => world.press(request, button, userId)));
        // It is acknowledged before it is done; the same bytes again would be a replay.
        await delay(1100);
        return (await store.find(request.id, Date.now()))?.state !== 'open';
      }, 60_000),
    submit: (view, reason, userId = 'UGRACE') => interact(submitPayload(slack, view, { userId, reason })),
    async tokens() {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: `${prefix}grants` }));
      return Items.flatMap((item) => item[taskTokenAttribute]?.S ?? []);
    },
    runs: (text) =>
      upstream.seen.filter(({ message }) => (message.params?.arguments as { text?: string })?.text === text).length,
    async ended(id) {
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${id}`;
      const end = await waitFor(async () => {
        const found = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
        return found.status === 'RUNNING' ? undefined : found;
      }, 150_000);
      const { events = [] } = await stepFunctions.send(
        new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 1 }),
      );
      const outcome = end.error ?? (JSON.parse(end.output ?? '{}') as { outcome?: string }).outcome;
      return [end.status, outcome, events[0]?.type];
    },
    async records(id) {
      const folders = ['gateway', 'approvals'].map((name) => join(folder, name));
      const found = await Promise.all(folders.map((each) => findRecords(each, { last: 10_000 })));
      return found
        .flat()
        .map(({ record }) => record)
        .filter(({ approval_id }) => approval_id === id)
        .sort((a, b) => a.time.localeCompare(b.time));
    },
    async findings() {
      const found = await Promise.all(['gateway', 'approvals'].map((name) => verifyAuditDirectory(join(folder, name))));
      return found.flatMap(({ findings }) => findings);
    },
  };
  return world;
}

function serviceProcess(
  main: string,
  listens: string,
  aws: CommandProxy,
  env: Readonly<Record<string, string>>,
): ServiceProcess {
  const lines: string[] = [];
  let port = 0;
  let kill = async () => {};
  return {
    aws,
    lines,
    port: () => port,
    kill: () => kill(),
    async start() {
      aws.pass();
      const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const gone = once(child, 'exit');
      kill = async () => {
        child.kill('SIGKILL');
        await gone;
      };
      child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
      port = await new Promise<number>((resolve, reject) => {
        void gone.then(() => reject(new Error(`it ended: ${lines.slice(-5).join('\n')}`)));
        createInterface({ input: child.stdout }).on('line', (line) => {
          lines.push(line);
          const { msg, url } = JSON.parse(line) as { readonly msg: string; readonly url?: string };
          if (msg === listens && url !== undefined) resolve(Number(new URL(url).port));
        });
      });
    },
  };
}

/** The code of a refusal; undefined for a call that ran. */
export function codeOf({ json }: Answer): string | undefined {
  return json?.error?.data?.code ?? json?.result?._meta?.['dev.toolgate/error']?.code;
}
