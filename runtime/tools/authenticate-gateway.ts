import type { IncomingMessage } from 'node:http';
import { Refusal } from '../shared/refusal.ts';
import type { TokenVerifier, VerifiedToken } from '../shared/token-verifier.ts';
import type { ToolCaller } from './served-tool.ts';

/** Whose tokens a tool server takes. */
export interface GatewayTrust {
  readonly verifier: TokenVerifier;
  /** `aud` of this server's tokens. */
  readonly audience: string;
  /** SPIFFE ids of the gateways. A token that does not name one as its actor is the caller's own, which stops at the gateway. */
  readonly allowedActors: readonly string[];
}

/**
 * Verifies the gateway's token, before a byte of the body is read. Throws Refusal `credentials_missing`, `credentials_ambiguous`,
 * `token_invalid`, `token_expired`, `audience_mismatch` or `identity_unavailable`.
 */
export async function authenticateGateway(request: IncomingMessage, trust: GatewayTrust): Promise<ToolCaller> {
  const token = await trust.verifier.verify(readBearer(request), trust.audience);
  return readCaller(token, trust.allowedActors);
}

function readBearer({ headersDistinct, url = '/' }: IncomingMessage): string {
  const [authorization, ...more] = headersDistinct.authorization ?? [];
  // RFC 6750 § 2.3: a token in the query ends up in logs.
  if (more.length > 0 || /[?&]access_token=/.test(url)) throw new Refusal('credentials_ambiguous');
  if (authorization === undefined) throw new Refusal('credentials_missing');
  const bearer = /^bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
  if (bearer === undefined) throw new Refusal('token_invalid');
  return bearer;
}

function readCaller(
  { claims, subject, clientId, scopes, tokenId }: VerifiedToken,
  actors: readonly string[],
): ToolCaller {
  const actor = (claims.act as { sub?: unknown } | null | undefined)?.sub;
  if (typeof actor !== 'string' || !actors.includes(actor)) {
    throw new Refusal('token_invalid', {
      reason: 'Calls come through the gateway only.',
      privateDetail: 'the token names no gateway as its actor',
    });
  }
  const { tenant, tool } = claims;
  if (typeof tenant !== 'string' || tenant === '') throw lacking('tenant');
  if (tokenId === undefined || tokenId === '') throw lacking('jti');
  if (tool !== undefined && (typeof tool !== 'string' || tool === '')) throw lacking('tool');
  return { subject, tenant, clientId, scopes, callId: tokenId, actor, tool };
}

function lacking(claim: string): Refusal {
  return new Refusal('token_invalid', { privateDetail: `its claim ${claim} is missing or of another type` });
}
