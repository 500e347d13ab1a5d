/**
 * What a platform team says about an agent, in one SSM String parameter `/toolgate/{platform}/agents/{name}`: the agent gets tokens as the
 * client `agent-{name}` by `private_key_jwt` (RFC 7523), so no secret is shared. Who may write the parameter gives tenant, roles and scopes.
 * Its JSON Schema is `agent-declaration.schema.json`.
 */
export interface AgentDeclaration {
  readonly v: 1;
  /** `^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`; the last part of the parameter's name. */
  readonly name: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Every scope that it may have, whatever it asks for. */
  readonly scopes: readonly string[];
  /** RFC 7517, public halves only: one to four keys, EC P-256 (ES256), Ed25519 (EdDSA) or RSA from 2048 bits (RS256, PS256). */
  readonly jwks: { readonly keys: readonly PublicJwk[] };
}

/** A public key of RFC 7517. A private member (`d`, `p`, `q`, `dp`, `dq`, `qi`, `k`) is refused. */
export interface PublicJwk {
  readonly kty: 'EC' | 'OKP' | 'RSA';
  /** Names the key among the agent's own. */
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: 'sig';
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}
