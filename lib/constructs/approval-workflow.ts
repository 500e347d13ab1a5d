import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { approvalWorkflow } from '../../runtime/contract/approval-workflow.ts';
import { grantTable } from '../../runtime/contract/tables.ts';
import { workflowPartition } from '../../runtime/contract/workflow-input.ts';
import { ApprovalWorkflowGrants } from './approval-workflow-grants.ts';
import { type DurationRange, durationMs, requireProps } from './check-props.ts';
import type { IStateTables } from './state-tables.ts';
import { synthError } from './synth-error.ts';

/** Three times what `runtime/approvals/follow-workflows.ts` keeps. */
const heartbeatSMin = 45;

const range: DurationRange = {
  minMs: 1000,
  maxMs: 86_400_000,
  stepMs: 1000,
  allowed: 'whole seconds from 1 to 86400 (a day)',
};

/** What an approval workflow needs. */
export interface ApprovalWorkflowProps {
  /** Where requests, yeses and task tokens are. */
  readonly stateTables: IStateTables;
  /**
   * How long telling people may take, waiting for the limits of a messenger included. After it the question is taken back. Slack takes one
   * message a second in a channel, so an hour is enough for 3,600 cards that wait at once.
   *
   * @default Duration.hours(1)
   */
  readonly noticeTimeout?: cdk.Duration;
  /**
   * How long the service that tells people may say nothing. It says every 15 seconds that it is still trying; one that says nothing for longer
   * than this, three times in a row, is taken for gone, and the question is taken back. Below 45 seconds there is a warning: a slow answer
   * or two would do.
   *
   * @default Duration.minutes(1)
   */
  readonly noticeHeartbeat?: cdk.Duration;
  /**
   * How long it is known which states an execution went through. What became of a request is in the audit trail, which stays.
   *
   * @default RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;
}

/**
 * One execution for each question to people: they are told, one of them answers in time, and it is not the asker. It asks by writing a task token
 * into the table of grants, so that whoever starts it cannot answer it. It writes no yes: it closes questions that nobody answers or
 * hears of, and revokes a yes that is the asker's own.
 *
 * An execution that fails is a reason to look: `stateMachine.metricFailed()`.
 */
export class ApprovalWorkflow extends Construct {
  /** What runs. */
  readonly stateMachine: sfn.StateMachine;
  /** Which states executions went through; never what they hold. */
  readonly logGroup: logs.LogGroup;
  /** Who may start and who may answer. */
  readonly grants: ApprovalWorkflowGrants;

  constructor(scope: Construct, id: string, props: ApprovalWorkflowProps) {
    super(scope, id);
    requireProps(this, props, ['stateTables']);
    const { stateTables } = props;
    const { noticeTimeout = cdk.Duration.hours(1), noticeHeartbeat = cdk.Duration.minutes(1) } = props;
    const noticeTimeoutS = durationMs(this, 'noticeTimeout', noticeTimeout, range) / 1000;
    const noticeHeartbeatS = durationMs(this, 'noticeHeartbeat', noticeHeartbeat, range) / 1000;
    if (noticeHeartbeatS >= noticeTimeoutS) {
      throw synthError(
        this,
        `noticeHeartbeat is ${noticeHeartbeatS} seconds and noticeTimeout ${noticeTimeoutS}: give a heartbeat that is shorter`,
      );
    }
    if (noticeHeartbeatS < heartbeatSMin) {
      cdk.Annotations.of(this).addWarningV2(
        'toolgate:notice-heartbeat',
        `noticeHeartbeat is ${noticeHeartbeatS} seconds, and whoever tells people says every 15 that it is still trying, so questions may be taken back though it is well: give ${heartbeatSMin} or more, or acknowledge this warning`,
      );
    }
    const { tableName } = stateTables.table(grantTable.name);
    this.logGroup = new logs.LogGroup(this, 'Logs', {
      retention: props.logRetention ?? logs.RetentionDays.THREE_MONTHS,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    const { partition } = cdk.Stack.of(this);
    const definition = approvalWorkflow({ tableName, partition, noticeTimeoutS, noticeHeartbeatS });
    this.stateMachine = new sfn.StateMachine(this, 'StateMachine', {
      comment: definition.Comment,
      stateMachineType: sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromString(cdk.Stack.of(this).toJsonString(definition)),
      // The data of an execution holds task tokens, which are credentials.
      logs: { destination: this.logGroup, level: sfn.LogLevel.ALL, includeExecutionData: false },
    });
    this.allowTables(stateTables);
    this.acknowledgeFindings();
    this.grants = ApprovalWorkflowGrants.fromApprovalWorkflow(this, stateTables);
  }

  /** Item by item and attribute by attribute: nothing here can write a yes, or read a question. */
  private allowTables(stateTables: IStateTables): void {
    this.allow(stateTables, 'PutItem', `${workflowPartition}*`);
    this.allow(stateTables, 'UpdateItem', 'request#*', ['state', 'closedAtMs', 'closedBy']);
    this.allow(stateTables, 'UpdateItem', 'call#*', ['revoked_at_ms', 'expires_at']);
    this.allow(stateTables, 'UpdateItem', 'window#*', ['revoked_at_ms', 'expires_at']);
    this.allow(stateTables, 'GetItem', 'request#*', ['state', 'approver']);
    const { role } = this.stateMachine;
    if (stateTables.encryptionKey === undefined) return;
    stateTables.encryptionKey.grantEncryptDecrypt(role);
    for (const action of ['kms:GenerateDataKey*', 'kms:ReEncrypt*']) {
      const reason = 'DynamoDB asks KMS for these in the name of who writes, on the one key of the tables.';
      cdk.Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Action::${action}]`, reason });
    }
  }

  private allow(stateTables: IStateTables, action: string, partition: string, attributes?: readonly string[]): void {
    // Amazon DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control".
    iam.Grant.addToPrincipal({
      grantee: this.stateMachine.role,
      actions: [`dynamodb:${action}`],
      resourceArns: [stateTables.table(grantTable.name).tableArn],
      conditions: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [partition] },
        ...(attributes !== undefined && {
          'ForAllValues:StringEquals': {
            'dynamodb:Attributes': [grantTable.partitionKey, grantTable.sortKey, ...attributes],
          },
          StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE', 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
        }),
      },
    });
  }

  private acknowledgeFindings(): void {
    cdk.Validations.of(this.stateMachine.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'The delivery of logs knows no resources. Step Functions Developer Guide, "IAM policies for logging".',
    });
    cdk.Validations.of(this.stateMachine).acknowledge({
      id: 'AwsSolutions-SF2',
      reason:
        'An execution waits for people, up to a day: a trace of it tells nothing that its states in the log do not.',
    });
  }
}
