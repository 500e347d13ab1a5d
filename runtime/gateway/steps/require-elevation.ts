import type { Decision, PolicyElevation } from '../../contract/decision.ts';
import type { Elevation, Grant } from '../../contract/receipts.ts';
import { Refusal } from '../../shared/refusal.ts';
import type { AskPeople } from '../approval/ask-people.ts';
import { callWindow } from '../approval/call-window.ts';
import { findGrant } from '../approval/find-grant.ts';
import type { CheckedCall } from '../approval/questions.ts';
import type { GatewayDeps } from '../deps.ts';

/** Who is asked about one call. */
export interface Deciders {
  /** Policy about the same call, with open grants, and with the hash of what a window binds. */
  readonly decideAgain: (elevations: readonly PolicyElevation[], sameSha256?: string) => Decision;
  readonly people: AskPeople;
  /** The receipt of a yes; `use`: which call of a window it is for. */
  readonly sign: (grant: Grant, use?: number) => string;
}

/**
 * A person's yes to this very call, or to some that are alike, or proof that none is needed. A grant is used up only when policy then allows the call and asks for no further
 * approval, and by one call only, or by one of a window's; without a grant people are asked. Throws Refusal `approval_required`, `approval_denied`, `approval_unavailable`,
 * `arguments_unshowable`, `request_state_invalid`, `policy_denied`, `policy_unavailable`, `signing_unavailable`.
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
  const window = callWindow(checked);
  const grant = await findGrant(checked, window, deps);
  if (grant === undefined) return people.ask(pending);
  if (grant.approver === caller.subject) throw required('Nobody approves their own call: ask another approver.', grant);

  const decision = decideAgain([toElevation(grant)], window?.sha256);
  if (!decision.allow) throw new Refusal('policy_denied', { policyReasons: decision.reasons });
  // The obligations that hold for this call are those of the first look; another revision may have others.
  if (decision.revision !== allowed.revision) {
    throw required('Policy changed while this call was decided: send it again.', grant);
  }
  if (asksForApproval(decision))
    throw required('Policy does not accept the approval there is: ask for another.', grant);

  return grant.calls === undefined ? useUp(grant, sign, deps) : useOne(grant, sign, deps);
}

async function useUp(grant: Grant, sign: Deciders['sign'], deps: Pick<GatewayDeps, 'grants' | 'now'>) {
  // Signed first: a yes that cannot be proved is not used up.
  const receipt = sign(grant);
  if (!(await deps.grants.consume(grant, deps.now()))) throw required(isUsed, grant);
  return { kind: 'granted', grant, receipt } as const;
}

async function useOne(grant: Grant, sign: Deciders['sign'], deps: Pick<GatewayDeps, 'grants' | 'now'>) {
  const use = await deps.grants.consumeOne(grant, deps.now());
  if (use === undefined) throw required(isUsed, grant);
  // Which call of the window it is stands in the receipt, and only its use tells.
  return { kind: 'granted', grant, receipt: sign(grant, use), use } as const;
}

const isUsed = 'The approval was used, taken back or has expired: send the call again to ask for another.';

function asksForApproval({ obligations }: Pick<Decision, 'obligations'>): boolean {
  return obligations.some(({ type }) => type === 'require_approval');
}

function toElevation(grant: Grant): PolicyElevation {
  const { calls, argumentsSha256 } = grant;
  const of =
    calls === undefined
      ? ({ kind: 'call', arguments_sha256: argumentsSha256 } as const)
      : ({ kind: 'window', same_sha256: calls.sameSha256, calls_used: calls.used, calls_max: calls.max } as const);
  return {
    ...of,
    tenant: grant.tenant,
    subject: grant.subject,
    client_id: grant.clientId,
    tool: grant.tool,
    definition_hash: grant.definitionHash,
    approver: grant.approver,
    granted_at_ms: grant.grantedAtMs,
    expires_at_ms: grant.expiresAtMs,
  };
}

function required(whatToDo: string, { id }: Grant): Refusal {
  const reason = `A person must approve this call first. ${whatToDo}`;
  return new Refusal('approval_required', { reason, approvalId: id });
}
