// The one synth with everything on that checks templates: CDK's own validator, cdk-nag, all recommended flags. Unit tests of constructs
// leave it off. It does not import test/support/synth.ts, which switches validation off.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as cdk from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type DeploymentSettings, readDeploymentSettings } from '../../bin/deployment-settings.ts';
import { referenceDeployment } from '../../bin/reference-deployment.ts';
import { ApprovalWorkflow, StateTables } from '../../lib/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'toolgate-reference-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const flags: Record<string, unknown> = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')).context;
const settings: DeploymentSettings = {
  platformName: 'prod',
  domainName: 'tools.example.com',
  isDev: false,
  hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  tenantsPath: join(root, 'policies/data/tenants.json'),
  policyVersion: 1,
};

/** Sorted. Add what is new; change none. */
const pinnedLogicalIds: readonly string[] = [
  'AWS::Cognito::UserPool PlatformIdentityUserPool7A3FF64A',
  'AWS::Cognito::UserPoolDomain PlatformIdentityUserPoolDomain7B9ABF24',
  'AWS::DynamoDB::GlobalTable PlatformStateAuthorizationF5188FB3',
  'AWS::DynamoDB::GlobalTable PlatformStateCatalogue4668D91A',
  'AWS::DynamoDB::GlobalTable PlatformStateGrantsC297F158',
  'AWS::DynamoDB::GlobalTable PlatformStateQuota929B032E',
  'AWS::DynamoDB::GlobalTable PlatformStateSigningKeys6E443034',
  'AWS::ElasticLoadBalancingV2::LoadBalancer PlatformEdgeLoadBalancerCF085F66',
  'AWS::ElasticLoadBalancingV2::LoadBalancer PlatformToolEdgeLoadBalancerAF4958A7',
  'AWS::Glue::Database PlatformAuditCatalogDatabaseFA2D44E6',
  'AWS::KMS::Key PlatformAlarmsTopicKeyF8304FDA',
  'AWS::KMS::Key PlatformAuditEncryptionKeyFD6D1138',
  'AWS::KMS::Key PlatformAuditSigningKey1B4A59E9',
  'AWS::KMS::Key PlatformRegistryKey32365CD4',
  'AWS::KMS::Key PlatformUpstreamKey657A3ADD',
  'AWS::S3::Bucket PlatformAuditAccessLogs6E825FDD',
  'AWS::S3::Bucket PlatformAuditCatalogResultsD44C7580',
  'AWS::S3::Bucket PlatformAuditRecordsA4FFB573',
  'AWS::S3::Bucket PlatformEdgeLogsBucket265D6821',
  'AWS::SecretsManager::Secret PlatformApprovalsCookieKeyA39F3676',
  'AWS::SecretsManager::Secret PlatformAuthorizationSealingKey4F2064F5',
  'AWS::SecretsManager::Secret PlatformGatewayMaskKeyEE13C9B2',
  'AWS::SecretsManager::Secret PlatformGatewayRequestStateKey87BA0A76',
  'AWS::SecretsManager::Secret PlatformIdentitySignInClientSecret5AE533F7',
];

/** What CloudFormation allows. */
const resourcesMax = 500;

test('the synthesised app has no finding of the validator, of cdk-nag or of a construct, in either profile', (t) => {
  for (const isDev of [false, true]) {
    const slack = { botTokenSecret: 'bot', signingSecret: 'signing', channels: { acme: 'C0123456789' } };
    const own = isDev ? settings : { ...settings, slack };
    const { stacks, report } = validatedSynth((app) => referenceDeployment(app, { ...own, isDev }));
    assert.deepEqual(report, []);
    assert.equal(stacks.length, 2);
    for (const stack of stacks) {
      const count = Object.keys(stack.template.Resources).length;
      t.diagnostic(`${isDev ? 'dev' : 'production'} ${stack.stackName}: ${count} resources`);
      assert.ok(count < resourcesMax - 100, `${stack.stackName} has ${count} resources, of ${resourcesMax}`);
    }
  }
});

test('the page of limits says how many resources a platform and a server have', () => {
  const page = readFileSync(join(root, 'docs/limits.md'), 'utf8');
  const said = /a platform has about (\d+), or (\d+) for development, and a server about (\d+)/
    .exec(page)
    ?.slice(1)
    .map(Number);
  assert.ok(said !== undefined, 'docs/limits.md lacks the sentence');
  const counts = [false, true].flatMap((isDev) => {
    const app = plainApp(flags);
    referenceDeployment(app, { ...settings, isDev });
    return ['toolgate-prod', 'toolgate-prod-tools'].map(
      (id) => Object.keys(Template.fromStack(app.node.findChild(id) as cdk.Stack).toJSON().Resources).length,
    );
  });
  const [production = 0, servers = 0, development = 0] = counts;
  for (const [index, count] of [production, development, servers / 2].entries()) {
    const words = said[index] ?? 0;
    assert.ok(Math.abs(words - count) <= 0.15 * count, `docs/limits.md says ${words}, there are ${count}`);
  }
});

test('a workflow over tables with a key of their own has no finding either', () => {
  const { report } = validatedSynth((app) => {
    const stack = new cdk.Stack(app, 'Parts');
    const encryptionKey = new kms.Key(stack, 'Key', { enableKeyRotation: true });
    const stateTables = new StateTables(stack, 'State', { platformName: 'prod', encryptionKey });
    const { grants } = new ApprovalWorkflow(stack, 'Approvals', { stateTables });
    const role = (id: string) =>
      new iam.Role(stack, id, { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
    grants.start(role('Asking'));
    grants.answer(role('Answering'));
  });
  assert.deepEqual(report, []);
});

test('a finding of each of the three would be seen', () => {
  const { report } = validatedSynth((app) => {
    const stack = new cdk.Stack(app, 'Wrong');
    new s3.CfnBucket(stack, 'Bucket', { objectLockConfiguration: { objectLockEnabled: 'Perhaps' } });
    cdk.Annotations.of(stack).addWarningV2('toolgate:test', 'something is odd');
  });
  assert.ok(report.includes('W3030 Wrong/Bucket'), report.join('\n'));
  assert.ok(report.includes('AwsSolutions-S10 Wrong/Bucket'));
  assert.ok(report.includes('Annotation::toolgate:test Wrong'));
});

test('what holds state keeps its logical id: a renamed one is another one, and the first is lost or left', () => {
  const app = plainApp(flags);
  referenceDeployment(app, settings);
  const template = Template.fromStack(app.node.findChild('toolgate-prod') as cdk.Stack);
  const stateful = [
    'AWS::DynamoDB::GlobalTable',
    'AWS::S3::Bucket',
    'AWS::KMS::Key',
    'AWS::Cognito::UserPool',
    'AWS::Cognito::UserPoolDomain',
    'AWS::SecretsManager::Secret',
    'AWS::Glue::Database',
    'AWS::ElasticLoadBalancingV2::LoadBalancer',
  ];
  const ids = stateful.flatMap((type) => Object.keys(template.findResources(type)).map((id) => `${type} ${id}`));
  assert.deepEqual(ids.sort(), pinnedLogicalIds);
});

test('all feature flags on, and all off, synthesise alike', () => {
  const off: Record<string, unknown> = Object.fromEntries(
    Object.keys(flags).map((flag) => [flag, flag.endsWith('target-partitions') ? ['aws'] : false]),
  );
  off['@aws-cdk/core:defaultCrossStackReferences'] = 'strong';
  for (const context of [flags, off, {}]) {
    const app = plainApp(context);
    referenceDeployment(app, settings);
    assert.equal(app.synth().stacks.length, 2);
  }
});

test('cdk.json recommends what this CDK recommends', () => {
  const recommended = join(root, 'node_modules/aws-cdk-lib/recommended-feature-flags.json');
  assert.deepEqual(flags, JSON.parse(readFileSync(recommended, 'utf8')));
});

test('the app is synthesised without a network and without credentials', (t) => {
  const isolated = spawnSync('unshare', ['--map-root-user', '--net', 'true']).status === 0;
  if (!isolated) t.diagnostic('unshare is not allowed here: the network stays, credentials do not');
  const command = [process.execPath, 'bin/reference-deployment.ts'];
  const [file = '', ...args] = isolated ? ['unshare', '--map-root-user', '--net', ...command] : command;
  const outdir = join(folder, 'alone');
  const run = spawnSync(file, args, {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      CDK_OUTDIR: outdir,
      CDK_VALIDATION: 'false',
      TOOLGATE_DOMAIN: 'tools.example.com',
      TOOLGATE_HOSTED_ZONE_ID: 'Z0123456789ABCDEFGHIJ',
    },
  });
  assert.equal(run.status, 0, run.stderr);
  assert.ok(readdirSync(outdir).includes('toolgate-prod.template.json'));
  assert.ok(readdirSync(outdir).includes('toolgate-prod-tools.template.json'));
});

test('a setting that is missing or wrong is a sentence that says how to give it', () => {
  const read = (environment: Record<string, string>) => () => readDeploymentSettings(new cdk.App(), environment, root);
  assert.throws(
    read({}),
    /^Error: The domain of the platform is missing: add -c domainName=tools.example.com, or set TOOLGATE_DOMAIN\./,
  );
  const domain = { TOOLGATE_DOMAIN: 'tools.example.com' };
  assert.throws(
    read(domain),
    /A certificate for mcp.tools.example.com and id.tools.example.com is missing: add -c hostedZoneId=/,
  );
  const zone = { ...domain, TOOLGATE_HOSTED_ZONE_ID: 'Z1' };
  assert.throws(read({ ...zone, TOOLGATE_PROFILE: 'test' }), /The profile is "test": it is production or dev/);
  assert.throws(
    read({ ...zone, TOOLGATE_POLICY_VERSION: '0' }),
    /The policy version is "0": it is a whole number from 1/,
  );
  for (const name of ['Prod_1', 'prod-', '1st', 'a'.repeat(33)]) {
    assert.throws(
      read({ ...zone, TOOLGATE_PLATFORM: name }),
      new RegExp(
        `^Error: The name of the platform is "${name}": it is a word of 1 to 32 lower-case letters.*TOOLGATE_PLATFORM`,
      ),
    );
  }
  const half = { ...zone, TOOLGATE_SLACK_CHANNELS: 'acme=C0123456789' };
  assert.throws(read(half), /Slack is named by half: give all of -c slackChannels=/);
  const slack = { ...half, TOOLGATE_SLACK_BOT_TOKEN_SECRET: 'bot', TOOLGATE_SLACK_SIGNING_SECRET: 'signing' };
  assert.throws(
    read({ ...slack, TOOLGATE_SLACK_CHANNELS: 'acme' }),
    /The channels of Slack have "acme": each is tenant=channel, e\.g\. acme=C0123456789/,
  );
  assert.throws(
    read({ ...slack, TOOLGATE_SLACK_CHANNELS: 'acme=C1,acme=C2' }),
    /The channels of Slack name acme twice: a tenant has one channel/,
  );
  assert.throws(
    read({ ...slack, TOOLGATE_SLACK_SIGNING_SECRET: 'slack-secret' }),
    /The secret "slack-secret" of Slack ends with a hyphen and six characters/,
  );
  assert.deepEqual(read(slack)().slack?.channels, { acme: 'C0123456789' });
  for (const [variable, setting] of [
    ['TOOLGATE_SLACK_BOT_TOKEN_SECRET', 'slackBotTokenSecret'],
    ['TOOLGATE_SLACK_SIGNING_SECRET', 'slackSigningSecret'],
  ] as const) {
    for (const pasted of ['xoxb-1234567890-abcdef', 'xapp-1-A0123456789-1', ' 0123456789abcdef0123456789abcdef']) {
      assert.throws(
        read({ ...slack, [variable]: pasted }),
        ({ message }: Error) =>
          message.startsWith(`The setting ${setting} looks like a secret of Slack: give the name of a secret`) &&
          !message.includes(pasted.trim()),
      );
    }
  }
});

test('a platform for development has another name than the one in production, so neither is deployed over the other', () => {
  const nameOf = (more: Record<string, string>) =>
    readDeploymentSettings(
      new cdk.App(),
      { TOOLGATE_DOMAIN: 'tools.example.com', TOOLGATE_HOSTED_ZONE_ID: 'Z1', ...more },
      root,
    ).platformName;
  assert.equal(nameOf({}), 'prod');
  assert.equal(nameOf({ TOOLGATE_PROFILE: 'dev' }), 'dev');
  assert.equal(nameOf({ TOOLGATE_PROFILE: 'dev', TOOLGATE_PLATFORM: 'prod' }), 'prod');
});

test("tenants' data may lie outside of the clone", () => {
  const context = { domainName: 'tools.example.com', hostedZoneId: 'Z1' };
  const tenantsPath = (given: string) =>
    readDeploymentSettings(new cdk.App({ context: { ...context, tenantsPath: given } }), {}, root).tenantsPath;
  assert.equal(tenantsPath('/elsewhere/tenants.json'), '/elsewhere/tenants.json');
  assert.equal(tenantsPath('tenants.json'), join(root, 'tenants.json'));
});

interface Violation {
  readonly ruleName: string;
  readonly violatingResources?: readonly { readonly constructPath?: string }[];
  readonly violatingConstructs?: readonly { readonly constructPath?: string }[];
}

function validatedSynth(build: (app: cdk.App) => void) {
  const outdir = mkdtempSync(join(folder, 'validated-'));
  const app = new cdk.App({ outdir, context: flags, analyticsReporting: false });
  cdk.Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  build(app);
  // CDK prints findings, and throws or sets an exit code when one is an error; the report has them all.
  const { exitCode } = process;
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = () => true;
  let assembly: ReturnType<typeof app.synth> | undefined;
  try {
    assembly = app.synth();
  } catch (error) {
    assert.match(String(error), /Validation failed/);
  } finally {
    process.stderr.write = write;
    process.exitCode = exitCode;
  }
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  const violations: Violation[] = pluginReports.flatMap((each: { violations: Violation[] }) => each.violations);
  const report = violations.flatMap(({ ruleName, violatingResources = [], violatingConstructs = [] }) =>
    [...violatingResources, ...violatingConstructs].map(({ constructPath }) => `${ruleName} ${constructPath}`),
  );
  return { stacks: assembly?.stacks ?? [], report };
}

function plainApp(context: Record<string, unknown>): cdk.App {
  const outdir = mkdtempSync(join(folder, 'plain-'));
  const isStrict = { '@aws-cdk/core:validateAgainstDefaultRules': false };
  return new cdk.App({ outdir, context: { ...context, ...isStrict }, analyticsReporting: false });
}
