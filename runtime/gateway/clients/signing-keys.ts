import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

/** A key that signs upstream tokens. Its private half never leaves the process. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JsonWebKey;
}

/** The keys of this gateway: one signs, the others are published so that tokens before and after a rotation verify. */
export interface SigningKeys {
  current(): SigningKey;
  /** RFC 7517; public halves only. */
  jwks(): { readonly keys: readonly JsonWebKey[] };
}

/** Keys that every replica shares, as private JWKs: the first signs, all are published. Throws an Error that shows no key. */
export function sharedSigningKeys(jwks: readonly JsonWebKey[]): SigningKeys {
  const keys = jwks.map((jwk) => {
    if (jwk.kty !== 'EC' || jwk.crv !== 'P-256' || typeof jwk.d !== 'string') {
      throw new Error('each signing key must be a private EC P-256 JWK');
    }
    return toSigningKey(createPrivateKey({ key: jwk, format: 'jwk' }));
  });
  const [first] = keys;
  if (first === undefined) throw new Error('there must be at least one signing key');
  const published = { keys: keys.map((key) => key.publicJwk) };
  return { current: () => first, jwks: () => published };
}

/**
 * Keys of this process alone, made anew every `lifetimeMs`. The next key is published one lifetime before it signs, so that a tool
 * server that caches the set never meets a key it does not have. Not for several replicas: nobody would publish the others' keys.
 */
export function ownSigningKeys(now: () => number, lifetimeMs: number): SigningKeys {
  let previous: SigningKey | undefined;
  let current = generate();
  let next = generate();
  let since = now();
  const rotate = () => {
    const elapsed = now() - since;
    if (elapsed < lifetimeMs) return;
    previous = current;
    current = next;
    next = generate();
    since = now();
  };
  return {
    current: () => {
      rotate();
      return current;
    },
    jwks: () => {
      rotate();
      return { keys: [current, next, ...(previous === undefined ? [] : [previous])].map((key) => key.publicJwk) };
    },
  };
}

function generate(): SigningKey {
  return toSigningKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

function toSigningKey(privateKey: KeyObject): SigningKey {
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  // RFC 7638: the thumbprint names the key by its content.
  const kid = hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url');
  return { kid, privateKey, publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } as JsonWebKey };
}
