import type { Caller, CallerKind } from '../../contract/caller.ts';
import type { Inbound } from '../../contract/tool-call.ts';
import { Refusal, toRefusal } from '../../shared/refusal.ts';
import type { VerifiedToken } from '../../shared/token-verifier.ts';
import type { GatewayDeps } from '../deps.ts';
import { checkBinding } from './check-binding.ts';

/**
 * Who is calling, from the token, and from the certificate that it is bound to. Its audience must be exactly this door's resource (RFC 8707 § 2): a token for all servers opens
 * no single server's door, nor the other way round. Throws Refusal `credentials_missing`, `token_invalid`, `token_expired`,
 * `audience_mismatch` or `identity_unavailable`; whatever else goes wrong inside is `identity_unavailable`, never an empty caller.
 */
export async function authenticate(inbound: Inbound, deps: Pick<GatewayDeps, 'verifier'>): Promise<Caller> {
  if (inbound.bearer === undefined) throw new Refusal('credentials_missing');
  let token: VerifiedToken;
  try {
    token = await deps.verifier.verify(inbound.bearer, inbound.endpoint.resource);
  } catch (cause) {
    const refusal = toRefusal(cause);
    if (refusal.code !== 'internal_error') throw refusal;
    throw new Refusal('identity_unavailable', {}, { cause });
  }
  if (token.audience !== inbound.endpoint.resource) throw new Refusal('audience_mismatch');
  checkBinding(token, inbound.certificate);
  return callerOf(token);
}

const kinds: ReadonlySet<unknown> = new Set<CallerKind>(['human', 'agent', 'tenant-key']);
/** A tenant becomes a folder of the record and a key of policy. */
const tenantPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

function callerOf(token: VerifiedToken): Caller {
  const { tenant, kind, roles } = token.claims;
  if (!isName(token.subject)) throw incomplete('sub');
  if (!isName(token.clientId)) throw incomplete('client_id');
  if (typeof tenant !== 'string' || !tenantPattern.test(tenant)) throw incomplete('tenant');
  if (!kinds.has(kind)) throw incomplete('kind');
  if (roles !== undefined && !(Array.isArray(roles) && roles.every(isName))) throw incomplete('roles');
  return {
    subject: token.subject,
    tenant,
    kind: kind as CallerKind,
    roles: (roles as string[] | undefined) ?? [],
    scopes: token.scopes,
    clientId: token.clientId,
    issuer: token.issuer,
    tokenId: token.tokenId,
    expiresAtMs: token.expiresAtMs,
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 2048 && /^\P{Cc}+$/u.test(value);
}

function incomplete(claim: string): Refusal {
  return new Refusal('token_invalid', { privateDetail: `the claim ${claim} is missing or not of its form` });
}
