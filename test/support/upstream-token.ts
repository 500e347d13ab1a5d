import type { TokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { createTestIssuer } from './test-issuer.ts';

/** A gateway's mint for tests: tokens as the gateway makes them for one upstream call. */
export interface UpstreamTokens {
  readonly issuer: string;
  readonly verifier: TokenVerifier;
  readonly actor: string;
  /** A token for `audience`; members of `claims` take the place of the usual ones, `undefined` removes one. */
  token(audience: string, claims?: Readonly<Record<string, unknown>>): string;
}

export function createUpstreamTokens(now: () => number = Date.now): UpstreamTokens {
  const { issuer, verifier, token } = createTestIssuer(now);
  const actor = 'spiffe://toolgate.local/gateway';
  return {
    issuer,
    verifier,
    actor,
    token(audience, claims = {}) {
      const seconds = Math.floor(now() / 1000);
      return token({
        aud: audience,
        sub: 'ada',
        act: { sub: actor },
        client_id: 'client-1',
        tenant: 'acme',
        scope: '',
        roles: undefined,
        exp: seconds + 60,
        ...claims,
      });
    },
  };
}
