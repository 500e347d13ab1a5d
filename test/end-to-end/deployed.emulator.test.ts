// The reference deployment, put into an emulator by the real CDK, and its services run with what was deployed.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askEmulator } from '../support/ask-emulator.ts';
import { callInWords } from '../support/call-in-words.ts';
import { type CdkRun, runCdk } from '../support/cdk-command.ts';
import { withDeleteByName } from '../support/delete-by-name.ts';
import { type DeployedPlatform, startDeployedPlatform } from '../support/deployed-platform.ts';
import { copyForEmulator, type LeftOut } from '../support/emulated-assembly.ts';
import { type Grant, roleOf } from '../support/iam-policy.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { ministackGaps } from '../support/ministack-gaps.ts';
import { type SlackDouble, startSlackDouble } from '../support/slack-double.ts';
import { until } from '../support/until.ts';
import { customersQuery } from '../support/what-clients-see.ts';
import { approvalsSuite } from './approvals-suite.ts';
import { deployedApprovalsSuite } from './deployed-approvals-suite.ts';
import { deployedStepUpSuite } from './deployed-step-up-suite.ts';
import { sdkClientsSuite } from './sdk-clients-suite.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const account = '000000000000';
const domainName = 'tools.example.com';
const [slackBotTokenSecret, slackSigningSecret] = ['slack/bot-token', 'slack/signing'];

/** Grants that no test needs, each with its reason. */
const neededElsewhere: readonly {
  readonly grant: (grant: Grant, service: string) => boolean;
  readonly because: string;
}[] = [
  {
    grant: ({ action }) => action === 'kms:GenerateDataKey' || action === 'kms:Decrypt',
    because: 'S3 asks for it with the rights of the caller; the emulator encrypts nothing',
  },
  {
    grant: ({ action }) => action === 'states:SendTaskHeartbeat',
    because:
      'only a question that people hear of later than after 15 seconds needs it: test/shared/step-functions.test.ts',
  },
  {
    grant: ({ action }, service) => service === 'registry' && action === 'dynamodb:DeleteItem',
    because: 'only names and versions that go need it: test/shared/catalogue-store.test.ts',
  },
];

let folder: string;
let emulator: Ministack;
let slack: SlackDouble;
let leftOut: LeftOut;
let deployment: CdkRun;
let platform: DeployedPlatform;

/** Synthesises the reference deployment and deploys it, for the first time or as an update. */
async function deploy(name: string, context: Readonly<Record<string, string>>): Promise<CdkRun> {
  const ofSlack = { slackChannels: `acme=${slack.channel}`, slackBotTokenSecret, slackSigningSecret };
  const all = { domainName, ...ofSlack, certificateArn: `arn:aws:acm:us-east-1:${account}:certificate/c`, ...context };
  const settings = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const assembly = join(folder, `${name}-as-synthesised`);
  const synth = await runCdk(['synth', '--quiet', '--output', assembly, ...settings], { cwd: root });
  assert.equal(synth.exitCode, 0, synth.output);
  leftOut = copyForEmulator(assembly, join(folder, name), ministackGaps);
  return runCdk(['deploy', '--all', '--app', join(folder, name), '--require-approval', 'never'], { emulator });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-deploy-'));
  emulator = await startMinistack('');
  const bootstrap = await runCdk(['bootstrap', `aws://${account}/us-east-1`], { emulator });
  assert.equal(bootstrap.exitCode, 0, bootstrap.output);
  slack = await startSlackDouble();
  for (const name of ['ada', 'mallory']) {
    const [id, profile] = [`U${name.toUpperCase()}`, { email: `${name}@example.com` }];
    slack.users.set(id, { id, team_id: slack.teamId, is_email_confirmed: true, profile });
  }
  for (const [Name, SecretString] of [
    [slackBotTokenSecret, slack.token],
    [slackSigningSecret, slack.signingSecret],
  ])
    await askEmulator(emulator, 'secretsmanager', 'secretsmanager.CreateSecret', { Name, SecretString });
  deployment = await deploy('first', {});
});
after(async () => {
  await platform?.close();
  await slack?.close();
  await emulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the reference deployment in an emulator', () => {
  it('is deployed by the CDK as it was synthesised, but for what the emulator is known to lack', (t) => {
    assert.equal(deployment.exitCode, 0, deployment.output);
    t.diagnostic(
      `${leftOut.ofResources - leftOut.resources} of ${leftOut.ofResources} resources in ${deployment.seconds.toFixed(1)} s`,
    );
    const stale = ministackGaps.filter(({ type }) => !leftOut.types.has(type)).map(({ type }) => type);
    assert.deepEqual(stale, [], 'a gap that the deployment does not meet is no gap');
    assert.ok(leftOut.resources * 2 < leftOut.ofResources, `${leftOut.resources} of ${leftOut.ofResources} left out`);
  });
});

sdkClientsSuite('deployed', async () => {
  platform = await startDeployedPlatform({
    emulator,
    account,
    assembly: join(folder, 'first'),
    policies: leftOut.policies,
    domainName,
    toolDomain: 'tools.prod.internal',
    slackApiUrl: slack.apiUrl.replace(/\/$/, ''),
  });
  // The last suite closes it.
  return { ...platform, close: async () => {} };
});

// By the deployed page, to which approvers sign in at the deployed pool, and with the deployed workflow behind each question.
approvalsSuite('deployed', async () => ({ ...platform, close: async () => {} }));

deployedApprovalsSuite(() => ({ platform, slack, emulator }));

function logOf(service: string): string {
  return platform.services.find(({ name }) => name === service)?.output() ?? '';
}

describe('the deployed platform', () => {
  it('answers nothing of its operation on the public side', async () => {
    for (const path of ['/metrics', '/readyz']) {
      const { status } = await fetch(new URL(path, platform.endpoint));
      assert.equal(status, 404, path);
    }
    assert.equal((await fetch(new URL('/healthz', platform.endpoint))).status, 200);
  });

  it('puts an update of its policy in force without a restart', async () => {
    const token = await platform.token('alice', platform.endpoint);
    const call = async () => (await callInWords(platform.endpoint, token, 'postgres.readonly', customersQuery)).text;
    assert.match(await call(), /"row_count":3/);
    const { tenants } = JSON.parse(readFileSync(join(root, 'policies/data/tenants.json'), 'utf8'));
    tenants.acme.tools_by_role.reader = ['s3.list'];
    tenants.acme.step_up_servers = ['write'];
    // Paths of the settings start at the repository.
    const changed = join(root, 'node_modules', '.cache', `tenants-${process.pid}.json`);
    writeFileSync(changed, JSON.stringify({ tenants }));
    try {
      const update = await deploy('second', { policyVersion: '2', tenantsPath: changed.slice(root.length) });
      assert.equal(update.exitCode, 0, update.output);
    } finally {
      rmSync(changed);
    }
    // Each service looks by itself; until both have it, an answer to what the other asks is refused as policy_changed.
    for (const service of ['gateway', 'approvals']) {
      const isInForce = () => /"previous":"[0-9a-f]{12}","msg":"policy bundle in force"/.test(logOf(service));
      await until(isInForce, `the update at ${service}`, () => logOf(service).slice(-3000));
    }
    assert.match(await call(), /Unknown tool: postgres\.readonly/);
  });
});

deployedStepUpSuite(() => platform);

describe('the deployed platform, to its end', () => {
  it('keeps tool servers closed to whoever comes past the gateway, on record', async () => {
    for (const server of ['read', 'write']) {
      const { status } = await fetch(`http://${server}.tools.prod.internal/mcp`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await platform.token('alice', platform.endpoint)}` },
        body: '{}',
      });
      assert.equal(status, 401, server);
      const refused = await platform.refusals(`tools_${server}`);
      assert.deepEqual(
        refused.map(({ code, tenant, reason }) => [code, tenant, reason]),
        [['token_invalid', '_unknown', 'The token is not valid. (it comes from an issuer that is not trusted here)']],
      );
    }
  });

  it('ends the workflow of each question as the question ended', async () => {
    const { environment } = platform.services.find(({ name }) => name === 'gateway') ?? assert.fail();
    const stateMachineArn = environment.APPROVAL_WORKFLOW_ARN;
    const ended = (await until(async () => {
      const { executions } = await askEmulator(emulator, 'states', 'AWSStepFunctions.ListExecutions', {
        stateMachineArn,
        maxResults: 1000,
      });
      const found = executions as { status: string; executionArn: string }[];
      return found.filter(({ status }) => status === 'SUCCEEDED').length >= 6 ? found : undefined;
    }, 'six questions to end')) as { status: string; executionArn: string }[];
    const odd = ended.filter(({ status }) => !['SUCCEEDED', 'RUNNING'].includes(status));
    const why = odd.map(async ({ executionArn }) => {
      const { status, error, cause } = await askEmulator(emulator, 'states', 'AWSStepFunctions.DescribeExecution', {
        executionArn,
      });
      return { status, error, cause };
    });
    assert.deepEqual(await Promise.all(why), []);
  });

  it('forgets a grant whose refresh token its client revokes', async () => {
    const { refresh_token: token, clientId } = await platform.refreshToken('ada', platform.endpoint);
    const response = await fetch(`${platform.issuer}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token, token_type_hint: 'refresh_token', client_id: clientId }),
    });
    assert.equal(response.status, 200);
    const refresh = await fetch(`${platform.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: clientId }),
    });
    assert.equal(((await refresh.json()) as { error?: string }).error, 'invalid_grant');
  });

  it('ends each service with an empty hand: everything recorded, exit code 0', async () => {
    const { token, endpoint } = platform;
    await token('bob', endpoint);
    await platform.stopServices();
    const { exitCode, output } = await platform.verifyAudit();
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /without writer_closed|not signed yet/);
  });

  it('asks nothing of AWS that its roles do not allow', (t) => {
    for (const { name, policies, calls } of platform.services) {
      const role = roleOf(policies);
      assert.ok(calls.length > 0, `${name} asked for something`);
      const actions = [...new Set(calls.map(({ action }) => action))].sort();
      t.diagnostic(`${name}: ${calls.length} calls, ${actions.join(', ')}`);
      const refused = new Set(calls.map((call) => role.refusal(call)).filter((refusal) => refusal !== undefined));
      assert.deepEqual([...refused], [], name);
    }
  });

  it('is granted nothing that nobody needs', () => {
    for (const { name, policies, calls } of platform.services) {
      const role = roleOf(policies);
      for (const call of calls) role.refusal(call);
      const unused = role.unused().filter((grant) => !neededElsewhere.some((known) => known.grant(grant, name)));
      assert.deepEqual(unused, [], name);
    }
  });

  // ministack knows no DeletionPolicy: that tables, keys and records stay is held by the templates' own tests.
  it('is destroyed by the CDK', async () => {
    const deleting = await withDeleteByName(emulator);
    const destroyed = await runCdk(['destroy', '--all', '--force', '--app', join(folder, 'second')], {
      emulator: deleting,
    });
    await deleting.close();
    assert.equal(destroyed.exitCode, 0, destroyed.output);
    const { clusterArns } = await askEmulator(emulator, 'ecs', 'AmazonEC2ContainerServiceV20141113.ListClusters', {});
    assert.deepEqual(clusterArns, []);
  });
});
