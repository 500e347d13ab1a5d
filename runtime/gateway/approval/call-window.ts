import type { WindowOffer } from '../../contract/approval.ts';
import type { Allowed } from '../../contract/decision.ts';
import type { Json } from '../../contract/json.ts';
import type { ValidArguments } from '../../contract/receipts.ts';
import { canonicalSha256 } from '../../shared/canonical-json.ts';
import { jsonBytes } from '../../shared/json-beginning.ts';
import type { CheckedCall } from './questions.ts';
import { resolvePointer } from './resolve-pointer.ts';

/** The calls that policy would let a person allow along with one call. */
export interface CallWindow {
  readonly callsMax: number;
  /** JSON Pointers into the arguments: what all these calls have in common. */
  readonly same: readonly string[];
  /** SHA-256 (hex) of the RFC 8785 form of the true values by pointer. */
  readonly sha256: string;
}

/** Undefined where policy offers none, or this call lacks something that must stay the same. */
export function callWindow({ args, allowed }: { readonly args: ValidArguments; readonly allowed: Allowed }) {
  for (const obligation of allowed.obligations) {
    if (obligation.type !== 'require_approval' || obligation.window === undefined) continue;
    const { calls_max: callsMax, same } = obligation.window;
    const values = valuesAt(args.value, same);
    return values && ({ callsMax, same, sha256: canonicalSha256(values) } satisfies CallWindow);
  }
  return undefined;
}

/** Bytes of what stays the same, as JSON text: it stands in every list. */
const sameBytesMax = 16_384;

/** What people are offered. Nothing where they would not see all that stays the same: a yes to what is masked is none. */
export function windowOffer(checked: CheckedCall, shown: Json): WindowOffer | undefined {
  const window = callWindow(checked);
  if (window === undefined) return undefined;
  const same = valuesAt(shown, window.same);
  if (same === undefined || canonicalSha256(same) !== window.sha256) return undefined;
  if (jsonBytes(same) > sameBytesMax) return undefined;
  return { callsMax: window.callsMax, same, sha256: window.sha256 };
}

function valuesAt(value: Json, pointers: readonly string[]): Readonly<Record<string, Json>> | undefined {
  const found: Record<string, Json> = {};
  for (const pointer of pointers) {
    const at = resolvePointer(value, pointer);
    if (at === undefined) return undefined;
    found[pointer] = at;
  }
  return found;
}
