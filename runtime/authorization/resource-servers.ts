import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { findAgent } from './agents.ts';
import { clientKindOf } from './client-kinds.ts';
import type { ItemStore } from './clients/item-store.ts';
import { defaultScope, type Resource, type Resources } from './resources.ts';
import { askerOf, type StepUpScope, withApprovalScope } from './step-up-scope.ts';

/** Lifetime of an access token. */
export const accessTokenSeconds = 15 * 60;

/** What the answers are made of. */
export interface ResourceServerParts {
  readonly resources: Resources;
  readonly items: ItemStore;
  readonly stepUp: StepUpScope;
  readonly now: () => number;
}

/** Answers what a token for `uri` may hold. Throws `invalid_target` for what is no door of the gateway (RFC 8707 § 2). */
export async function resourceServerFor(
  uri: string,
  clientId: string,
  ctx: KoaContextWithOIDC,
  { resources, items, ...parts }: ResourceServerParts,
): Promise<ResourceServer> {
  const { params, route } = ctx.oidc;
  const asked = params?.resource;
  if (Array.isArray(asked) && asked.length > 1) throw new errors.InvalidTarget('ask for one resource at a time');
  const found = resources.find(uri);
  if (found === undefined) throw new errors.InvalidTarget('this is no resource of the gateway');
  const isAgent = clientKindOf(clientId) === 'agent';
  const resource = isAgent ? await forAgent(found, clientId, items) : withApprovalScope(found, clientId);
  const isFirstRequest = route === 'authorization' || params?.grant_type === 'client_credentials';
  if (params !== undefined && isFirstRequest) {
    params.scope ??= defaultScope(resource);
    const scopes = String(params.scope).split(' ');
    if (!scopes.some((scope) => scope === 'openid' || resource.scopes.has(scope))) {
      throw new errors.InvalidScope('none of these scopes exists at this resource', scopes.join(' '));
    }
  }
  const leftSeconds = route === 'token' ? await elevatedSeconds(resource, ctx, parts) : undefined;
  const scopes = [...(leftSeconds === 0 ? found : resource).scopes.keys()];
  return {
    audience: uri,
    scope: scopes.join(' '),
    accessTokenFormat: 'jwt',
    accessTokenTTL:
      leftSeconds === undefined || leftSeconds === 0 ? accessTokenSeconds : Math.min(leftSeconds, accessTokenSeconds),
    jwt: { sign: { alg: 'RS256' } },
  };
}

/** An agent never gets a scope that its registration does not list. */
async function forAgent(resource: Resource, clientId: string, items: ItemStore): Promise<Resource> {
  const agent = await findAgent(clientId, items);
  const scopes = [...resource.scopes].filter(([scope]) => agent?.scopes.includes(scope));
  return { ...resource, scopes: new Map(scopes) };
}

/** How long a token with the scope of a yes may live; 0 when there is no yes to use, undefined when it is not to have that scope. */
async function elevatedSeconds(
  resource: Resource,
  ctx: KoaContextWithOIDC,
  { stepUp, now }: Pick<ResourceServerParts, 'stepUp' | 'now'>,
): Promise<number | undefined> {
  const asker = askerOf(ctx);
  if (asker === undefined) return undefined;
  const standing = await stepUp.standing(asker, resource);
  return standing.kind === 'open' ? Math.max(0, Math.floor((standing.endsAtMs - now()) / 1000)) : 0;
}
