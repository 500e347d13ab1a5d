import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalRequest } from '../contract/approval.ts';
import type { TenantSettings } from '../contract/decision.ts';
import { personOf } from '../shared/person-of.ts';
import type { WorkflowTasks } from '../shared/workflow-tasks.ts';

export interface TellWorkflowDeps {
  readonly tasks: Pick<WorkflowTasks, 'answered' | 'takenBack'>;
  /** Settings of a tenant, which say what accounts are one person's. */
  readonly tenant: (name: string) => Pick<TenantSettings, 'same_person'> | undefined;
  readonly now: () => number;
  /** @default a timer */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** Somebody may answer while a workflow goes on from the notice to the decision: it asks within this, twice. */
const betweenMs = 400;

/**
 * After that long a workflow that has not asked was never started, or ended. One that is started still finds the outcome in the store, when nobody
 * tells it anything.
 */
const askedWithinMs = 300_000;

/**
 * Tells the workflow of a closed request how it ended; of an expired one it knows by its own clock. Rejects when it could not be told, or has not
 * come to asking yet: the sweep then tells it.
 */
export async function tellWorkflow(request: ApprovalRequest, deps: TellWorkflowDeps): Promise<void> {
  const { id, tenant, state, decision, closedAtMs = 0 } = request;
  if (state === 'withdrawn') {
    await deps.tasks.takenBack(id);
    return;
  }
  if (decision === undefined) return;
  const { verdict, approver: subject } = decision;
  const person = personOf(subject, deps.tenant(tenant));
  const tell = () => deps.tasks.answered(id, { verdict, approver: { tenant, subject, person } });
  const { wait = sleep } = deps;
  let outcome = await tell();
  for (let more = 2; more > 0 && outcome === 'not-asked'; more -= 1) {
    await wait(betweenMs);
    outcome = await tell();
  }
  if (outcome === 'not-asked' && deps.now() < closedAtMs + askedWithinMs) {
    throw new Error(`the workflow of ${id} has not asked yet`);
  }
}
