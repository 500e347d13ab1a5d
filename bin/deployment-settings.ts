import { resolve } from 'node:path';
import type * as cdk from 'aws-cdk-lib';
import { isSlackSecret } from '../lib/constructs/check-slack.ts';
import { isPlatformName, platformNameWords } from '../lib/constructs/platform-name.ts';

/** What differs between two deployments of the same app. */
export interface DeploymentSettings {
  /** By default `prod`, or `dev` with the profile for development: neither profile is deployed over the other by leaving out a setting. */
  readonly platformName: string;
  readonly domainName: string;
  readonly isDev: boolean;
  /** Of the public zone of the domain. One of this and `certificateArn` is there. */
  readonly hostedZoneId?: string;
  readonly certificateArn?: string;
  readonly tenantsPath: string;
  readonly policyVersion: number;
  /** Undefined without Slack: people look at the approvals page. */
  readonly slack?: SlackSettings;
}

/** Names of the secrets in Secrets Manager, each the whole text, and channels by tenant. */
export interface SlackSettings {
  readonly botTokenSecret: string;
  readonly signingSecret: string;
  readonly channels: { [tenant: string]: string };
}

/**
 * From `cdk -c name=value` or cdk.context.json, else from the environment. Throws one sentence that names what is missing.
 * @param root the folder that paths start from.
 */
export function readDeploymentSettings(
  app: cdk.App,
  environment: Readonly<Record<string, string | undefined>>,
  root: string,
): DeploymentSettings {
  const read = (key: string, variable: string): string | undefined => {
    const value: unknown = app.node.tryGetContext(key) ?? environment[variable];
    return value === undefined || value === '' ? undefined : String(value);
  };
  const domainName = read('domainName', 'TOOLGATE_DOMAIN');
  const hostedZoneId = read('hostedZoneId', 'TOOLGATE_HOSTED_ZONE_ID');
  const certificateArn = read('certificateArn', 'TOOLGATE_CERTIFICATE_ARN');
  const profile = read('profile', 'TOOLGATE_PROFILE') ?? 'production';
  const givenVersion = read('policyVersion', 'TOOLGATE_POLICY_VERSION') ?? '1';
  const policyVersion = Number(givenVersion);
  if (domainName === undefined) {
    throw new Error(
      'The domain of the platform is missing: add -c domainName=tools.example.com, or set TOOLGATE_DOMAIN. MCP clients then call mcp.tools.example.com.',
    );
  }
  if (hostedZoneId === undefined && certificateArn === undefined) {
    throw new Error(
      `A certificate for mcp.${domainName} and id.${domainName} is missing: add -c hostedZoneId=Z... (or TOOLGATE_HOSTED_ZONE_ID) of the public zone ${domainName}, and it is made; or -c certificateArn=arn:aws:acm:... (or TOOLGATE_CERTIFICATE_ARN) of one that is there.`,
    );
  }
  if (profile !== 'production' && profile !== 'dev') {
    throw new Error(`The profile is "${profile}": it is production or dev (-c profile=..., or TOOLGATE_PROFILE).`);
  }
  if (!Number.isSafeInteger(policyVersion) || policyVersion < 1) {
    throw new Error(
      `The policy version is "${givenVersion}": it is a whole number from 1 (-c policyVersion=..., or TOOLGATE_POLICY_VERSION).`,
    );
  }
  // Here, because the stacks are named by it, and the CDK looks at their names before a construct can.
  const platformName = read('platformName', 'TOOLGATE_PLATFORM') ?? (profile === 'dev' ? 'dev' : 'prod');
  if (!isPlatformName(platformName)) {
    throw new Error(
      `The name of the platform is "${platformName}": it is a word of ${platformNameWords} (-c platformName=..., or TOOLGATE_PLATFORM).`,
    );
  }
  const slack = readSlackSettings(read);
  return {
    platformName,
    domainName,
    isDev: profile === 'dev',
    ...(hostedZoneId !== undefined && { hostedZoneId }),
    ...(certificateArn !== undefined && { certificateArn }),
    tenantsPath: resolve(root, read('tenantsPath', 'TOOLGATE_TENANTS') ?? 'policies/data/tenants.json'),
    policyVersion,
    ...(slack !== undefined && { slack }),
  };
}

function readSlackSettings(read: (key: string, variable: string) => string | undefined): SlackSettings | undefined {
  const channels = read('slackChannels', 'TOOLGATE_SLACK_CHANNELS');
  const botTokenSecret = read('slackBotTokenSecret', 'TOOLGATE_SLACK_BOT_TOKEN_SECRET');
  const signingSecret = read('slackSigningSecret', 'TOOLGATE_SLACK_SIGNING_SECRET');
  if (channels === undefined && botTokenSecret === undefined && signingSecret === undefined) return undefined;
  for (const [setting, given] of Object.entries({
    slackBotTokenSecret: botTokenSecret,
    slackSigningSecret: signingSecret,
  })) {
    if (given === undefined || !isSlackSecret(given)) continue;
    throw new Error(
      `The setting ${setting} looks like a secret of Slack: give the name of a secret in Secrets Manager, not the secret itself. What is in a template can be read by many: if it was deployed so, make a new one in Slack.`,
    );
  }
  if (channels === undefined || botTokenSecret === undefined || signingSecret === undefined) {
    throw new Error(
      'Slack is named by half: give all of -c slackChannels=acme=C0123456789,... (or TOOLGATE_SLACK_CHANNELS), -c slackBotTokenSecret=... (or TOOLGATE_SLACK_BOT_TOKEN_SECRET) and -c slackSigningSecret=... (or TOOLGATE_SLACK_SIGNING_SECRET), the names of two secrets in Secrets Manager; or none of them.',
    );
  }
  const pairs = channels.split(',').map((pair) => pair.trim().split('='));
  const odd = pairs.find(([tenant = '', channel = '', ...more]) => tenant === '' || channel === '' || more.length > 0);
  if (odd !== undefined) {
    throw new Error(
      `The channels of Slack have "${odd.join('=')}": each is tenant=channel, e.g. acme=C0123456789, separated by commas (-c slackChannels=..., or TOOLGATE_SLACK_CHANNELS).`,
    );
  }
  const twice = pairs.find(([tenant], index) => pairs.findIndex(([other]) => other === tenant) < index);
  if (twice !== undefined) {
    throw new Error(
      `The channels of Slack name ${twice[0]} twice: a tenant has one channel (-c slackChannels=..., or TOOLGATE_SLACK_CHANNELS).`,
    );
  }
  for (const name of [botTokenSecret, signingSecret]) {
    // Secrets Manager, "Troubleshooting": such a name is taken for one with the suffix that AWS adds itself.
    if (/-[A-Za-z0-9]{6}$/.test(name)) {
      throw new Error(
        `The secret "${name}" of Slack ends with a hyphen and six characters, which Secrets Manager cannot tell from its own suffix: give it another name.`,
      );
    }
  }
  return { botTokenSecret, signingSecret, channels: Object.fromEntries(pairs as [string, string][]) };
}
