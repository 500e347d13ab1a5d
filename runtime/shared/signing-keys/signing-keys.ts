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

/** RFC 7517; public halves only. */
export interface PublicKeySet {
  readonly keys: readonly JsonWebKey[];
}

/** The keys that verify the upstream tokens of one service. */
export interface PublicKeys {
  /** Throws Refusal `signing_unavailable` rather than give an empty set, which readers would put in the place of a good one. */
  jwks(): Promise<PublicKeySet>;
  /** Ends timers and clients. */
  close(): void;
}

/** The keys that upstream tokens are signed with: one signs, the others are published so that tokens before and after a rotation verify. */
export interface SigningKeys extends PublicKeys {
  /** Throws Refusal `signing_unavailable` while there is no key that may sign. */
  current(): SigningKey;
  /** Why there is no key that may sign, in one phrase without names or addresses; undefined when there is one. */
  problem(): string | undefined;
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
  return { current: () => first, jwks: async () => published, problem: () => undefined, close: () => {} };
}

/**
 * Keys of this process alone, made anew every `lifetimeMs`. The next key is published one lifetime before it signs, so that a tool
 * server that caches the set never meets a key it does not have. Not for several replicas: nobody would publish the others' keys.
 */
export function ownSigningKeys(now: () => number, lifetimeMs = 86_400_000): SigningKeys {
  let previous: SigningKey | undefined;
  let current = generateSigningKey();
  let next = generateSigningKey();
  let since = now();
  const rotate = () => {
    const elapsed = now() - since;
    if (elapsed < lifetimeMs) return;
    previous = current;
    current = next;
    next = generateSigningKey();
    since = now();
  };
  return {
    current: () => {
      rotate();
      return current;
    },
    jwks: async () => {
      rotate();
      return { keys: [current, next, ...(previous === undefined ? [] : [previous])].map((key) => key.publicJwk) };
    },
    problem: () => undefined,
    close: () => {},
  };
}

export function generateSigningKey(): SigningKey {
  return toSigningKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

/** The JWK as tool servers read it, named by its content (RFC 7638). */
export function toPublicJwk({ x, y }: { readonly x?: string; readonly y?: string }): JsonWebKey & { kid: string } {
  const kid = hash('sha256', JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }), 'base64url');
  return { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' } as JsonWebKey & { kid: string };
}

function toSigningKey(privateKey: KeyObject): SigningKey {
  const publicJwk = toPublicJwk(createPublicKey(privateKey).export({ format: 'jwk' }));
  return { kid: publicJwk.kid, privateKey, publicJwk };
}
