import type { WorkflowDefinition } from '../../runtime/contract/approval-workflow.ts';
import type { JsonObject } from '../../runtime/contract/json.ts';
import type { WorkflowPace } from './workflow-world.ts';

/**
 * The workflow with its two waits in whole seconds. ministack 1.4.21 takes no expression for TimeoutSeconds; the expression that is replaced
 * has tests of its own.
 */
export function paced(definition: WorkflowDefinition, { noticeS, decisionS }: WorkflowPace): WorkflowDefinition {
  const { PostNotice, AwaitDecision } = definition.States;
  return {
    ...definition,
    States: {
      ...definition.States,
      PostNotice: { ...(PostNotice as JsonObject), TimeoutSeconds: noticeS },
      AwaitDecision: { ...(AwaitDecision as JsonObject), TimeoutSeconds: decisionS },
    },
  };
}
