import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import * as cdk from 'aws-cdk-lib';
import { ApprovalWorkflow } from '../../../lib/constructs/approval-workflow.ts';
import { StateTables } from '../../../lib/constructs/state-tables.ts';
import { isAnotherPerson } from '../../../runtime/contract/approval-workflow.ts';
import { createDynamoClient } from '../../../runtime/shared/dynamo.ts';
import { createStepFunctionsAnswers, createStepFunctionsStarter } from '../../../runtime/shared/step-functions.ts';
import { type Ministack, startMinistack } from '../../support/ministack.ts';
import { synthTemplate } from '../../support/synth.ts';
import { workflowSuite } from '../../support/workflow-suite.ts';
import { ask, ending, untilTaken, type WorkflowPace, waitFor, workflowWorld } from '../../support/workflow-world.ts';

let emulator: Promise<Ministack> | undefined;
after(async () => (await emulator)?.close());
let stacks = 0;

/** The construct's own template, deployed by CloudFormation. */
async function deploy({ noticeS, decisionS }: WorkflowPace, isAnother = isAnotherPerson) {
  emulator ??= startMinistack('cloudformation,dynamodb,iam,logs,s3,ssm,states,stepfunctions,sts');
  const { endpoint, region, credentials } = await emulator;
  stacks += 1;
  const platformName = `approvals-${stacks}`;
  const { template } = synthTemplate((stack) => {
    const stateTables = new StateTables(stack, 'State', { platformName, removalPolicy: cdk.RemovalPolicy.DESTROY });
    const { stateMachine } = new ApprovalWorkflow(stack, 'Approvals', {
      stateTables,
      noticeTimeout: cdk.Duration.seconds(noticeS),
      noticeHeartbeat: cdk.Duration.seconds(1),
    });
    new cdk.CfnOutput(stack, 'StateMachineArn', { value: stateMachine.stateMachineArn });
  });
  const connection = { endpoint, region, credentials };
  const cloudFormation = new CloudFormationClient(connection);
  const StackName = platformName;
  await cloudFormation.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: withDecisionIn(decisionS, template.toJSON()).replace(isAnotherPerson, () => isAnother),
    }),
  );
  const made = await waitFor(async () => {
    const [stack] = (await cloudFormation.send(new DescribeStacksCommand({ StackName }))).Stacks ?? [];
    return stack?.StackStatus === 'CREATE_IN_PROGRESS' ? undefined : stack;
  });
  assert.equal(made.StackStatus, 'CREATE_COMPLETE', made.StackStatusReason);
  cloudFormation.destroy();

  const client = createDynamoClient({ ...connection, requestTimeoutMs: 10_000 });
  const stepFunctions = new SFNClient(connection);
  const stateMachineArn = outputOf(made, 'StateMachineArn');
  return {
    client,
    tablePrefix: `toolgate-${platformName}-`,
    starter: createStepFunctionsStarter(stepFunctions, stateMachineArn),
    answers: createStepFunctionsAnswers(stepFunctions),
    async outcomeOf(requestId: string) {
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${requestId}`;
      const { status, output, error } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'RUNNING') return { status: 'running' as const };
      if (status === 'SUCCEEDED') return { status: 'succeeded' as const, outcome: JSON.parse(output ?? 'null') };
      return { status: 'failed' as const, ...(error !== undefined && { error }) };
    },
    async close() {
      client.destroy();
      stepFunctions.destroy();
    },
  };
}

/** ministack 1.4.21 takes no expression for TimeoutSeconds; the one that is replaced has tests of its own. It enforces no heartbeat. */
function withDecisionIn(seconds: number, { Resources, Outputs }: Record<string, object>): string {
  const text = JSON.stringify({ Resources, Outputs });
  const expression = /\\"TimeoutSeconds\\":\\"\{%.*?%\}\\"/g;
  assert.equal(text.match(expression)?.length, 1, 'one wait has an expression');
  return text.replace(expression, `\\"TimeoutSeconds\\":${seconds}`);
}

function outputOf({ Outputs = [] }: Stack, name: string): string {
  const value = Outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue;
  assert.ok(value !== undefined, `the stack has no output ${name}`);
  return value;
}

workflowSuite('Step Functions on ministack', (pace) => deploy(pace));

test('with the comparison that comes to mind first the asker would pass, and the suite would see it', async (t) => {
  const naive = '$states.input.approver.subject != $states.input.subject';
  const world = workflowWorld(await deploy({ noticeS: 60, decisionS: 60 }, naive));
  t.after(world.close);
  const { id, subject } = await ask(world);
  await untilTaken(() => world.tasks.told(id));
  const approver = { tenant: 'acme', subject, person: subject };
  await untilTaken(() => world.tasks.answered(id, { verdict: 'approve', approver }));
  assert.deepEqual(await ending(world, id), { status: 'succeeded', outcome: { outcome: 'approved' } });
});
