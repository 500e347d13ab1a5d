import type { KoaContextWithOIDC } from 'oidc-provider';
import { approvalsClientId } from './client-kinds.ts';
import { type Consents, mayRemember } from './consents.ts';
import type { Resources } from './resources.ts';
import { asksForApproval, type StepUpScope, withApprovalScope } from './step-up-scope.ts';

/** The grant of this authorization: what the person just said yes to, or a remembered yes that covers all that is asked. */
export async function loadGrant(
  ctx: KoaContextWithOIDC,
  { consents, resources }: { readonly consents: Consents; readonly resources: Resources },
) {
  const { provider, client, account, params, result } = ctx.oidc;
  const given = result?.consent?.grantId;
  if (given !== undefined) return provider.Grant.find(given);
  if (client?.clientId === approvalsClientId && account !== undefined) return signInGrant(ctx, account.accountId);
  const uri = String(params?.resource);
  const resource = resources.find(uri);
  if (client === undefined || account === undefined || resource === undefined) return undefined;
  if (!mayRemember(client.clientId, String(params?.redirect_uri))) return undefined;
  const asked = String(params?.scope ?? '').split(' ');
  const known = withApprovalScope(resource, client.clientId).scopes;
  const scopes = new Map([...known].filter(([scope]) => asked.includes(scope)));
  const consent = { subject: account.accountId, clientId: client.clientId, resource: uri, scopes };
  if (!(await consents.covers(consent))) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addResourceScope(uri, [...scopes.keys()].join(' '));
  if (asked.includes('openid')) grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

/** Whether the person is to wait: the scope of a yes is asked for, there is none to use, and somebody is asked. */
export async function isWaitingForYes(
  { oidc }: KoaContextWithOIDC,
  { resources, stepUp }: { readonly resources: Resources; readonly stepUp: StepUpScope },
): Promise<boolean> {
  const { client, session, params } = oidc;
  const subject = session?.accountId;
  const resource = resources.find(String(params?.resource));
  if (!asksForApproval(params?.scope) || client === undefined || subject === undefined || resource === undefined)
    return false;
  return (await stepUp.standing({ subject, clientId: client.clientId }, resource)).kind === 'waiting';
}

/** Our own page learns who the person is, and gets no scope of a tool. */
async function signInGrant({ oidc: { provider } }: KoaContextWithOIDC, accountId: string) {
  const grant = new provider.Grant({ clientId: approvalsClientId, accountId });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}
