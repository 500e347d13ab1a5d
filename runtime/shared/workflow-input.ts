import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ApprovalRequest } from '../contract/approval.ts';
import type { ItemKey, WorkflowInput } from '../contract/workflow-input.ts';
import { requestKey } from './approval-items.ts';
import { grantKey, windowKey } from './grant-items.ts';

/**
 * What the workflow of a request is started with: who asks and until when, and nothing of the call itself, because the history of an execution
 * is read by more people than the table. The same request gives the same input.
 *
 * @param person the person behind the asker's account; the asker where no claim says so
 */
export function workflowInput(request: ApprovalRequest, person = request.subject): WorkflowInput {
  const { id, tenant, subject, expiresAtMs, window } = request;
  return {
    v: 1,
    requestId: id,
    tenant,
    subject,
    person,
    expiresAtMs,
    request: unmarshall(requestKey(id)) as ItemKey,
    grant: grantKey(request, id),
    ...(window !== undefined && { window: windowKey(request, window.sha256, id) }),
  };
}
