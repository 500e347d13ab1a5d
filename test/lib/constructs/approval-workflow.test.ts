import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as cdk from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { ApprovalWorkflow, type ApprovalWorkflowProps } from '../../../lib/constructs/approval-workflow.ts';
import { StateTables } from '../../../lib/constructs/state-tables.ts';
import { approvalWorkflow } from '../../../runtime/contract/approval-workflow.ts';
import { requestKey } from '../../../runtime/shared/approval-items.ts';
import { grantKey, windowKey } from '../../../runtime/shared/grant-items.ts';
import { sampleGrant } from '../../support/grant.ts';
import { monthlyCost, total } from '../../support/monthly-cost.ts';
import { synthFailure, synthTemplate } from '../../support/synth.ts';

function addWorkflow(stack: cdk.Stack, props: Partial<ApprovalWorkflowProps> = {}): ApprovalWorkflow {
  const stateTables = props.stateTables ?? new StateTables(stack, 'State', { platformName: 'prod' });
  return new ApprovalWorkflow(stack, 'Approvals', { ...props, stateTables });
}

function addRole(stack: cdk.Stack, id: string): iam.Role {
  return new iam.Role(stack, id, { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
}

/** Actions of each statement of one role, with their conditions. */
function allowedTo(roleId: string, build: (stack: cdk.Stack) => void): readonly (readonly [string, unknown])[] {
  const { template } = synthTemplate(build);
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
    String(Properties.Roles[0].Ref).startsWith(roleId),
  );
  return policies
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .flatMap(({ Action, Condition }) => [Action].flat().map((action) => [action, Condition] as const));
}

test('the state machine is the workflow of the contract, on the table of grants', () => {
  const { template } = synthTemplate((stack) => void addWorkflow(stack));
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const pieces: unknown[] = machine?.Properties.DefinitionString['Fn::Join'][1];
  const table = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable')).find((id) => id.includes('Grants'));
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : (piece as { Ref: string }).Ref)).join('');
  const expected = approvalWorkflow({
    tableName: String(table),
    partition: 'AWS::Partition',
    noticeTimeoutS: 3600,
    noticeHeartbeatS: 60,
  });
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(expected)));
  assert.equal(machine?.Properties.StateMachineType, 'STANDARD');
});

test('the log tells states and never what they hold, because that includes task tokens', () => {
  const { template } = synthTemplate((stack) => void addWorkflow(stack));
  template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
    LoggingConfiguration: { IncludeExecutionData: false, Level: 'ALL' },
    TracingConfiguration: Match.absent(),
  });
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
});

test('the workflow writes tokens, closes requests and revokes yeses, and can write no yes', () => {
  const allowed = allowedTo('ApprovalsStateMachineRole', (stack) => void addWorkflow(stack));
  const only = { StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE', 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' } };
  const attributes = (...names: string[]) => ({ 'dynamodb:Attributes': ['pk', 'sk', ...names] });
  const like = (partition: string) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [partition] } });
  assert.deepEqual(
    allowed.filter(([action]) => !action.startsWith('logs:')),
    [
      ['dynamodb:PutItem', like('workflow#*')],
      [
        'dynamodb:UpdateItem',
        { ...like('request#*'), 'ForAllValues:StringEquals': attributes('state', 'closedAtMs', 'closedBy'), ...only },
      ],
      [
        'dynamodb:UpdateItem',
        { ...like('call#*'), 'ForAllValues:StringEquals': attributes('revoked_at_ms', 'expires_at'), ...only },
      ],
      [
        'dynamodb:UpdateItem',
        { ...like('window#*'), 'ForAllValues:StringEquals': attributes('revoked_at_ms', 'expires_at'), ...only },
      ],
      [
        'dynamodb:GetItem',
        { ...like('request#*'), 'ForAllValues:StringEquals': attributes('state', 'approver'), ...only },
      ],
    ].map(([action, condition]) => [action, condition]),
  );
});

test('what the workflow may touch is what its states touch', () => {
  // Names in the conditions are those of the stores, and of every expression that the states send.
  assert.match(String(requestKey('r').pk?.S), /^request#/);
  assert.match(grantKey(sampleGrant(), 'g').pk, /^call#/);
  assert.match(windowKey(sampleGrant(), 's', 'g').pk, /^window#/);
  const { States } = approvalWorkflow({ tableName: 't', noticeTimeoutS: 2, noticeHeartbeatS: 1 });
  const sent = (name: string) => {
    const args = States[name]?.Arguments as Record<string, unknown>;
    const text = `${args.UpdateExpression ?? ''} ${args.ConditionExpression ?? ''} ${args.ProjectionExpression ?? ''}`;
    const names = args.ExpressionAttributeNames as Record<string, string> | undefined;
    const words = text.replaceAll(/#\w+/g, (each) => names?.[each] ?? each).match(/(?<![:\w])[a-z]\w*/g) ?? [];
    return [...new Set(words)].filter((word) => word !== 'if_not_exists').sort();
  };
  assert.deepEqual(sent('ExpireQuestion'), ['closedAtMs', 'closedBy', 'state']);
  assert.deepEqual(sent('WithdrawQuestion'), ['closedAtMs', 'closedBy', 'state']);
  assert.deepEqual(sent('RevokeYes'), ['expires_at', 'revoked_at_ms']);
  assert.deepEqual(sent('RevokeWindow'), ['expires_at', 'revoked_at_ms']);
  assert.deepEqual(sent('ReadRequest'), ['approver', 'state']);
});

test('who starts it may do nothing else, and who answers it reads tokens and nothing else', () => {
  const build = (stack: cdk.Stack) => {
    const { grants } = addWorkflow(stack);
    grants.start(addRole(stack, 'Asking')).assertSuccess();
    grants.answer(addRole(stack, 'Answering')).assertSuccess();
  };
  assert.deepEqual(allowedTo('Asking', build), [['states:StartExecution', undefined]]);
  assert.deepEqual(allowedTo('Answering', build), [
    ['dynamodb:GetItem', { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['workflow#*'] } }],
    ['states:SendTaskFailure', undefined],
    ['states:SendTaskHeartbeat', undefined],
    ['states:SendTaskSuccess', undefined],
  ]);
});

test('one principal that would both ask and answer is refused, in either order', () => {
  const sentence =
    /^Stack\/Approvals: grants\.start and grants\.answer are given to one principal, which may (start|answer) already: give each/;
  assert.match(
    synthFailure((stack) => {
      const [{ grants }, role] = [addWorkflow(stack), addRole(stack, 'Role')];
      grants.start(role);
      grants.answer(role);
    }),
    sentence,
  );
  assert.match(
    synthFailure((stack) => {
      const [{ grants }, role] = [addWorkflow(stack), addRole(stack, 'Role')];
      grants.answer(role);
      grants.start(role);
    }),
    sentence,
  );
});

test('with a key of its own for the tables, workflow and answerer may use that key, and the starter needs none', () => {
  const { template } = synthTemplate((stack) => {
    const encryptionKey = new kms.Key(stack, 'Key');
    const stateTables = new StateTables(stack, 'State', { platformName: 'prod', encryptionKey });
    const { grants } = addWorkflow(stack, { stateTables });
    grants.start(addRole(stack, 'Asking'));
    grants.answer(addRole(stack, 'Answering'));
  });
  const users = Object.values(template.findResources('AWS::IAM::Policy'))
    .filter((policy) => JSON.stringify(policy).includes('kms:Decrypt'))
    .map(({ Properties }) => String(Properties.Roles[0].Ref).replace(/[0-9A-F]{8}$/, ''));
  assert.deepEqual(users.sort(), ['Answering', 'ApprovalsStateMachineRole']);
});

test('times that Step Functions would refuse are refused at synth', () => {
  const failure = (props: Partial<ApprovalWorkflowProps>) => synthFailure((stack) => void addWorkflow(stack, props));
  assert.equal(
    failure({ noticeTimeout: cdk.Duration.millis(1500) }),
    'Stack/Approvals: noticeTimeout is 1.5 seconds: give whole seconds from 1 to 86400 (a day) that are known at synth',
  );
  assert.equal(
    failure({ noticeTimeout: cdk.Duration.seconds(60) }),
    'Stack/Approvals: noticeHeartbeat is 60 seconds and noticeTimeout 60: give a heartbeat that is shorter',
  );
  assert.match(failure({ noticeHeartbeat: cdk.Duration.days(2) }), /noticeHeartbeat is 172800 seconds: give whole/);
  assert.equal(
    failure({ noticeTimeout: 3600 as never }),
    'Stack/Approvals: noticeTimeout is 3600: give a Duration, e.g. Duration.hours(1)',
  );
  assert.match(failure({ noticeHeartbeat: null as never }), /noticeHeartbeat is null: give a Duration/);
});

test('a heartbeat that the approvals service may miss is a warning', () => {
  const warned = (noticeHeartbeat?: cdk.Duration) =>
    synthTemplate((stack) => void addWorkflow(stack, noticeHeartbeat && { noticeHeartbeat }))
      .annotations.findWarning('/Stack/Approvals', Match.anyValue())
      .map(({ entry }) => String(entry.data));
  assert.deepEqual(warned(), []);
  assert.deepEqual(warned(cdk.Duration.seconds(45)), []);
  const [sentence, ...others] = warned(cdk.Duration.seconds(44));
  assert.match(String(sentence), /^noticeHeartbeat is 44 seconds, .*: give 45 or more, or acknowledge this warning/);
  assert.deepEqual(others, []);
});

test('it costs nothing until somebody asks, and then what the cost page says', () => {
  const { template } = synthTemplate((stack) => void addWorkflow(stack));
  assert.equal(total(monthlyCost(template.toJSON().Resources)), 0);
  const { States, StartAt } = approvalWorkflow({ tableName: 't', noticeTimeoutS: 2, noticeHeartbeatS: 1 });
  const path = ['CheckQuestion', 'PostNotice', 'CheckNotice', 'AwaitDecision', 'CheckAnswer', 'Approved'];
  assert.equal(path[0], StartAt);
  for (const [index, name] of path.slice(0, -1).entries())
    assert.ok(JSON.stringify(States[name]).includes(`"${path[index + 1]}"`), `${name} leads to ${path[index + 1]}`);
  // The start is one too. 0.025 USD for a thousand transitions.
  const usd = (path.length + 1) * 0.025;
  const page = readFileSync(new URL('../../../docs/cost.md', import.meta.url), 'utf8');
  assert.ok(page.includes(`in \`ApprovalWorkflow\`, seven transitions each | ${usd.toFixed(2)} |`), `${usd}`);
});
