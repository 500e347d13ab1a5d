import type { Logger } from '../logger.ts';
import { Refusal } from '../refusal.ts';
import { endorseKey, type KeyEndorser } from './key-statement.ts';
import { UnfitKey } from './kms-endorser.ts';
import { createPublishedKeys } from './published-keys.ts';
import { generateSigningKey, type SigningKey, type SigningKeys } from './signing-keys.ts';
import type { StatementStore } from './statement-store.ts';

export interface EndorsedKeysOptions {
  /** Asks for the root key; rejects while the KMS does not answer. */
  readonly openEndorser: () => Promise<KeyEndorser>;
  readonly store: StatementStore;
  /** SPIFFE id of this service. */
  readonly actor: string;
  /** Name of this process in its statements. */
  readonly writer: string;
  readonly now: () => number;
  readonly logger: Logger;
  /** How long a key is published before it signs, so that no tool server meets one that it may not ask for yet. */
  readonly leadMs: number;
  /** How long a statement is valid. @default 24 hours */
  readonly lifetimeMs?: number;
  /** How often it is looked at what is due; 0: only when `advance` is called. @default 250 */
  readonly tickMs?: number;
}

/** Keys of this process that the root key vouches for. */
export interface EndorsedSigningKeys extends SigningKeys {
  /** Does what is due: asks for the root key, makes and endorses a key, changes over to it. Never rejects. */
  advance(): Promise<void>;
}

interface OwnKey {
  readonly key: SigningKey;
  readonly signsFromMs: number;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
  /** When it was certainly in the table. */
  readonly storedAtMs: number;
}

/** Tokens live a minute; none may outlive the statement about its key. */
const tokenLifetimeMs = 60_000;
/** How often it is looked whether somebody withdrew the key. */
const checkMs = 60_000;
const retryMsMax = 60_000;

/**
 * Makes a key in memory, has the root key endorse it, and does so again after half of its life; the other half is the time that a KMS may be
 * gone. No tool call waits for KMS or DynamoDB here. Never rejects: what is missing is in `problem()`, and is tried again.
 */
export async function openEndorsedSigningKeys(options: EndorsedKeysOptions): Promise<EndorsedSigningKeys> {
  const { store, actor, writer, now, logger, leadMs, lifetimeMs = 86_400_000, tickMs = 250 } = options;
  let endorser: KeyEndorser | undefined;
  let current: OwnKey | undefined;
  let next: OwnKey | undefined;
  let fault: string | undefined;
  let failures = 0;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  let checkedAtMs = now();
  let isClosed = false;
  let working: Promise<void> | undefined;
  const published = createPublishedKeys({ store, actor, root: knownRoot, now, logger });

  async function knownRoot(): Promise<KeyEndorser> {
    if (endorser === undefined) throw new Error('the root key is not known yet');
    return endorser;
  }

  async function renew(): Promise<void> {
    endorser ??= await during('KMS does not answer', options.openEndorser);
    const root = endorser;
    const issuedAtMs = now();
    const expiresAtMs = issuedAtMs + lifetimeMs;
    const key = generateSigningKey();
    const about = { actor, writer, issuedAtMs, expiresAtMs };
    const statement = await during('KMS does not endorse it', () => endorseKey(key, root, about));
    await during('its statement cannot be stored', () => store.put(key.kid, statement, expiresAtMs));
    const storedAtMs = now();
    // The first key waits as well: tool servers know the keys of the replicas that were there before.
    const signsFromMs = storedAtMs + leadMs;
    next = { key, signsFromMs, storedAtMs, expiresAtMs, renewAtMs: issuedAtMs + lifetimeMs / 2 };
    logger.info({ kid: key.kid, signsFromMs, expiresAtMs }, 'a signing key is endorsed');
    await published.refresh();
  }

  async function during<T>(phrase: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      fault = cause instanceof UnfitKey ? 'the KMS key cannot endorse' : phrase;
      throw cause;
    }
  }

  function changeOver(): void {
    if (next === undefined || now() < next.signsFromMs) return;
    current = next;
    next = undefined;
  }

  /** A key whose statement somebody took out of the table is withdrawn: it signs no more. */
  async function dropWithdrawn(): Promise<void> {
    if (now() - checkedAtMs < checkMs || endorser === undefined) return;
    checkedAtMs = now();
    await published.refresh();
    const isGone = (own: OwnKey | undefined) =>
      own !== undefined && own.expiresAtMs > now() && !published.stillHas(own.key.kid, own.storedAtMs);
    for (const own of [current, next]) {
      if (isGone(own))
        logger.error({ kid: own?.key.kid }, 'the statement about our signing key is gone: it signs no more');
    }
    if (isGone(current)) current = undefined;
    if (isGone(next)) next = undefined;
  }

  async function work(): Promise<void> {
    changeOver();
    await dropWithdrawn();
    const isDue = next === undefined && (current === undefined || now() >= current.renewAtMs);
    if (!isDue || now() < retryAtMs) return;
    try {
      await renew();
      fault = undefined;
      failures = 0;
    } catch (error) {
      failures += 1;
      retryAtMs = now() + Math.min(retryMsMax, 1000 * 2 ** Math.min(failures - 1, 10));
      const expiresAtMs = current?.expiresAtMs;
      logger.error({ err: error, fault, expiresAtMs }, 'no signing key could be endorsed, it is tried again');
    }
  }

  function advance(): Promise<void> {
    working ??= work().finally(() => {
      working = undefined;
    });
    return working;
  }

  const usable = (): OwnKey | undefined => {
    changeOver();
    return current !== undefined && now() + tokenLifetimeMs < current.expiresAtMs ? current : undefined;
  };
  const why = () =>
    fault !== undefined
      ? `no signing key: ${fault}`
      : next === undefined
        ? 'no signing key'
        : 'the signing key is being made known to tool servers';

  let timer: NodeJS.Timeout | undefined;
  const tick = async () => {
    await advance();
    if (!isClosed) timer = setTimeout(tick, tickMs).unref();
  };
  await advance();
  if (tickMs > 0) timer = setTimeout(tick, tickMs).unref();

  return {
    current() {
      const own = usable();
      if (own === undefined) throw new Refusal('signing_unavailable', { retryAfterMs: 5000, privateDetail: why() });
      return own.key;
    },
    jwks: published.jwks,
    problem: () => (usable() === undefined ? why() : undefined),
    advance,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
