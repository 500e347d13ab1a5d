import type { Caller } from '../../contract/caller.ts';
import type { Grant } from '../../contract/receipts.ts';
import { approvalScope } from '../../contract/step-up.ts';
import { encodePart, signCompact } from './jose-signature.ts';
import type { SigningKey, SigningKeys } from './signing-keys.ts';

/** What one upstream token says. */
export interface UpstreamClaims {
  readonly audience: string;
  readonly caller: Caller;
  /** Only what this call needs. */
  readonly scopes: readonly string[];
  /** Absent for methods that name no tool. */
  readonly tool?: string;
  readonly callId: string;
  /** A person's yes that this call uses up, and the SHA-256 (hex) of the RFC 8785 form of the arguments that it is used for. */
  readonly approval?: { readonly grant: Grant; readonly argumentsSha256: string };
}

/** Mints the token of one upstream call: a JWT (RFC 9068) signed with ES256, valid for a minute. Throws Refusal `signing_unavailable`. */
export type MintUpstreamToken = (claims: UpstreamClaims) => string;

const lifetimeSeconds = 60;

export interface MintOptions {
  readonly now: () => number;
  readonly keys: SigningKeys;
  /** `iss`: the gateway's public URL. */
  readonly issuer: string;
  /** SPIFFE id of the service that asks: `act.sub` of every token. */
  readonly actor: string;
}

export function createMintUpstreamToken({ now, keys, issuer, actor }: MintOptions): MintUpstreamToken {
  const act = { sub: actor };
  let header = { key: undefined as SigningKey | undefined, text: '' };
  return ({ audience, caller, scopes, tool, callId, approval }) => {
    const key = keys.current();
    if (header.key !== key) header = { key, text: encodePart({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }) };
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = issuedAt + lifetimeSeconds;
    const payload = encodePart({
      iss: issuer,
      aud: audience,
      sub: caller.subject,
      act,
      client_id: caller.clientId,
      tenant: caller.tenant,
      kind: caller.kind,
      scope: (approval === undefined ? scopes : [...scopes, approvalScope]).join(' '),
      ...(tool !== undefined && { tool }),
      ...(approval !== undefined && { approval_id: approval.grant.id, arguments_sha256: approval.argumentsSha256 }),
      jti: callId,
      iat: issuedAt,
      exp: approval === undefined ? expiresAt : Math.min(expiresAt, Math.floor(approval.grant.expiresAtMs / 1000)),
    });
    return signCompact(header.text, payload, key);
  };
}
