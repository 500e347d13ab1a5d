import type { ApprovalRequest } from '../../contract/approval.ts';
import { approvalScope } from '../../contract/step-up.ts';
import type { StepUps } from '../../shared/step-ups.ts';
import type { GatewayDeps } from '../deps.ts';
import type { CheckedCall } from './questions.ts';

/** How askers are sent to our authorization server for the scope of a yes. */
export interface StepUpSettings {
  /** Issuer of that server; people with tokens of another one are answered as everywhere. */
  readonly issuer: string;
  readonly note: StepUps['note'];
}

/**
 * Whether this call is answered with a challenge (RFC 6750 § 3.1 `insufficient_scope`) while nobody decided: the tenant's data say so for this
 * server, and a person's client asks, which can go to our authorization server. Not a second time for one token: it has the scope then, and a
 * challenge would send its client round in circles (MCP authorization § Step-Up Authorization Flow).
 */
export function isSentToStepUp(
  { caller, tool }: CheckedCall,
  { policy, stepUp }: Pick<GatewayDeps, 'policy' | 'stepUp'>,
): boolean {
  if (stepUp === undefined || caller.kind !== 'human' || caller.issuer !== stepUp.issuer) return false;
  if (caller.scopes.includes(approvalScope)) return false;
  return policy.tenant(caller.tenant)?.step_up_servers?.includes(tool.server.name) === true;
}

/** What the client is to ask for: all that its token has, or it would lose that (MCP authorization § Scope Selection Strategy). */
export async function stepUpScopes(
  { caller, tool }: CheckedCall,
  request: ApprovalRequest,
  { stepUp }: Pick<GatewayDeps, 'stepUp'>,
): Promise<readonly string[]> {
  // First, or the client would be there before what it waits for.
  await stepUp?.note(request);
  return [...new Set([...caller.scopes, ...tool.entry.scopes, approvalScope])];
}
