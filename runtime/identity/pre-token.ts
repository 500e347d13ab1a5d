import { type ClientIdentity, createFindClient } from './client-identities.ts';

/**
 * The pre token generation event, version V3_0, as far as it is read here. Cognito Developer Guide, "Pre token generation Lambda trigger":
 * one event for the ID token and the access token, of people and, in V3_0, of client credentials.
 */
export interface PreTokenEvent {
  /** e.g. `TokenGeneration_HostedAuth`, `TokenGeneration_RefreshTokens`, `TokenGeneration_ClientCredentials`. */
  readonly triggerSource: string;
  /** Empty or missing for client credentials. */
  readonly userName?: string;
  readonly callerContext: { readonly clientId: string };
  readonly request: {
    readonly userAttributes?: Readonly<Record<string, string>>;
    readonly groupConfiguration?: { readonly groupsToOverride?: readonly string[] | null };
  };
  readonly response?: unknown;
}

/** What the access token gains. Claims may be arrays from V2_0 on. */
export interface AddedClaims {
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly kind: 'human' | 'agent';
}

const ofClientCredentials = 'TokenGeneration_ClientCredentials';
/** As the gateway takes it: a tenant becomes a folder of the record and a key of policy. */
const tenantPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * The event with `tenant`, `roles` and `kind` added to the access token. Scopes, the ID token and every other claim stay as they are. Throws
 * with a sentence when nobody says which tenant: then Cognito issues no token at all.
 *
 * @param client what the operator says about the client of client credentials; nothing that the client itself sends counts
 * @param tenantAttribute user attribute that holds the tenant
 */
export function addClaims<E extends PreTokenEvent>(
  event: E,
  client: ClientIdentity | undefined,
  tenantAttribute = 'custom:tenant',
): E {
  const isClient = event.triggerSource === ofClientCredentials;
  const claims = isClient ? claimsOfClient(event.callerContext.clientId, client) : claimsOfUser(event, tenantAttribute);
  const { groupConfiguration } = event.request;
  return {
    ...event,
    response: {
      claimsAndScopeOverrideDetails: {
        accessTokenGeneration: { claimsToAddOrOverride: claims },
        // Groups that are not handed back are suppressed (same page, "groupOverrideDetails").
        ...(groupConfiguration === undefined || isClient ? {} : { groupOverrideDetails: groupConfiguration }),
      },
    },
  };
}

function claimsOfUser({ request, userName }: PreTokenEvent, tenantAttribute: string): AddedClaims {
  const tenant = request.userAttributes?.[tenantAttribute];
  if (tenant === undefined || !tenantPattern.test(tenant)) {
    throw new Error(
      `The user ${userName} has ${tenant === undefined ? 'no' : 'an unusable'} ${tenantAttribute}: set it to lower case letters, digits and dashes.`,
    );
  }
  return { tenant, roles: request.groupConfiguration?.groupsToOverride ?? [], kind: 'human' };
}

function claimsOfClient(clientId: string, client: ClientIdentity | undefined): AddedClaims {
  if (client === undefined || !tenantPattern.test(client.tenant)) {
    throw new Error(
      `The client ${clientId} has ${client === undefined ? 'no' : 'an unusable'} tenant: name it in CLIENT_TENANTS or below CLIENTS_PATH.`,
    );
  }
  return { tenant: client.tenant, roles: client.roles, kind: 'agent' };
}

const findClient = createFindClient(process.env);

/** The Lambda function. Cognito gives it five seconds. */
export async function handler(event: PreTokenEvent): Promise<PreTokenEvent> {
  const isClient = event.triggerSource === ofClientCredentials;
  const client = isClient ? await findClient(event.callerContext.clientId) : undefined;
  return addClaims(event, client, process.env.TENANT_CLAIM || undefined);
}
