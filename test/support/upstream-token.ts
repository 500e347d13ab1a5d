import { gatewayActor, registryActor, registryIssuer } from '../../runtime/contract/upstream-issuers.ts';
import { createTokenVerifier, type TokenVerifier } from '../../runtime/shared/token-verifier.ts';
import { createTestIssuer, type TestIssuer } from './test-issuer.ts';

/** The mints of a gateway and of its registry for tests: tokens as they make them for one upstream message. */
export interface UpstreamTokens extends UpstreamMint {
  /** Knows both issuers. */
  readonly verifier: TokenVerifier;
  readonly registry: UpstreamMint;
}

export interface UpstreamMint {
  readonly issuer: string;
  readonly actor: string;
  /** A token for `audience`; members of `claims` take the place of the usual ones, `undefined` removes one. */
  token(audience: string, claims?: Readonly<Record<string, unknown>>): string;
}

const trustDomain = 'toolgate.local';

export function createUpstreamTokens(now: () => number = Date.now): UpstreamTokens {
  const gateway = createTestIssuer(now);
  const registry = createTestIssuer(now, registryIssuer(gateway.issuer));
  const issuers = [gateway, registry];
  return {
    ...mintOf(gateway, gatewayActor(trustDomain), now),
    registry: mintOf(registry, registryActor(trustDomain), now),
    verifier: createTokenVerifier({
      issuers: issuers.map(({ issuer }) => ({ issuer, jwksUri: `${issuer}/jwks`, algorithms: ['ES256'] })),
      now,
      fetch: async (url) => Response.json(issuers.find(({ issuer }) => url === `${issuer}/jwks`)?.jwks),
    }),
  };
}

function mintOf({ issuer, token }: TestIssuer, actor: string, now: () => number): UpstreamMint {
  return {
    issuer,
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
