import type { IncomingMessage } from 'node:http';
import { Refusal } from '../shared/refusal.ts';
import type { TokenVerifier, VerifiedToken } from '../shared/token-verifier.ts';
import type { ToolCaller } from './served-tool.ts';

/** Whose tokens a tool server takes. */
export interface PlatformTrust {
  /** Knows the keys of both issuers, each by its own key set. */
  readonly verifier: TokenVerifier;
  /** `aud` of this server's tokens. */
  readonly audience: string;
  /** Its tokens call tools. */
  readonly gateway: TrustedSigner;
  /** Its tokens list tools and do nothing else; undefined: it cannot list those of this server. */
  readonly registry: TrustedSigner | undefined;
}

/** An issuer and those for whom it signs. */
export interface TrustedSigner {
  readonly issuer: string;
  /** SPIFFE ids. A token that does not name one as its actor is the caller's own, which stops at the gateway, or somebody else's. */
  readonly actors: readonly string[];
}

/**
 * Verifies the token of the gateway or the registry, before a byte of the body is read. Throws Refusal `credentials_missing`, `credentials_ambiguous`,
 * `token_invalid`, `token_expired`, `audience_mismatch` or `identity_unavailable`.
 */
export async function authenticatePlatform(request: IncomingMessage, trust: PlatformTrust): Promise<ToolCaller> {
  const token = await trust.verifier.verify(readBearer(request), trust.audience);
  return readCaller(token, trust);
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
  { issuer, claims, subject, clientId, scopes, tokenId }: VerifiedToken,
  { gateway, registry }: PlatformTrust,
): ToolCaller {
  const signer = [gateway, registry].find((each) => each?.issuer === issuer);
  const actor = (claims.act as { sub?: unknown } | null | undefined)?.sub;
  if (typeof actor !== 'string' || !signer?.actors.includes(actor)) {
    throw new Refusal('token_invalid', {
      reason: 'Calls come through the gateway only.',
      privateDetail: 'the token names no actor for whom its issuer signs',
    });
  }
  const { tenant, tool, arguments_sha256: argumentsSha256 } = claims;
  if (typeof tenant !== 'string' || tenant === '') throw lacking('tenant');
  if (tokenId === undefined || tokenId === '') throw lacking('jti');
  if (tool !== undefined && (typeof tool !== 'string' || tool === '')) throw lacking('tool');
  if (argumentsSha256 !== undefined && typeof argumentsSha256 !== 'string') throw lacking('arguments_sha256');
  const isRegistry = signer === registry;
  return { subject, tenant, clientId, scopes, callId: tokenId, actor, isRegistry, tool, argumentsSha256 };
}

function lacking(claim: string): Refusal {
  return new Refusal('token_invalid', { privateDetail: `its claim ${claim} is missing or of another type` });
}
