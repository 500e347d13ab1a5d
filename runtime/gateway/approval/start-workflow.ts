import type { ApprovalRequest } from '../../contract/approval.ts';
import type { TenantSettings } from '../../contract/decision.ts';
import { personOf } from '../../shared/person-of.ts';
import { Refusal } from '../../shared/refusal.ts';
import { workflowInput } from '../../shared/workflow-input.ts';
import type { WorkflowStarter } from '../../shared/workflow-tasks.ts';

/**
 * Sees to it that the workflow of an open request runs. Throws Refusal `approval_unavailable` when it could not be started: the identical call
 * then tries again.
 */
export type StartWorkflow = (request: ApprovalRequest) => Promise<void>;

export interface StartWorkflowOptions {
  readonly starter: WorkflowStarter;
  /** Settings of a tenant, which say what accounts are one person's. */
  readonly tenant: (name: string) => Pick<TenantSettings, 'same_person'> | undefined;
  /** Requests that are remembered as started; the oldest is forgotten first, and costs one more command. @default 10,000 */
  readonly startedMax?: number;
}

/** The same request starts once however often it is started, so that what this process remembers only saves commands. */
export function createStartWorkflow({ starter, tenant, startedMax = 10_000 }: StartWorkflowOptions): StartWorkflow {
  const started = new Set<string>();
  return async (request) => {
    if (started.has(request.id)) return;
    try {
      await starter.start(workflowInput(request, personOf(request.subject, tenant(request.tenant))));
    } catch (cause) {
      const details = { approvalId: request.id, privateDetail: 'the workflow of the request could not be started' };
      throw new Refusal('approval_unavailable', details, { cause });
    }
    started.add(request.id);
    if (started.size > startedMax) started.delete(started.values().next().value as string);
  };
}

/** Where there is no workflow, the sweep of the approvals service is the only clock. */
export const startsNoWorkflow: StartWorkflow = async () => {};
