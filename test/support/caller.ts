import type { Caller } from '../../runtime/contract/caller.ts';

/** A caller with everything that a test does not care about filled in. */
export function sampleCaller(changes: Partial<Caller> = {}): Caller {
  return {
    subject: 'user-1',
    tenant: 'acme',
    kind: 'human',
    roles: ['reader'],
    scopes: [],
    clientId: 'client-1',
    issuer: 'https://issuer.test',
    tokenId: undefined,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    ...changes,
  };
}
