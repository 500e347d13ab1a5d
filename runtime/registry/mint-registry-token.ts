import { randomUUID } from 'node:crypto';
import { registryActor, registryIssuer } from '../contract/upstream-issuers.ts';
import { createMintUpstreamToken } from '../shared/signing-keys/mint-upstream-token.ts';
import type { SigningKeys } from '../shared/signing-keys/signing-keys.ts';

export interface MintRegistryTokenOptions {
  readonly now: () => number;
  /** Of the registry alone. */
  readonly keys: SigningKeys;
  readonly gatewayUrl: string;
  readonly trustDomain: string;
}

/** Mints tokens of the registry's own issuer, without any scope: with one a tool server tells its tools and does nothing else. */
export function createMintRegistryToken(options: MintRegistryTokenOptions): (audience: string) => string {
  const { now, keys, gatewayUrl, trustDomain } = options;
  const issuer = registryIssuer(gatewayUrl);
  const mint = createMintUpstreamToken({ now, keys, issuer, actor: registryActor(trustDomain) });
  const caller = {
    subject: 'toolgate-registry',
    tenant: 'platform',
    kind: 'agent',
    roles: [],
    scopes: [],
    clientId: 'toolgate-registry',
    issuer,
    tokenId: undefined,
    expiresAtMs: Number.POSITIVE_INFINITY,
  } as const;
  return (audience) => mint({ audience, caller, scopes: [], callId: randomUUID() });
}
