import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { approvalsEnv, pageProblem, slackProblem } from '../../../runtime/approvals/env.ts';
import { auditPlaceProblem } from '../../../runtime/shared/audit/audit-env.ts';
import { readEnv } from '../../../runtime/shared/read-env.ts';
import { synthTemplate } from '../../support/synth.ts';
import { allowedActions, containerEnvironment, makePlatform } from '../make-platform.ts';

const secret = (stack: cdk.Stack, id: string) => secretsmanager.Secret.fromSecretNameV2(stack, id, `slack/${id}`);

const { template } = synthTemplate(
  (stack) =>
    void makePlatform(stack, {
      approvalWait: cdk.Duration.hours(8),
      noticeTimeout: cdk.Duration.hours(8),
      slack: {
        botToken: secret(stack, 'bot'),
        signingSecret: secret(stack, 'signing'),
        channels: { acme: 'C0123456789', '*': 'C9876543210' },
        escalationChannels: { acme: 'C0000000009' },
        approvers: [{ email: 'grace@example.com', tenant: 'acme', subject: 'grace' }],
        remindAfter: cdk.Duration.minutes(10),
        escalateAfter: cdk.Duration.hours(1),
        cardsPerAskerMax: 3,
      },
    }),
);

test('what the construct says of Slack is what the service reads', () => {
  const environment = containerEnvironment(template, 'PlatformApprovals');
  // As Slack makes them; the template has ARNs.
  const secrets = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: '0'.repeat(32) };
  const env = readEnv(approvalsEnv, { ...environment, ...secrets }, auditPlaceProblem, slackProblem, pageProblem);
  assert.deepEqual(Object.fromEntries(env.SLACK_CHANNELS), { acme: 'C0123456789', '*': 'C9876543210' });
  assert.deepEqual(Object.fromEntries(env.SLACK_ESCALATION_CHANNELS), { acme: 'C0000000009' });
  assert.deepEqual(env.SLACK_APPROVERS.get('grace@example.com')?.subject, 'grace');
  assert.deepEqual([env.REMIND_AFTER_MS, env.ESCALATE_AFTER_MS, env.CARDS_PER_ASKER_MAX], [600_000, 3_600_000, 3]);
  assert.equal(containerEnvironment(template, 'PlatformGateway').APPROVAL_WAIT_MS, '28800000');
});

/** The task of the workflow that tells people. */
function postNotice(of: Template) {
  const [machine] = Object.values(of.findResources('AWS::StepFunctions::StateMachine'));
  const pieces: unknown[] = machine?.Properties.DefinitionString['Fn::Join'][1];
  return JSON.parse(pieces.map((piece) => (typeof piece === 'string' ? piece : 'x')).join('')).States.PostNotice;
}

test('a question waits for Slack for as long as the platform says', () => {
  const { TimeoutSeconds, HeartbeatSeconds } = postNotice(template);
  assert.deepEqual([TimeoutSeconds, HeartbeatSeconds], [28_800, 60]);
});

test('where nothing is said a question waits for Slack for an hour, and no longer than people have to answer it', () => {
  const waited = (approvalWait?: cdk.Duration) =>
    postNotice(synthTemplate((stack) => void makePlatform(stack, { approvalWait })).template).TimeoutSeconds;
  assert.equal(waited(), 3600);
  assert.equal(waited(cdk.Duration.hours(2)), 3600);
  assert.equal(waited(cdk.Duration.minutes(30)), 1800);
  assert.equal(waited(cdk.Duration.minutes(2)), 120);
});

test('no secret of Slack is a text of the template', () => {
  const definitions = Object.entries(template.findResources('AWS::ECS::TaskDefinition'));
  const own = definitions.find(([id]) => id.startsWith('PlatformApprovals')) ?? assert.fail('there is no task');
  const [container] = own[1].Properties.ContainerDefinitions;
  const names = (list: { Name: string }[]) => list.map(({ Name }) => Name).sort();
  assert.deepEqual(names(container.Secrets), ['APPROVALS_COOKIE_KEY', 'SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET']);
  assert.ok(!names(container.Environment).some((name) => /TOKEN|SECRET|KEY$/.test(name)));
});

test('people and Slack are routed to it before the load balancer asks for a token, and nothing else is', () => {
  const rules = Object.entries(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
  const [, { Properties }] = rules.find(([id]) => id.includes('Approvals')) ?? assert.fail('there is no rule');
  const values = (field: string) =>
    Properties.Conditions.find(({ Field }: { Field: string }) => Field === field)[
      field === 'host-header' ? 'HostHeaderConfig' : 'PathPatternConfig'
    ].Values;
  assert.deepEqual(values('host-header'), ['mcp.tools.example.com']);
  assert.deepEqual(values('path-pattern'), ['/approvals', '/approvals/*', '/slack/interactions']);
  const gateway = rules.find(([id]) => /EdgeGateway/.test(id))?.[1] ?? assert.fail('there is no rule of the gateway');
  assert.ok(Properties.Priority < gateway.Properties.Priority);
});

test('who starts the workflow cannot answer it, and who answers cannot start it', () => {
  const states = (role: string) => allowedActions(template, role).filter((action) => action.startsWith('states:'));
  assert.deepEqual(states('PlatformGatewayServiceTaskTaskRole'), ['states:StartExecution']);
  assert.deepEqual(states('PlatformApprovalsServiceTaskTaskRole'), [
    'states:SendTaskFailure',
    'states:SendTaskHeartbeat',
    'states:SendTaskSuccess',
  ]);
});

test('it records under a name of its own, and reads the rules but not the parameters of others', () => {
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([Match.objectLike({ Action: 'ssm:GetParameter' })]),
    },
    Roles: [{ Ref: Match.stringLikeRegexp('^PlatformApprovalsServiceTaskTaskRole') }],
  });
  assert.equal(containerEnvironment(template, 'PlatformApprovals').AUDIT_WRITER, 'approvals');
  assert.match(JSON.stringify(template.findResources('AWS::IAM::Policy')), /\/approvals-\*/);
});
