import { approvalWorkflow } from '../contract/approval-workflow.ts';
import { grantTable } from '../contract/tables.ts';
import type { GatewayDeps } from '../gateway/deps.ts';
import { createApprovalStore } from '../shared/approval-store.ts';
import type { LocalDynamo } from './dynamo.ts';
import type { Openings } from './openings.ts';
import { runWorkflows, type WorkflowRunner } from './run-workflow.ts';

interface WorkflowParts {
  readonly dynamo: LocalDynamo;
  readonly tablePrefix: string;
}

/** What runs on AWS, in this process: with its times, on the same tables. */
export function openWorkflow({ dynamo, tablePrefix }: WorkflowParts, openings: Openings): WorkflowRunner {
  const client = dynamo.createClient();
  openings.add(() => client.destroy());
  const tableName = `${tablePrefix}${grantTable.name}`;
  const runner = runWorkflows(approvalWorkflow({ tableName, noticeTimeoutS: 3600, noticeHeartbeatS: 60 }), client);
  openings.add(() => runner.close());
  return runner;
}

/** Starts the workflows of what is open again: they were in the memory of a process that has ended, however it did. */
export async function resumeWorkflows({ dynamo, tablePrefix }: WorkflowParts, gateway: GatewayDeps): Promise<void> {
  const client = dynamo.createClient();
  try {
    const nowMs = gateway.now();
    // Whoever starts waits for a busy machine.
    const store = createApprovalStore({ client, tablePrefix, deadlineMs: 30_000 });
    for (const request of await store.listUnsettled()) {
      if (request.state === 'open' && nowMs < request.expiresAtMs) await gateway.startWorkflow(request);
    }
  } finally {
    client.destroy();
  }
}
