import { type KeyObject, randomUUID, sign } from 'node:crypto';

/** A key that signs. Its private half never leaves the process. */
export interface TokenSigner {
  current(): { readonly kid: string; readonly privateKey: KeyObject };
}

export interface MintListTokenOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly keys: TokenSigner;
  /** `iss`: the gateway's public URL, which tool servers believe. */
  readonly issuer: string;
  readonly trustDomain: string;
}

const lifetimeSeconds = 60;

/**
 * Mints the token that a server is asked for its tools with: the registry itself as subject and actor, for that server alone, without any
 * scope, so that no tool can be called with it.
 */
export function createMintListToken({ now, keys, issuer, trustDomain }: MintListTokenOptions) {
  return (audience: string): string => {
    const { kid, privateKey } = keys.current();
    const issuedAt = Math.floor(now() / 1000);
    const signed = [
      { alg: 'ES256', typ: 'at+jwt', kid },
      {
        iss: issuer,
        aud: audience,
        sub: 'toolgate-registry',
        act: { sub: `spiffe://${trustDomain}/registry` },
        client_id: 'toolgate-registry',
        tenant: 'platform',
        kind: 'agent',
        scope: '',
        jti: randomUUID(),
        iat: issuedAt,
        exp: issuedAt + lifetimeSeconds,
      },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };
}
