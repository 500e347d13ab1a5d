import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { createTokenVerifier, type TokenVerifier } from '../../runtime/shared/token-verifier.ts';

/** An issuer of tokens for tests: real ES256, keys handed over without a socket. */
export interface TestIssuer {
  readonly issuer: string;
  readonly verifier: TokenVerifier;
  /** What its key endpoint publishes. */
  readonly jwks: { readonly keys: readonly object[] };
  /** A signed access token; members of `claims` take the place of the usual ones, `undefined` removes one. */
  token(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string;
}

export function createTestIssuer(now: () => number = Date.now, issuer = 'https://issuer.test'): TestIssuer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'test-key', alg: 'ES256', use: 'sig' };
  const jwksUri = `${issuer}/jwks`;
  let count = 0;
  return {
    issuer,
    jwks: { keys: [jwk] },
    verifier: createTokenVerifier({
      issuers: [{ issuer, jwksUri, algorithms: ['ES256'] }],
      now,
      fetch: async () => Response.json({ keys: [jwk] }),
    }),
    token(claims = {}, header = {}) {
      count += 1;
      const seconds = Math.floor(now() / 1000);
      const payload = {
        iss: issuer,
        sub: 'ada',
        client_id: 'client-1',
        tenant: 'acme',
        kind: 'human',
        roles: ['reader'],
        scope: 'echo:read',
        iat: seconds,
        exp: seconds + 900,
        jti: `token-${count}`,
        ...claims,
      };
      const text = [{ alg: 'ES256', typ: 'at+jwt', kid: 'test-key', ...header }, payload]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
  };
}
