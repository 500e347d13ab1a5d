import { type CryptoKey, importJWK, type JWK } from 'jose';
import { Refusal } from './refusal.ts';

/** One published key. Kept as the same object across refreshes while the issuer publishes it unchanged. */
export interface IssuerKey {
  readonly kid: string;
  /** The key for one algorithm; throws when the JWK does not fit it. */
  forAlgorithm(algorithm: string): Promise<CryptoKey>;
}

/** The keys of one issuer, cached. */
export interface IssuerKeys {
  /**
   * The key with this id, undefined when the issuer does not publish it. Throws Refusal `identity_unavailable` when the keys cannot be
   * had and no cached one fits.
   */
  find(kid: string): Promise<IssuerKey | undefined>;
  /** True while the issuer still publishes this very key, as far as is known. Never waits; refreshes in the background when due. */
  publishes(key: IssuerKey): boolean;
}

export interface IssuerKeysOptions {
  readonly jwksUri: string;
  readonly now: () => number;
  readonly fetch: typeof fetch;
  /** Age after which the keys are refreshed in the background, milliseconds. */
  readonly refreshAfterMs?: number;
  /** Age after which cached keys no longer count, however long the endpoint has been down, milliseconds. */
  readonly staleMaxMs?: number;
  /** Shortest time between two fetches for a key id that is not known, so that made-up ids cannot hammer the issuer, milliseconds. */
  readonly cooldownMs?: number;
  readonly timeoutMs?: number;
}

/** The key set of gateways has the keys of every process that was started in a day. */
const jwksBytesMax = 1024 * 1024;

/** Caches the JWK set of one issuer (RFC 7517). Nothing is fetched before the first token. */
export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { jwksUri, now, refreshAfterMs = 300_000, staleMaxMs = 3_600_000, cooldownMs = 30_000 } = options;
  let keys: ReadonlyMap<string, CachedKey> = new Map();
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let attemptedAtMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let lastFailure: unknown;
  let inFlight: Promise<void> | undefined;

  const isUsable = () => now() - fetchedAtMs <= staleMaxMs;
  // After a failure the next try comes soon, so that an outage does not outlast its cause by the whole cooldown.
  const mayAttempt = () =>
    now() - attemptedAtMs >=
    (failures === 0 ? cooldownMs : Math.min(cooldownMs, 1000 * 2 ** Math.min(failures - 1, 10)));

  function refresh(): Promise<void> {
    inFlight ??= load().finally(() => {
      inFlight = undefined;
    });
    return inFlight;
  }

  async function load(): Promise<void> {
    attemptedAtMs = now();
    try {
      keys = readKeys(await fetchJwks(jwksUri, options), keys);
      fetchedAtMs = now();
      failures = 0;
      lastFailure = undefined;
    } catch (error) {
      failures += 1;
      lastFailure = error;
    }
  }

  function refreshWhenDue(): void {
    if (inFlight === undefined && now() - fetchedAtMs > refreshAfterMs && mayAttempt()) void refresh();
  }

  return {
    async find(kid) {
      const cached = isUsable() ? keys.get(kid) : undefined;
      if (cached !== undefined) {
        refreshWhenDue();
        return cached;
      }
      if (inFlight !== undefined || mayAttempt()) await refresh();
      const found = isUsable() ? keys.get(kid) : undefined;
      if (found === undefined && lastFailure !== undefined) {
        throw new Refusal('identity_unavailable', { retryAfterMs: 1000 }, { cause: lastFailure });
      }
      return found;
    },
    publishes(key) {
      refreshWhenDue();
      return isUsable() && keys.get(key.kid) === key;
    },
  };
}

interface CachedKey extends IssuerKey {
  readonly fingerprint: string;
}

async function fetchJwks(uri: string, { fetch, timeoutMs = 5000 }: IssuerKeysOptions): Promise<unknown> {
  const response = await fetch(uri, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the key endpoint answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > jwksBytesMax) throw new Error(`the key set is larger than ${jwksBytesMax} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function readKeys(body: unknown, known: ReadonlyMap<string, CachedKey>): ReadonlyMap<string, CachedKey> {
  const list = (body as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) throw new Error('the key set has no keys');
  const found = new Map<string, CachedKey>();
  for (const jwk of list as readonly JWK[]) {
    // A symmetric key in a public set would let its readers sign.
    if (typeof jwk?.kid !== 'string' || jwk.kty === 'oct' || jwk.use === 'enc' || found.has(jwk.kid)) continue;
    const fingerprint = JSON.stringify(jwk);
    const same = known.get(jwk.kid);
    found.set(jwk.kid, same?.fingerprint === fingerprint ? same : cachedKey(jwk.kid, jwk, fingerprint));
  }
  return found;
}

function cachedKey(kid: string, jwk: JWK, fingerprint: string): CachedKey {
  const imported = new Map<string, Promise<CryptoKey>>();
  return {
    kid,
    fingerprint,
    forAlgorithm(algorithm) {
      let key = imported.get(algorithm);
      if (key === undefined) {
        key = importPublicKey(jwk, algorithm);
        imported.set(algorithm, key);
      }
      return key;
    },
  };
}

async function importPublicKey(jwk: JWK, algorithm: string): Promise<CryptoKey> {
  if (jwk.alg !== undefined && jwk.alg !== algorithm) throw new Error(`the key is for ${jwk.alg}, not ${algorithm}`);
  const { kty, n, e, crv, x, y } = jwk;
  const publicJwk = Object.fromEntries(
    Object.entries({ kty, n, e, crv, x, y }).filter(([, value]) => value !== undefined),
  ) as unknown as JWK;
  const key = await importJWK(publicJwk, algorithm);
  if (key instanceof Uint8Array) throw new Error('the key is symmetric');
  return key;
}
