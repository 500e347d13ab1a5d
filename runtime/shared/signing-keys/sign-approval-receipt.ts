import type { Grant } from '../../contract/receipts.ts';
import { encodePart, signCompact } from './jose-signature.ts';
import type { SigningKeys } from './signing-keys.ts';

/** The call that a yes is spent on. */
export interface ApprovedCall {
  readonly grant: Grant;
  /** Which call of a window it is, from 1. */
  readonly use?: number | undefined;
  /** Audience of the tool server, as in its tokens. */
  readonly audience: string;
  readonly callId: string;
}

/**
 * A JWS (ES256, `typ` `approval-receipt+jwt`) over who allowed which call and when, for the tool server and the auditor. It opens no door: a
 * tool server takes it for no token. Throws Refusal `signing_unavailable`.
 */
export type SignApprovalReceipt = (approved: ApprovedCall) => string;

/** `typ` of a receipt. */
export const receiptType = 'approval-receipt+jwt';

export interface ReceiptOptions {
  readonly now: () => number;
  readonly keys: SigningKeys;
  /** `iss`: the gateway's public URL. */
  readonly issuer: string;
}

export function createSignApprovalReceipt({ now, keys, issuer }: ReceiptOptions): SignApprovalReceipt {
  return ({ grant, use, audience, callId }) => {
    const key = keys.current();
    const header = encodePart({ alg: 'ES256', typ: receiptType, kid: key.kid });
    const payload = encodePart({
      iss: issuer,
      aud: audience,
      jti: callId,
      iat: seconds(now()),
      exp: seconds(grant.expiresAtMs),
      approval_id: grant.id,
      approver: grant.approver,
      decided_at: seconds(grant.grantedAtMs),
      tenant: grant.tenant,
      sub: grant.subject,
      client_id: grant.clientId,
      tool: grant.tool,
      definition_hash: grant.definitionHash,
      arguments_sha256: grant.argumentsSha256,
      policy_revision: grant.policyRevision,
      ...windowClaims(grant, use),
    });
    return signCompact(header, payload, key);
  };
}

/** A yes to several calls says so, and which of them this is. */
function windowClaims({ calls }: Grant, use: number | undefined) {
  if (calls === undefined) return {};
  return { kind: 'window', use, calls_max: calls.max, same_sha256: calls.sameSha256 };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
