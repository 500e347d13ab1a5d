import type { Grant } from '../../contract/receipts.ts';
import type { GatewayDeps } from '../deps.ts';
import type { CallWindow } from './call-window.ts';
import { boundCall, type CheckedCall } from './questions.ts';

/** The yes that this call can use: to itself before one that others could use, too. */
export async function findGrant(
  checked: CheckedCall,
  window: CallWindow | undefined,
  { grants, now }: Pick<GatewayDeps, 'grants' | 'now'>,
): Promise<Grant | undefined> {
  const call = boundCall(checked);
  const own = await grants.find(call, now());
  if (own !== undefined || window === undefined) return own;
  return grants.findWindow(call, { sameSha256: window.sha256, max: window.callsMax }, now());
}
