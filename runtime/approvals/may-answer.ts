import type { ApprovalRequest } from '../contract/approval.ts';
import type { ApproverPolicy } from '../shared/policy-client.ts';
import type { Approver } from './decide-request.ts';

/** Asks policy whether a person may answer a question as it stands now. Throws Refusal `policy_unavailable`. */
export function mayAnswer(
  request: ApprovalRequest,
  { subject, tenant, kind, roles }: Approver,
  deps: { readonly policy: ApproverPolicy; readonly now: () => number },
): ReturnType<ApproverPolicy['mayAnswer']> {
  const settings = deps.policy.tenant(request.tenant);
  return deps.policy.mayAnswer({
    now_ms: deps.now(),
    approver: { subject, tenant, kind, roles },
    approval: {
      tenant: request.tenant,
      subject: request.subject,
      client_id: request.clientId,
      server: request.server,
      tool: request.tool,
      state: request.state,
      expires_at_ms: request.expiresAtMs,
      policy_revision: request.policyRevision,
    },
    ...(settings !== undefined && { tenant: settings }),
  });
}
