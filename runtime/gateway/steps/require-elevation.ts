import type { Decision, PolicyElevation } from '../../contract/decision.ts';
import type { Elevation, Grant } from '../../contract/receipts.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { AskPeople } from '../approval/ask-people.ts';
import { boundCall, type CheckedCall } from '../approval/questions.ts';
import type { GatewayDeps } from '../deps.ts';

/** Who is asked about one call. */
export interface Deciders {
  /** Policy about the same call, with open grants. */
  readonly decideAgain: (elevations: readonly PolicyElevation[]) => Decision;
  readonly people: AskPeople;
  /** The receipt of a yes, signed before it is used up. */
  readonly sign: (grant: Grant) => string;
}

/**
 * A person's yes to this very call, or proof that none is needed. A grant is used up only when policy then allows the call and asks for no further
 * approval, and by one call only; without a grant people are asked. Throws Refusal `approval_required`, `approval_denied`, `approval_unavailable`,
 * `request_state_invalid`, `policy_denied`, `policy_unavailable`, `signing_unavailable`.
 */
export async function requireElevation(
  checked: CheckedCall,
  { decideAgain, people, sign }: Deciders,
  deps: Pick<GatewayDeps, 'grants' | 'now'>,
): Promise<Elevation> {
  const { caller, tool, allowed } = checked;
  // A destructive tool needs a yes even where policy forgot to ask for one.
  if (!tool.entry.destructive && !asksForApproval(allowed)) return { kind: 'not-needed' };

  const pending = people.pending();
  const grant = await deps.grants.find(boundCall(checked), deps.now());
  if (grant === undefined) return people.ask(pending);
  if (grant.approver === caller.subject) throw required('Nobody approves their own call: ask another approver.', grant);

  const decision = decideAgain([toElevation(grant)]);
  if (!decision.allow) throw new Refusal('policy_denied', { policyReasons: decision.reasons });
  // The obligations that hold for this call are those of the first look; another revision may have others.
  if (decision.revision !== allowed.revision) {
    throw required('Policy changed while this call was decided: send it again.', grant);
  }
  if (asksForApproval(decision))
    throw required('Policy does not accept the approval there is: ask for another.', grant);

  const receipt = sign(grant);
  if (!(await deps.grants.consume(grant, deps.now()))) {
    throw required('The approval was used, taken back or has expired: send the call again to ask for another.', grant);
  }
  return { kind: 'granted', grant, receipt };
}

function asksForApproval({ obligations }: Pick<Decision, 'obligations'>): boolean {
  return obligations.some(({ type }) => type === 'require_approval');
}

function toElevation(grant: Grant): PolicyElevation {
  return {
    tenant: grant.tenant,
    subject: grant.subject,
    client_id: grant.clientId,
    tool: grant.tool,
    definition_hash: grant.definitionHash,
    kind: 'call',
    arguments_sha256: grant.argumentsSha256,
    approver: grant.approver,
    granted_at_ms: grant.grantedAtMs,
    expires_at_ms: grant.expiresAtMs,
  };
}

function required(whatToDo: string, { id }: Grant): Refusal {
  const reason = `A person must approve this call first. ${whatToDo}`;
  return new Refusal('approval_required', { reason, approvalId: id });
}
