import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { findAgent } from './agents.ts';
import { clientKindOf } from './client-kinds.ts';
import type { ItemStore } from './clients/item-store.ts';
import { defaultScope, type Resource, type Resources } from './resources.ts';

/** Lifetime of an access token. */
export const accessTokenSeconds = 15 * 60;

/** Answers what a token for `uri` may hold. Throws `invalid_target` for what is no door of the gateway (RFC 8707 § 2). */
export async function resourceServerFor(
  uri: string,
  clientId: string,
  ctx: KoaContextWithOIDC,
  resources: Resources,
  items: ItemStore,
): Promise<ResourceServer> {
  const { params, route } = ctx.oidc;
  const asked = params?.resource;
  if (Array.isArray(asked) && asked.length > 1) throw new errors.InvalidTarget('ask for one resource at a time');
  const found = resources.find(uri);
  if (found === undefined) throw new errors.InvalidTarget('this is no resource of the gateway');
  const resource = clientKindOf(clientId) === 'agent' ? await forAgent(found, clientId, items) : found;
  const isFirstRequest = route === 'authorization' || params?.grant_type === 'client_credentials';
  if (params !== undefined && isFirstRequest) {
    params.scope ??= defaultScope(resource);
    const scopes = String(params.scope).split(' ');
    if (!scopes.some((scope) => scope === 'openid' || resource.scopes.has(scope))) {
      throw new errors.InvalidScope('none of these scopes exists at this resource', scopes.join(' '));
    }
  }
  return {
    audience: uri,
    scope: [...resource.scopes.keys()].join(' '),
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenSeconds,
    jwt: { sign: { alg: 'RS256' } },
  };
}

/** An agent never gets a scope that its registration does not list. */
async function forAgent(resource: Resource, clientId: string, items: ItemStore): Promise<Resource> {
  const agent = await findAgent(clientId, items);
  const scopes = [...resource.scopes].filter(([scope]) => agent?.scopes.includes(scope));
  return { ...resource, scopes: new Map(scopes) };
}
