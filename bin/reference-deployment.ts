// A platform and two tool servers on it, as an organisation would write them. docs/deploy.md goes through it step by step.
import { fileURLToPath } from 'node:url';
import * as cdk from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import {
  Approval,
  IdentityProvider,
  McpPlatform,
  PlatformProfile,
  type SlackConnection,
  ToolgateImage,
  ToolServer,
} from '../lib/index.ts';
import { type DeploymentSettings, readDeploymentSettings } from './deployment-settings.ts';

/** The whole app: the stack of the platform team, and the stack of a team with tools. */
export function referenceDeployment(app: cdk.App, settings: DeploymentSettings): void {
  const { platformName } = settings;
  const platformStack = new cdk.Stack(app, `toolgate-${platformName}`, { description: 'Toolgate' });
  makePlatform(platformStack, settings);
  const toolStack = new cdk.Stack(app, `toolgate-${platformName}-tools`, { description: 'Tool servers' });
  toolStack.addStackDependency(platformStack);
  makeToolServers(toolStack, platformName, profileOf(settings));
}

function makePlatform(stack: cdk.Stack, settings: DeploymentSettings): void {
  const { platformName, domainName, hostedZoneId, certificateArn } = settings;
  const platform = new McpPlatform(stack, 'Platform', {
    platformName,
    domainName,
    profile: profileOf(settings),
    hostedZone:
      hostedZoneId === undefined
        ? undefined
        : route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId, zoneName: domainName }),
    certificate:
      certificateArn === undefined
        ? undefined
        : acm.Certificate.fromCertificateArn(stack, 'Certificate', certificateArn),
    tenantsPath: settings.tenantsPath,
    policyVersion: settings.policyVersion,
    slack: slackOf(stack, settings),
  });
  const { gatewayUrl, audit, identity } = platform;
  new cdk.CfnOutput(stack, 'McpEndpoint', { value: `${gatewayUrl}/mcp` });
  new cdk.CfnOutput(stack, 'ApprovalsPage', { value: `${gatewayUrl}/approvals` });
  new cdk.CfnOutput(stack, 'Cluster', { value: platform.cluster.clusterName });
  new cdk.CfnOutput(stack, 'AuditBucket', { value: audit.bucket.bucketName });
  if (identity instanceof IdentityProvider) {
    new cdk.CfnOutput(stack, 'UserPoolId', { value: identity.userPool.userPoolId });
  }
}

/** Where approvers are asked beside the page. The secrets are made by hand: what Slack gave must be in no template. */
function slackOf(stack: cdk.Stack, { slack }: DeploymentSettings): SlackConnection | undefined {
  if (slack === undefined) return undefined;
  return {
    botToken: secretsmanager.Secret.fromSecretNameV2(stack, 'SlackBotToken', slack.botTokenSecret),
    signingSecret: secretsmanager.Secret.fromSecretNameV2(stack, 'SlackSigningSecret', slack.signingSecret),
    channels: slack.channels,
  };
}

/** What a team with tools writes, here or in a repository of its own: it needs the platform's name, not its code. */
function makeToolServers(stack: cdk.Stack, platformName: string, profile: PlatformProfile): void {
  const platform = McpPlatform.fromPlatformName(stack, 'Platform', platformName, profile);
  const exports = new s3.Bucket(stack, 'Exports', {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    serverAccessLogsPrefix: 'access-logs/',
  });
  const read = new ToolServer(stack, 'Read', {
    platform,
    image: ToolgateImage.readServer(),
    owner: 'platform',
    slo: { availability: 99.9, latencyP95: cdk.Duration.seconds(2) },
    tools: [
      { name: 'postgres.readonly', scopes: ['postgres:query:readonly'] },
      { name: 's3.list', scopes: ['s3:list'] },
    ],
    scopes: {
      'postgres:query:readonly': { words: 'query the business database, without changing it' },
      's3:list': { words: 'list objects in the object store' },
    },
    environment: { S3_BUCKETS: exports.bucketName },
    secrets: { DATABASE_URL: databaseUrl(stack, 'ReaderUrl', 'toolgate_reader') },
  });
  iam.Grant.addToPrincipal({ grantee: read, actions: ['s3:ListBucket'], resourceArns: [exports.bucketArn] });

  const write = new ToolServer(stack, 'Write', {
    platform,
    image: ToolgateImage.writeServer(),
    owner: 'platform',
    slo: { availability: 99.5, latencyP95: cdk.Duration.seconds(5) },
    tools: [
      {
        name: 'postgres.write',
        scopes: ['postgres:query:write'],
        destructive: true,
        approval: Approval.required(),
      },
    ],
    scopes: {
      'postgres:query:write': {
        words: 'change rows of the business database, each time a person agrees',
        changes: true,
      },
    },
    secrets: { DATABASE_URL: databaseUrl(stack, 'WriterUrl', 'toolgate_writer') },
  });

  new cdk.CfnOutput(stack, 'ReadService', { value: read.service.service.serviceName });
  new cdk.CfnOutput(stack, 'WriteService', { value: write.service.service.serviceName });

  // The database lies in the platform's VPC. One that is a construct would say database.connections.allowDefaultPortFrom(read).
  for (const { connections } of [read, write]) {
    connections.allowTo(ec2.Peer.ipv4(platform.network.vpc.vpcCidrBlock), ec2.Port.POSTGRES, 'Database');
  }
}

function profileOf({ isDev }: DeploymentSettings): PlatformProfile {
  return isDev ? PlatformProfile.dev() : PlatformProfile.production();
}

/** A secret with a URL that leads nowhere; the real one is put into it after the first deployment. */
function databaseUrl(stack: cdk.Stack, id: string, role: string): ecs.Secret {
  const secret = new secretsmanager.Secret(stack, id, {
    description: `postgres:// URL of the role ${role}`,
    secretStringValue: cdk.SecretValue.unsafePlainText(`postgres://${role}@database.invalid/business`),
  });
  cdk.Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'The database is not part of this app, so its owner rotates the password and puts the new URL here.',
  });
  new cdk.CfnOutput(stack, `${id}Secret`, { value: secret.secretArn });
  return ecs.Secret.fromSecretsManager(secret);
}

if (import.meta.main) {
  const app = new cdk.App();
  const settings = readDeploymentSettings(app, process.env, fileURLToPath(new URL('..', import.meta.url)));
  referenceDeployment(app, settings);
}
