import type { Logger } from '../logger.ts';
import { Refusal } from '../refusal.ts';
import { type EndorsedKey, type KeyEndorser, namedActor, verifyStatement } from './key-statement.ts';
import type { PublicKeySet } from './signing-keys.ts';
import type { StatementStore } from './statement-store.ts';

/** The keys of all processes of one service, as far as its root key vouches for them. */
export interface PublishedKeys {
  /** What was true at the last good reading and has not expired since. Throws Refusal `signing_unavailable` when that is nothing. */
  jwks(): Promise<PublicKeySet>;
  /** Reads again, at most once in `intervalMs`. Never rejects: without an answer the last good state stays. */
  refresh(): Promise<void>;
  /** True unless a reading that began after `sinceMs` did not find the key. */
  stillHas(kid: string, sinceMs: number): boolean;
}

type RootKey = Pick<KeyEndorser, 'publicKey'>;

export interface PublishedKeysOptions {
  readonly store: Pick<StatementStore, 'list'>;
  /** SPIFFE id of the service. All statements are in one table; those that name somebody else are none of this set. */
  readonly actor: string;
  /** Its own root key; rejects while nobody has been able to ask for it. */
  readonly root: () => Promise<RootKey>;
  readonly now: () => number;
  readonly logger: Logger;
  /** @default 1000 */
  readonly intervalMs?: number;
}

/** Statements whose fault was logged; beyond it the oldest is forgotten and would be logged again. */
const rememberedMax = 1000;
/** Some 230 bytes each: what our own readers take, a MiB. */
const keysMax = 4000;

export function createPublishedKeys(options: PublishedKeysOptions): PublishedKeys {
  const { store, actor, root: openRoot, now, logger, intervalMs = 1000 } = options;
  const ignored = new Set<string>();
  let verified: ReadonlyMap<string, { readonly statement: string; readonly key: EndorsedKey }> | undefined;
  let began = Number.NEGATIVE_INFINITY;
  let lastGoodBegan = Number.NEGATIVE_INFINITY;
  let inFlight: Promise<void> | undefined;
  let isSilent = false;

  async function load(): Promise<void> {
    const root = await openRoot();
    const at = now();
    began = at;
    const next = new Map<string, { statement: string; key: EndorsedKey }>();
    for (const { kid, statement } of await store.list()) {
      const named = namedActor(statement);
      if (typeof named === 'string' && named !== actor) continue;
      const known = verified?.get(kid);
      const key = known?.statement === statement ? known.key : verifyOrIgnore(kid, statement, root);
      if (key !== undefined) next.set(kid, { statement, key });
    }
    verified = next;
    lastGoodBegan = at;
  }

  function verifyOrIgnore(kid: string, statement: string, root: RootKey): EndorsedKey | undefined {
    try {
      const key = verifyStatement(statement, root, now());
      if (key.kid !== kid) throw new Error('it is about another key');
      return key;
    } catch (cause) {
      const mark = `${kid} ${statement.slice(-86)}`;
      if (!ignored.has(mark)) {
        logger.error({ kid, actor, err: cause }, 'a statement about a signing key does not verify and is ignored');
        ignored.add(mark);
        if (ignored.size > rememberedMax) ignored.delete(ignored.values().next().value as string);
      }
      return undefined;
    }
  }

  function read(): Promise<void> {
    inFlight ??= load().finally(() => {
      inFlight = undefined;
    });
    return inFlight;
  }

  async function refresh(): Promise<void> {
    if (inFlight === undefined && now() - began < intervalMs) return;
    try {
      await read();
      if (isSilent) logger.info({ actor }, 'the statements about signing keys can be read again');
      isSilent = false;
    } catch (error) {
      began = now();
      if (!isSilent) logger.error({ err: error, actor }, 'the statements about signing keys cannot be read');
      isSilent = true;
    }
  }

  return {
    async jwks() {
      await refresh();
      const nowMs = now();
      const live = [...(verified?.values() ?? [])].filter(({ key }) => key.expiresAtMs > nowMs);
      if (live.length === 0) {
        throw new Refusal('signing_unavailable', {
          retryAfterMs: 5000,
          privateDetail: `no key of ${actor} can be published`,
        });
      }
      // The youngest first: those that sign are among them.
      live.sort((a, b) => b.key.issuedAtMs - a.key.issuedAtMs || (a.key.kid < b.key.kid ? -1 : 1));
      return { keys: live.slice(0, keysMax).map(({ key }) => key.publicJwk) };
    },
    refresh,
    stillHas: (kid, sinceMs) => lastGoodBegan <= sinceMs || verified?.has(kid) === true,
  };
}
