import { hash } from 'node:crypto';
import type { ScopeWords } from '../contract/registry.ts';
import { clientKindOf, isLoopbackUri } from './client-kinds.ts';
import type { ItemStore } from './clients/item-store.ts';

/** What one person said yes to, for one client and one resource. */
export interface Consents {
  remember(consent: Consent): Promise<void>;
  /** True when every one of these scopes was said yes to, in these words. */
  covers(consent: Consent): Promise<boolean>;
}

export interface Consent {
  readonly subject: string;
  readonly clientId: string;
  readonly resource: string;
  /** With the words that the person read. */
  readonly scopes: ReadonlyMap<string, ScopeWords>;
}

const consentSeconds = 180 * 24 * 3600;

/** A yes to "read invoices" is none to whatever its server, or another one that needs the scope too, says that it means later. */
function meanings(scopes: ReadonlyMap<string, ScopeWords>): readonly string[] {
  return [...scopes].map(
    ([scope, { words, changes }]) => `${scope} ${hash('sha256', JSON.stringify([words, changes]), 'hex')}`,
  );
}

export function createConsents(items: ItemStore, now: () => number): Consents {
  const keyOf = ({ subject, clientId, resource }: Consent) =>
    `Consent:${hash('sha256', JSON.stringify([subject, clientId, resource]), 'hex')}`;
  return {
    async remember(consent) {
      if (consent.scopes.size === 0) return;
      await items.addToSet(keyOf(consent), meanings(consent.scopes), Math.floor(now() / 1000) + consentSeconds);
    },
    async covers(consent) {
      if (consent.scopes.size === 0) return false;
      const remembered = await items.readSet(keyOf(consent));
      return meanings(consent.scopes).every((meaning) => remembered.has(meaning));
    },
  };
}

/**
 * A remembered yes counts only for a client that proves who it is by where the code is sent. Anybody can register under any name, and any
 * program can listen on loopback with another one's id (RFC 8252 § 8.6), so those ask every time.
 */
export function mayRemember(clientId: string, redirectUri: string): boolean {
  return clientKindOf(clientId) === 'document' && !isLoopbackUri(redirectUri);
}
