/**
 * Tokens for tool servers have two issuers, the gateway for calls and the registry for `tools/list`. Each has a root key, a key set and a SPIFFE
 * id of its own, so that neither can speak as the other. The gateway serves both key sets.
 */

/** Key set of the gateway's tokens, whose `iss` is its public URL. */
export const gatewayKeysPath = '/.well-known/jwks.json';
/** Key set of the registry's tokens, at the gateway as well. */
export const registryKeysPath = '/.well-known/registry-jwks.json';

/** `iss` of the registry's tokens. */
export function registryIssuer(gatewayUrl: string): string {
  return `${gatewayUrl}/registry`;
}

/** `act.sub` of the gateway's tokens. */
export function gatewayActor(trustDomain: string): string {
  return `spiffe://${trustDomain}/gateway`;
}

/** `act.sub` of the registry's tokens. */
export function registryActor(trustDomain: string): string {
  return `spiffe://${trustDomain}/registry`;
}
