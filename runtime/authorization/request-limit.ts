import { hash } from 'node:crypto';
import type { ItemStore } from './clients/item-store.ts';

/** Counts what one address does a minute, shared by every replica. */
export interface RequestLimit {
  /** Milliseconds until the next is allowed; 0 when this one is. Throws StoreUnavailable. */
  take(address: string): Promise<number>;
}

export function createRequestLimit(name: string, perMinute: number, items: ItemStore, now: () => number): RequestLimit {
  return {
    async take(address) {
      const minute = Math.floor(now() / 60_000);
      // The address is personal data, and its only use here is to tell one from another for a minute.
      const key = `Limit:${name}:${hash('sha256', address, 'hex')}:${minute}`;
      const count = await items.increment(key, (minute + 2) * 60);
      return count <= perMinute ? 0 : (minute + 1) * 60_000 - now();
    },
  };
}
