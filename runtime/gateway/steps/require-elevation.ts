import type { Caller } from '../../contract/caller.ts';
import type { Allowed, Decision, PolicyElevation } from '../../contract/decision.ts';
import type { Elevation, Grant, GrantedCall, ValidArguments } from '../../contract/receipts.ts';
import type { Tool } from '../../contract/registry.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { GatewayDeps } from '../deps.ts';

/**
 * A person's yes to this very call, or proof that none is needed. `decideAgain` asks policy about the same call with open grants; a grant is used
 * up only when policy then allows the call and asks for no further approval, and by one call only. Throws Refusal `approval_required`,
 * `approval_unavailable`, `policy_denied`, `policy_unavailable`.
 */
export async function requireElevation(
  caller: Caller,
  tool: Tool,
  args: ValidArguments,
  allowed: Allowed,
  deps: Pick<GatewayDeps, 'grants' | 'now'>,
  decideAgain: (elevations: readonly PolicyElevation[]) => Decision,
): Promise<Elevation> {
  // A destructive tool needs a yes even where policy forgot to ask for one.
  if (!tool.entry.destructive && !asksForApproval(allowed)) return { kind: 'not-needed' };

  const grant = await deps.grants.find(callOf(caller, tool, args, allowed), deps.now());
  if (grant === undefined) {
    throw required('An approver has to allow exactly this call; then send it again with the same arguments.');
  }
  if (grant.approver === caller.subject) throw required('Nobody approves their own call: ask another approver.');

  const decision = decideAgain([toElevation(grant)]);
  if (!decision.allow) throw new Refusal('policy_denied', { policyReasons: decision.reasons });
  // The obligations that hold for this call are those of the first look; another revision may have others.
  if (decision.revision !== allowed.revision) {
    throw required('Policy changed while this call was decided: send it again.');
  }
  if (asksForApproval(decision)) throw required('Policy does not accept the approval there is: ask for another.');

  if (!(await deps.grants.consume(grant, deps.now()))) {
    throw required('The approval was used, taken back or has expired: ask for another.');
  }
  return { kind: 'granted', grant };
}

function asksForApproval({ obligations }: Pick<Decision, 'obligations'>): boolean {
  return obligations.some(({ type }) => type === 'require_approval');
}

function callOf(caller: Caller, tool: Tool, args: ValidArguments, allowed: Allowed): GrantedCall {
  return {
    tenant: caller.tenant,
    subject: caller.subject,
    clientId: caller.clientId,
    server: tool.server.name,
    tool: tool.entry.name,
    definitionHash: tool.entry.definitionHash,
    argumentsSha256: args.sha256,
    policyRevision: allowed.revision,
  };
}

function toElevation(grant: Grant): PolicyElevation {
  return {
    tenant: grant.tenant,
    subject: grant.subject,
    client_id: grant.clientId,
    tool: grant.tool,
    definition_hash: grant.definitionHash,
    arguments_sha256: grant.argumentsSha256,
    approver: grant.approver,
    granted_at_ms: grant.grantedAtMs,
    expires_at_ms: grant.expiresAtMs,
  };
}

function required(whatToDo: string): Refusal {
  return new Refusal('approval_required', { reason: `A person must approve this call first. ${whatToDo}` });
}
