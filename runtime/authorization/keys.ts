import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { ItemStore } from './clients/item-store.ts';
import { activeKey, keptKeys, type RotationPlan, type StoredKey, successorDueMs } from './key-ring.ts';
import type { KeySealing } from './key-sealing.ts';

/** The keys of this server at one moment. */
export interface Keys {
  /** Private signing keys, the one in use first. All of them are published. */
  readonly signing: readonly JWK[];
  /** Cookie keys, the one in use first. */
  readonly cookies: readonly string[];
  /** Equal exactly when the keys and their order are equal. */
  readonly fingerprint: string;
}

export interface KeyStore {
  /**
   * Reads the keys, makes and rotates what is due, and returns what is in force. Replicas that do this at once agree, because a write
   * succeeds only on what was read. Throws StoreUnavailable.
   */
  refresh(): Promise<Keys>;
}

export interface KeyStoreOptions {
  readonly items: ItemStore;
  readonly sealing: KeySealing;
  readonly now: () => number;
  readonly signing: RotationPlan;
  readonly cookies: RotationPlan;
}

const pk = 'KeyRing';
const attemptsMax = 5;

interface Rings {
  readonly signing: readonly StoredKey[];
  readonly cookies: readonly StoredKey[];
}

export function createKeyStore({ items, sealing, now, signing, cookies }: KeyStoreOptions): KeyStore {
  const opened = new Map<string, string>();

  async function open(key: StoredKey): Promise<string> {
    const known = opened.get(key.kid) ?? (await sealing.openKey(key.sealed));
    opened.set(key.kid, known);
    return known;
  }

  async function rotate(ring: readonly StoredKey[], plan: RotationPlan, make: () => Promise<NewKey>) {
    const kept = keptKeys(ring, now(), plan);
    const activeFromMs = successorDueMs(kept, now(), plan);
    if (activeFromMs === undefined) return { ring: kept, isChanged: kept.length !== ring.length };
    const { kid, secret } = await make();
    return { ring: [...kept, { kid, activeFromMs, sealed: await sealing.sealKey(secret) }], isChanged: true };
  }

  async function rotated(attempt = 1): Promise<Rings> {
    const item = await items.get(pk);
    const rings: Rings = item === undefined ? { signing: [], cookies: [] } : (JSON.parse(item.body) as Rings);
    const nextSigning = await rotate(rings.signing, signing, makeSigningKey);
    const nextCookies = await rotate(rings.cookies, cookies, makeCookieKey);
    if (!nextSigning.isChanged && !nextCookies.isChanged) return rings;
    const next: Rings = { signing: nextSigning.ring, cookies: nextCookies.ring };
    const revision = (item?.revision ?? 0) + 1;
    if (await items.replace({ pk, body: JSON.stringify(next), revision }, item?.revision)) return next;
    // Another replica was first; what it wrote is what counts.
    if (attempt === attemptsMax) throw new Error('The key ring changes faster than it can be read.');
    return rotated(attempt + 1);
  }

  return {
    async refresh() {
      const rings = await rotated();
      const inUseFirst = async (ring: readonly StoredKey[]) => {
        const active = activeKey(ring, now());
        const ordered = [active, ...ring.filter((key) => key !== active)];
        return Promise.all(ordered.map(async (key) => ({ kid: key.kid, secret: await open(key) })));
      };
      const [signingKeys, cookieKeys] = await Promise.all([inUseFirst(rings.signing), inUseFirst(rings.cookies)]);
      return {
        signing: signingKeys.map(({ secret }) => JSON.parse(secret) as JWK),
        cookies: cookieKeys.map(({ secret }) => secret),
        fingerprint: [...signingKeys, ...cookieKeys].map(({ kid }) => kid).join(' '),
      };
    },
  };
}

interface NewKey {
  readonly kid: string;
  readonly secret: string;
}

/** RS256, the one algorithm that an Application Load Balancer verifies. */
async function makeSigningKey(): Promise<NewKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const jwk = privateKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk, 'sha256');
  return { kid, secret: JSON.stringify({ ...jwk, kid, alg: 'RS256', use: 'sig' }) };
}

async function makeCookieKey(): Promise<NewKey> {
  const secret = randomBytes(32).toString('base64url');
  return { kid: randomBytes(9).toString('base64url'), secret };
}
