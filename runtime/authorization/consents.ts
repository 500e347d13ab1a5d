import { hash } from 'node:crypto';
import { clientKindOf, isLoopbackUri } from './client-kinds.ts';
import type { ItemStore } from './clients/item-store.ts';

/** What one person said yes to, for one client and one resource. */
export interface Consents {
  remember(consent: Consent): Promise<void>;
  /** True when every one of these scopes was said yes to. */
  covers(consent: Consent): Promise<boolean>;
}

export interface Consent {
  readonly subject: string;
  readonly clientId: string;
  readonly resource: string;
  readonly scopes: readonly string[];
}

const consentSeconds = 180 * 24 * 3600;

export function createConsents(items: ItemStore, now: () => number): Consents {
  const keyOf = ({ subject, clientId, resource }: Consent) =>
    `Consent:${hash('sha256', JSON.stringify([subject, clientId, resource]), 'hex')}`;
  return {
    async remember(consent) {
      if (consent.scopes.length === 0) return;
      await items.addToSet(keyOf(consent), consent.scopes, Math.floor(now() / 1000) + consentSeconds);
    },
    async covers(consent) {
      if (consent.scopes.length === 0) return false;
      const remembered = await items.readSet(keyOf(consent));
      return consent.scopes.every((scope) => remembered.has(scope));
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
