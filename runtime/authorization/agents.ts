import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { AgentDeclaration } from '../contract/agent-declaration.ts';
import { agentIdPrefix } from './client-kinds.ts';
import type { Item, ItemStore } from './clients/item-store.ts';

/** Who an agent is. Kept apart from its client metadata, so that no client can write it. */
export interface AgentIdentity {
  readonly tenant: string;
  readonly roles: readonly string[];
  /** Every scope that it may have, whatever it asks for. */
  readonly scopes: readonly string[];
}

export interface NewAgent extends AgentIdentity {
  /** The client id is `agent-` and this name: lower case letters, digits and dashes. */
  readonly name: string;
  /** Public keys for `private_key_jwt` (RFC 7523); without them the agent gets a secret. */
  readonly jwks?: { readonly keys: readonly JWK[] };
}

export interface RegisteredAgent {
  readonly clientId: string;
  /** Shown this once; the store keeps its hash. Undefined for an agent with keys of its own. */
  readonly clientSecret: string | undefined;
}

const agentName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Registers an agent for client credentials, or replaces one. Throws with a sentence when the name cannot be. */
export async function registerAgent(
  agent: NewAgent,
  items: ItemStore,
  saveClient: (clientId: string, metadata: Record<string, unknown>) => Promise<void>,
): Promise<RegisteredAgent> {
  if (!agentName.test(agent.name)) throw new Error(`"${agent.name}" cannot be an agent's name.`);
  const clientId = agentIdPrefix + agent.name;
  const clientSecret = agent.jwks === undefined ? randomBytes(32).toString('base64url') : undefined;
  const { tenant, roles, scopes } = agent;
  // First who it is: a client without an identity gets no token.
  await items.put({
    pk: identityKey(clientId),
    body: JSON.stringify({ tenant, roles, scopes } satisfies AgentIdentity),
  });
  await saveClient(clientId, {
    ...metadataOf(agent.name),
    ...(agent.jwks === undefined
      ? { token_endpoint_auth_method: 'client_secret_basic', client_secret: clientSecret }
      : { token_endpoint_auth_method: 'private_key_jwt', jwks: agent.jwks }),
  });
  return { clientId, clientSecret };
}

/** What the store would hold of an agent that was registered with its keys. */
export function agentItems({ name, tenant, roles, scopes, jwks }: AgentDeclaration): {
  readonly identity: Item;
  readonly client: Item;
} {
  const clientId = agentIdPrefix + name;
  const identity: AgentIdentity = { tenant, roles, scopes };
  const client = { ...metadataOf(name), token_endpoint_auth_method: 'private_key_jwt', jwks };
  return {
    identity: { pk: identityKey(clientId), body: JSON.stringify(identity) },
    client: { pk: `Client:${clientId}`, body: JSON.stringify(client) },
  };
}

function metadataOf(name: string) {
  return {
    client_id: agentIdPrefix + name,
    client_name: name,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
}

export async function findAgent(clientId: string, items: ItemStore): Promise<AgentIdentity | undefined> {
  const item = await items.get(identityKey(clientId));
  return item && (JSON.parse(item.body) as AgentIdentity);
}

function identityKey(clientId: string): string {
  return `Agent:${clientId}`;
}
