import { type AccessToken, type ClientCredentials, errors, type UnknownObject } from 'oidc-provider';
import { findAgent } from './agents.ts';
import type { ItemStore } from './clients/item-store.ts';
import type { Account } from './sample-users.ts';

/**
 * Who the token speaks for, beyond `sub`. Tenant and roles come from our own records of the person or agent, never from a request or from
 * what a client says about itself. Throws when there is no such record: a token without a tenant must not exist.
 */
export async function claimsFor(
  token: AccessToken | ClientCredentials,
  findAccount: (subject: string) => Promise<Account | undefined>,
  items: ItemStore,
): Promise<UnknownObject> {
  if (token.kind === 'ClientCredentials') {
    const agent = await findAgent(token.clientId ?? '', items);
    if (agent === undefined) throw new errors.UnauthorizedClient('this client is not a registered agent');
    return { tenant: agent.tenant, roles: agent.roles, kind: 'agent' };
  }
  const account = await findAccount((token as AccessToken).accountId);
  if (account === undefined) throw new errors.InvalidGrant('there is no such person any more');
  return { tenant: account.tenant, roles: account.roles, kind: 'human' };
}
