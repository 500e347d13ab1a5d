import type { ApprovalRequest, ApprovalScope } from '../contract/approval.ts';
import type { ApproverPolicy } from '../shared/policy-client.ts';
import type { Approver } from './decide-request.ts';

/** Asks policy whether a person may answer a question as it stands now, with a yes of this scope or with a no. Throws Refusal `policy_unavailable`. */
export function mayAnswer(
  request: ApprovalRequest,
  { subject, tenant, kind, roles }: Approver,
  deps: { readonly policy: ApproverPolicy; readonly now: () => number },
  scope: ApprovalScope = 'call',
): ReturnType<ApproverPolicy['mayAnswer']> {
  const settings = deps.policy.tenant(request.tenant);
  const { window } = request;
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
      ...(window !== undefined && { window: { calls_max: window.callsMax, same: Object.keys(window.same) } }),
    },
    answer: { scope },
    ...(settings !== undefined && { tenant: settings }),
  });
}
