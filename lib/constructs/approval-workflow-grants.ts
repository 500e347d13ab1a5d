import * as iam from 'aws-cdk-lib/aws-iam';
import { grantTable } from '../../runtime/contract/tables.ts';
import { workflowPartition } from '../../runtime/contract/workflow-input.ts';
import type { ApprovalWorkflow } from './approval-workflow.ts';
import type { IStateTables } from './state-tables.ts';
import { synthError } from './synth-error.ts';

/** Who may ask and who may answer; nobody gets both. */
export class ApprovalWorkflowGrants {
  /** The grants of this workflow, whose task tokens are in these tables. */
  static fromApprovalWorkflow(workflow: ApprovalWorkflow, stateTables: IStateTables): ApprovalWorkflowGrants {
    return new ApprovalWorkflowGrants(workflow, stateTables);
  }

  private readonly workflow: ApprovalWorkflow;
  private readonly stateTables: IStateTables;
  private readonly starting = new Set<iam.IPrincipal>();
  private readonly answering = new Set<iam.IPrincipal>();

  private constructor(workflow: ApprovalWorkflow, stateTables: IStateTables) {
    this.workflow = workflow;
    this.stateTables = stateTables;
  }

  /** Starts executions. It cannot answer one, nor see or stop it. */
  start(grantee: iam.IGrantable): iam.Grant {
    this.refuseBoth(grantee, this.answering, 'answer');
    this.starting.add(grantee.grantPrincipal);
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['states:StartExecution'],
      resourceArns: [this.workflow.stateMachine.stateMachineArn],
    });
  }

  /** Reads task tokens and answers with them. It cannot start an execution, nor write a token. */
  answer(grantee: iam.IGrantable): iam.Grant {
    this.refuseBoth(grantee, this.starting, 'start');
    this.answering.add(grantee.grantPrincipal);
    const key = this.stateTables.encryptionKey;
    const tokens = iam.Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:GetItem'],
      resourceArns: [this.stateTables.table(grantTable.name).tableArn],
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${workflowPartition}*`] } },
    });
    const answers = iam.Grant.addToPrincipal({
      grantee,
      actions: ['states:SendTaskFailure', 'states:SendTaskHeartbeat', 'states:SendTaskSuccess'],
      resourceArns: [this.workflow.stateMachine.stateMachineArn],
    });
    const granted = tokens.combine(answers);
    return key === undefined ? granted : granted.combine(key.grantDecrypt(grantee));
  }

  private refuseBoth({ grantPrincipal }: iam.IGrantable, others: ReadonlySet<iam.IPrincipal>, verb: string): void {
    if (!others.has(grantPrincipal)) return;
    throw synthError(
      this.workflow,
      `grants.start and grants.answer are given to one principal, which may ${verb} already: give each to a role of its own, so that nobody answers what he asked`,
    );
  }
}
