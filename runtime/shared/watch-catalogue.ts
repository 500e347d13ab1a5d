import { isDeepStrictEqual } from 'node:util';
import type { CatalogueSnapshot } from '../contract/registry.ts';
import type { CatalogueStore } from './catalogue-store.ts';
import type { Logger } from './logger.ts';
import { Refusal } from './refusal.ts';

export interface WatchCatalogueOptions {
  readonly store: Pick<CatalogueStore, 'read' | 'readVersion'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Between two looks at the version; 0: only when `refresh` is called. Up to a tenth is added, so that replicas spread. @default 1000 */
  readonly intervalMs?: number;
  /** How long a snapshot is served that the store no longer confirms. @default 300000 */
  readonly ageMaxMs?: number;
  /** Everything is read anew this often, whatever the version says: a writer may have died before its bump. @default 60000 */
  readonly fullReadMs?: number;
  readonly onChange?: (snapshot: CatalogueSnapshot) => void;
}

/** How the snapshot stands, for readiness and metrics. */
export interface CatalogueStatus {
  /** Undefined before the first good read. */
  readonly version: number | undefined;
  /** When the store last said that this is the newest, milliseconds since the epoch. */
  readonly confirmedAtMs: number | undefined;
  /** True when the last look failed. */
  readonly isStale: boolean;
}

export interface CatalogueWatch {
  /** Throws Refusal `catalogue_unavailable` before the first good read, and when the last confirmation is too old. */
  current(): CatalogueSnapshot;
  /** Looks now. Never throws: what went wrong is in the status and the log, and the last good snapshot stays. */
  refresh(): Promise<CatalogueStatus>;
  status(): CatalogueStatus;
  close(): void;
}

/** Holds the catalogue in memory and follows its version until `close`. */
export function watchCatalogue(options: WatchCatalogueOptions): CatalogueWatch {
  const { store, now, logger, intervalMs = 1000, ageMaxMs = 300_000, fullReadMs = 60_000, onChange } = options;
  let snapshot: CatalogueSnapshot | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let confirmedAtMs: number | undefined;
  let isStale = false;
  let isClosed = false;
  let looking: Promise<CatalogueStatus> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const status = (): CatalogueStatus => ({ version: snapshot?.version, confirmedAtMs, isStale });

  async function look(): Promise<CatalogueStatus> {
    const askedAtMs = now();
    try {
      const isDue = Math.abs(askedAtMs - readAtMs) >= fullReadMs;
      if (snapshot === undefined || isDue || (await store.readVersion()) !== snapshot.version) {
        adopt(await store.read());
        readAtMs = askedAtMs;
      }
      if (isStale) logger.info({ version: snapshot?.version }, 'the catalogue answers again');
      confirmedAtMs = askedAtMs;
      isStale = false;
    } catch (error) {
      if (!isStale) logger.error({ err: error, version: snapshot?.version }, 'the catalogue cannot be read');
      isStale = true;
    }
    return status();
  }

  function adopt(next: CatalogueSnapshot): void {
    const previous = snapshot?.version;
    // The same content keeps its object, and with it the indexes that were made from it.
    if (isDeepStrictEqual(snapshot, next)) return;
    snapshot = next;
    logger.info({ version: next.version, previous, servers: next.servers.length }, 'catalogue in force');
    onChange?.(next);
  }

  function refresh(): Promise<CatalogueStatus> {
    // One after the other: an older reading never wins over a newer one.
    const next = (looking ?? Promise.resolve()).then(look);
    looking = next;
    return next;
  }

  function schedule(): void {
    if (isClosed || intervalMs === 0) return;
    const jitteredMs = intervalMs * (1 + Math.random() / 10);
    timer = setTimeout(() => void refresh().then(schedule), jitteredMs).unref();
  }

  void refresh().then(schedule);

  return {
    current() {
      if (snapshot === undefined) throw new Refusal('catalogue_unavailable');
      if (confirmedAtMs === undefined || now() - confirmedAtMs > ageMaxMs) {
        throw new Refusal('catalogue_unavailable', { privateDetail: `not confirmed for more than ${ageMaxMs} ms` });
      }
      return snapshot;
    },
    refresh,
    status,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
