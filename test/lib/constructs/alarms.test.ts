import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Alarms, type AlarmsProps } from '../../../lib/constructs/alarms.ts';
import { ApprovalWorkflow } from '../../../lib/constructs/approval-workflow.ts';
import { Egress } from '../../../lib/constructs/egress.ts';
import { McpService } from '../../../lib/constructs/mcp-service.ts';
import { PlatformNetwork } from '../../../lib/constructs/platform-network.ts';
import { StateTables } from '../../../lib/constructs/state-tables.ts';
import { tables } from '../../../runtime/contract/tables.ts';
import { unknownActions } from '../../support/iam-actions.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

/** Four services, three of them behind a load balancer, and alarms on them. */
function watch(stack: cdk.Stack, props: Partial<AlarmsProps> = {}): Alarms {
  const network = new PlatformNetwork(stack, 'Network', { egress: Egress.publicSubnets() });
  const { vpc } = network;
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc, enableFargateCapacityProviders: true });
  const image = ecs.ContainerImage.fromRegistry('toolgate');
  const service = (id: string, ports = [8080]) =>
    new McpService(stack, id, { cluster, network, image, ports, environment: {} });
  const [gateway, authorization, registry, approvals] = [
    service('Gateway', [8080, 8081]),
    service('Authorization'),
    service('Registry'),
    service('Approvals'),
  ];
  const loadBalancer = new elbv2.ApplicationLoadBalancer(stack, 'Edge', { vpc });
  for (const [index, target] of [
    gateway.serveTargets(stack, 'GatewayTargets', 8080),
    gateway.serveTargets(stack, 'GatewayMutualTlsTargets', 8081),
    authorization.serveTargets(stack, 'AuthorizationTargets', 8080),
    approvals.serveTargets(stack, 'ApprovalsTargets', 8080),
  ].entries()) {
    loadBalancer.addListener(`Listener${index}`, {
      port: 8000 + index,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultTargetGroups: [target],
    });
  }
  const stateTables = new StateTables(stack, 'State', { platformName: 'prod' });
  return new Alarms(stack, 'Alarms', {
    platformName: 'prod',
    loadBalancer,
    gateway,
    authorization,
    registry,
    approvals,
    workflow: new ApprovalWorkflow(stack, 'Workflow', { stateTables }),
    stateTables,
    ...props,
  });
}

const certificate = (stack: cdk.Stack) =>
  acm.Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000',
  );

const synthAlarms = (props: Partial<AlarmsProps> = {}) => synthTemplate((stack) => void watch(stack, props));

interface AlarmProperties {
  readonly AlarmDescription: string;
  readonly AlarmActions: readonly unknown[];
  readonly OKActions: readonly unknown[];
  readonly Metrics?: readonly { readonly Expression?: string }[];
}

/** By the construct that made it. */
function alarmsOf(template: Template): Map<string, AlarmProperties> {
  const found = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
  return new Map(
    found.map(([id, { Properties }]) => [id.replace(/^Alarms/, '').replace(/[0-9A-F]{8}$/, ''), Properties]),
  );
}

test('every part that can fail has its alarm', () => {
  const { template } = synthTemplate((stack) => void watch(stack, { certificates: [certificate(stack)] }));
  assert.deepEqual(
    [...alarmsOf(template).keys()].sort(),
    [
      'ApprovalErrors',
      'ApprovalsGone',
      'ApprovalsUnavailable',
      'ApprovalsUnhealthy',
      'AuditCheckpoints',
      'AuditLost',
      'AuditStorage',
      'AuditUnavailable',
      'AuthorizationGone',
      'AuthorizationUnhealthy',
      'CatalogueUnavailable',
      'Certificate',
      'EdgeErrors',
      'GatewayErrors',
      'GatewayGone',
      'GatewayLatency',
      'GatewayUnhealthy',
      'GatewayUnhealthy2',
      'IdentityUnavailable',
      'InternalErrors',
      'PeopleNotTold',
      'PolicyRefused',
      'PolicyUnavailable',
      'QuotaUnavailable',
      'Registration',
      'RegistryGone',
      'SignInErrors',
      'SigningKeys',
      'SigningUnavailable',
      ...tables.map(({ name }) => `Throttled${name.replaceAll('-', '')}`),
      'ToolServerFailures',
      'UnwantedTaskStops',
      'WorkflowEnded',
      'WorkflowFailed',
      'WorkflowThrottled',
    ].sort(),
  );
});

test('every alarm says what is wrong and names a section of the runbook that exists', () => {
  const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
  const sections = new Set(
    [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
  const { template } = synthTemplate((stack) => void watch(stack, { certificates: [certificate(stack)] }));
  const linked = new Set<string>();
  for (const [id, { AlarmDescription }] of alarmsOf(template)) {
    const [, says, section] = /^(.+\.) What to do: docs\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription) ?? [];
    assert.ok(says !== undefined && section !== undefined, `${id}: ${AlarmDescription}`);
    assert.ok(sections.has(section), `docs/runbook.md has no section for #${section}, which the alarm ${id} names`);
    linked.add(section);
  }
  const alarmSections = runbook.split(/^## Alarms$/m)[1]?.split(/^## /m)[0] ?? '';
  const described = [...alarmSections.matchAll(/^### (.+)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replaceAll(' ', '-'),
  );
  assert.deepEqual(described.sort(), [...linked].sort(), 'a section without an alarm is out of date');
});

test('calls are slow by what the gateway says of them, in which nobody waits for a person, and not by the load balancer', () => {
  const { template } = synthAlarms({ latencyP99Max: cdk.Duration.seconds(2) });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmDescription: Match.stringLikeRegexp('#gateway-latency$'),
    Threshold: 2,
    Metrics: [
      Match.objectLike({
        MetricStat: { Metric: { MetricName: 'CallP99', Namespace: 'Toolgate/prod' }, Period: 60, Stat: 'Maximum' },
      }),
    ],
  });
  for (const each of alarmsOf(template).values()) assert.doesNotMatch(JSON.stringify(each), /TargetResponseTime/);
});

test('a runbook of the platform team takes the place of ours', () => {
  const { template } = synthAlarms({ runbookUrl: 'https://wiki.example.com/toolgate' });
  for (const { AlarmDescription } of alarmsOf(template).values()) {
    assert.match(AlarmDescription, /What to do: https:\/\/wiki\.example\.com\/toolgate#[a-z-]+$/);
  }
});

test('every alarm tells the topic when it begins and when it ends', () => {
  for (const { AlarmActions, OKActions } of alarmsOf(synthAlarms().template).values()) {
    assert.match(JSON.stringify(AlarmActions), /^\[\{"Ref":"AlarmsTopic[0-9A-F]{8}"\}\]$/);
    assert.deepEqual(OKActions, AlarmActions);
  }
});

test('the topic is encrypted with a key that alarms may use, and takes what alarms of this account say over TLS', () => {
  const { template } = synthAlarms();
  const alarmsOfThisAccount = {
    Effect: 'Allow',
    Principal: { Service: 'cloudwatch.amazonaws.com' },
    Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
  };
  template.hasResourceProperties('AWS::SNS::Topic', {
    KmsMasterKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^AlarmsTopicKey'), 'Arn'] },
  });
  template.hasResourceProperties('AWS::KMS::Key', {
    KeyPolicy: {
      Statement: Match.arrayWith([
        Match.objectLike({ ...alarmsOfThisAccount, Action: ['kms:Decrypt', 'kms:GenerateDataKey'] }),
      ]),
    },
  });
  template.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        Match.objectLike({ ...alarmsOfThisAccount, Action: 'sns:Publish' }),
      ]),
    },
  });
});

test('a topic of the platform team is told instead', () => {
  const { template } = synthTemplate((stack) => {
    const topic = sns.Topic.fromTopicArn(stack, 'Pager', 'arn:aws:sns:eu-central-1:123456789012:pager');
    watch(stack, { topic });
  });
  template.resourceCountIs('AWS::SNS::Topic', 0);
  template.allResourcesProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: ['arn:aws:sns:eu-central-1:123456789012:pager'],
  });
});

test('errors are counted over all ports of the gateway, in per cent, once there is something to count', () => {
  const { template } = synthAlarms({ errorPercentMax: 5 });
  const alarm = alarmsOf(template).get('GatewayErrors');
  const expressions = (alarm?.Metrics ?? []).flatMap(({ Expression }) => Expression ?? []);
  assert.deepEqual(expressions, [
    'IF(requests >= 20, 100 * errors / requests, 0)',
    'FILL(requests0, 0) + FILL(requests1, 0)',
    'FILL(errors0, 0) + FILL(errors1, 0)',
  ]);
  assert.equal((alarm as unknown as { Threshold: number }).Threshold, 5);
});

test('a service without any task is an alarm, although nothing is measured then', () => {
  const { template } = synthAlarms();
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmDescription: Match.stringLikeRegexp('^No task of Registry runs'),
    Metrics: [
      Match.objectLike({
        MetricStat: Match.objectLike({
          Metric: Match.objectLike({ Namespace: 'AWS/ECS', MetricName: 'CPUUtilization' }),
          Stat: 'SampleCount',
        }),
      }),
    ],
    ComparisonOperator: 'LessThanThreshold',
    Threshold: 1,
    TreatMissingData: 'breaching',
  });
});

test('why tasks stopped is kept, and those that nobody stopped are counted', () => {
  const { template } = synthAlarms();
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.ecs'],
      'detail-type': ['ECS Task State Change'],
      detail: {
        clusterArn: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^Cluster'), 'Arn'] }],
        group: ['Gateway', 'Authorization', 'Registry', 'Approvals'].map((id) => ({
          'Fn::Join': ['', ['service:', { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${id}Service`), 'Name'] }]],
        })),
        lastStatus: ['STOPPED'],
      },
    },
    Targets: [{ Arn: { 'Fn::Join': ['', Match.arrayWith([':log-group:'])] } }],
  });
  template.hasResourceProperties('AWS::Logs::ResourcePolicy', {
    PolicyDocument: Match.objectLike({
      'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('events.amazonaws.com')])],
    }),
  });
  template.hasResourceProperties('AWS::Logs::MetricFilter', {
    FilterPattern: '{ ($.detail.stopCode = "EssentialContainerExited") || ($.detail.stopCode = "TaskFailedToStart") }',
  });
});

test('a table that is throttled is an alarm of its own', () => {
  const { template } = synthAlarms();
  for (const { name } of tables) {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp(`^DynamoDB throttles the table ${name}\\.`),
      Metrics: Match.arrayWith([
        Match.objectLike({
          MetricStat: Match.objectLike({ Metric: Match.objectLike({ MetricName: 'WriteThrottleEvents' }) }),
        }),
      ]),
    });
  }
});

test('a certificate that was not renewed is told a month before it ends', () => {
  const { template } = synthTemplate((stack) => void watch(stack, { certificates: [certificate(stack)] }));
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'AWS/CertificateManager',
    MetricName: 'DaysToExpiry',
    Threshold: 30,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'notBreaching',
  });
});

test('a limit that means nothing is refused', () => {
  for (const errorPercentMax of [0, -1, 101, Number.NaN]) {
    assert.equal(
      synthFailure((stack) => void watch(stack, { errorPercentMax })),
      `Stack/Alarms: errorPercentMax is ${errorPercentMax}: give per cent, above 0 and up to 100`,
    );
  }
});

test('the dashboard shows the alarms, what callers get, what fails, and what is left', () => {
  const { template } = synthAlarms();
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = JSON.stringify(dashboard?.Properties.DashboardBody);
  for (const title of ['Alarms', 'gateway: answers', 'Calls that failed', 'Tables: written units', 'Newest lines']) {
    assert.ok(body.includes(title), title);
  }
});

test('every action that its policies name exists', () => {
  assert.deepEqual(unknownActions(synthAlarms().template), []);
});
