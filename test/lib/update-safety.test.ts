import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as cdk from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Egress, type McpPlatformProps, MutualTls, PlatformProfile, ToolRouting } from '../../lib/index.ts';
import { synthTemplate } from '../support/synth.ts';
import { makePlatform } from './make-platform.ts';

/** Properties of what holds state that cannot be changed in place, or that make new content when they change. */
const fixed: Readonly<Record<string, readonly string[]>> = {
  'AWS::Cognito::UserPool': ['AliasAttributes', 'Schema', 'UsernameAttributes', 'UsernameConfiguration'],
  'AWS::DynamoDB::GlobalTable': ['KeySchema', 'LocalSecondaryIndexes', 'TableName'],
  'AWS::KMS::Key': ['KeySpec', 'KeyUsage'],
  'AWS::S3::Bucket': ['BucketName', 'ObjectLockEnabled'],
  'AWS::SecretsManager::Secret': ['GenerateSecretString', 'Name'],
  // Questions that are open end with their executions.
  'AWS::StepFunctions::StateMachine': ['StateMachineName', 'StateMachineType'],
};

const changes: Readonly<Record<string, (stack: cdk.Stack) => Partial<McpPlatformProps>>> = {
  'another domain': () => ({ domainName: 'other.example.com' }),
  'a new policy': () => ({ policyVersion: 2 }),
  'more tasks': () => ({ gatewaySizing: { cpu: 1024, memoryLimitMiB: 2048, desiredCount: 4 } }),
  'another way out': () => ({ egress: Egress.nat({ gateways: 2 }) }),
  'tasks with public addresses': () => ({ egress: Egress.publicSubnets() }),
  'another way to tool servers': () => ({ toolRouting: ToolRouting.discovery() }),
  'a door for certificates': (stack) => ({
    mutualTls: MutualTls.fromBundle({ bucket: s3.Bucket.fromBucketName(stack, 'Cas', 'certificates'), key: 'ca.pem' }),
  }),
  'the other profile': () => ({ profile: PlatformProfile.dev() }),
};

const before = heldBy(() => ({}));

for (const [what, change] of Object.entries(changes)) {
  test(`${what} replaces nothing that holds state`, () => {
    const after = heldBy(change);
    for (const [id, held] of Object.entries(before)) {
      // Alarms are not made for development; their key holds nothing.
      if (!id.includes('Alarms')) assert.deepEqual(after[id], held, id);
    }
  });
}

test('Slack, however it is connected, moves no rule of a load balancer', () => {
  const secret = (stack: cdk.Stack, id: string) => secretsmanager.Secret.fromSecretNameV2(stack, id, id);
  const connected = (how: 'signingSecret' | 'appToken') => (stack: cdk.Stack) => ({
    slack: { botToken: secret(stack, 'bot'), [how]: secret(stack, how), channels: { acme: 'C0123456789' } },
  });
  const without = priorities(() => ({}));
  assert.deepEqual(priorities(connected('signingSecret')), without);
  assert.deepEqual(priorities(connected('appToken')), without);
});

/** Of every rule, by logical id, in a platform with a route of its own. */
function priorities(change: (stack: cdk.Stack) => Partial<McpPlatformProps>): Record<string, unknown> {
  const { template } = synthTemplate((stack) => {
    const { edge, network } = makePlatform(stack, change(stack));
    const targetGroup = new elbv2.ApplicationTargetGroup(stack, 'Mine', { vpc: network.vpc, port: 8080 });
    edge.routePaths('Mine', { paths: ['/mine/*'], targetGroup });
  });
  const rules = Object.entries(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
  return Object.fromEntries(rules.map(([id, { Properties }]) => [id, Properties.Priority]));
}

/** What holds state in a platform, by logical id, with what cannot be changed in place. */
function heldBy(change: (stack: cdk.Stack) => Partial<McpPlatformProps>): Record<string, unknown> {
  const { template } = synthTemplate((stack) => void makePlatform(stack, change(stack)));
  return Object.fromEntries(
    Object.entries(fixed).flatMap(([type, names]) =>
      Object.entries(template.findResources(type)).map(([id, { Properties = {} }]) => [
        id,
        Object.fromEntries(names.map((name) => [name, Properties[name]])),
      ]),
    ),
  );
}
