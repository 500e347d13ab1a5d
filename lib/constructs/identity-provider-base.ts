import * as cdk from 'aws-cdk-lib';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IConstruct } from 'constructs';
import { isLiteral, requireProps, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

/** Where people sign in, as the authorization service and the gateway need it. */
export interface IIdentityProvider extends IConstruct {
  /** Issuer identifier; `{issuer}/.well-known/openid-configuration` says the rest. */
  readonly issuer: string;
  /** Client id of the authorization service there. */
  readonly clientId: string;
  /** Its secret, the whole value. */
  readonly clientSecret: secretsmanager.ISecret;
  /** What the authorization service asks for, with spaces between. */
  readonly signInScopes: string;
  /** Claim of the ID token that holds the roles of a person. */
  readonly rolesClaim: string;
  /** Claim of the ID token that holds the tenant of a person. */
  readonly tenantClaim: string;
  /**
   * User pools whose own tokens the gateway takes, as the JSON of `COGNITO_ISSUERS`. Empty when there is no client to take tokens from.
   */
  readonly directIssuers: string;
}

/** An issuer that is there already: an OpenID provider with discovery, such as Entra ID, Okta, Keycloak, or a user pool. */
export interface OidcIssuerAttributes {
  /** Issuer identifier, https, without a trailing slash unless the issuer itself writes one. */
  readonly issuer: string;
  /**
   * The authorization service's client there: confidential, authorization code, redirect URI
   * `{authorization server}/sign-in/callback`.
   */
  readonly clientId: string;
  /** Its secret, the whole value. */
  readonly clientSecret: secretsmanager.ISecret;
  /**
   * Scopes that are asked for at sign-in.
   *
   * @default - `openid`
   */
  readonly signInScopes?: string[];
  /**
   * Claim of the ID token with the roles: a list of `reader`, `operator`, `approver`, `platform-admin`.
   *
   * @default roles
   */
  readonly rolesClaim?: string;
  /**
   * Claim of the ID token with the tenant.
   *
   * @default tenant
   */
  readonly tenantClaim?: string;
}

/** An issuer outside the app. */
export class OidcIssuer extends Construct implements IIdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: secretsmanager.ISecret;
  readonly signInScopes: string;
  readonly rolesClaim: string;
  readonly tenantClaim: string;
  readonly directIssuers: string = '';

  constructor(scope: Construct, id: string, attributes: OidcIssuerAttributes) {
    super(scope, id);
    requireProps(this, attributes, ['issuer', 'clientId', 'clientSecret']);
    const { issuer, clientId, signInScopes = ['openid'], rolesClaim = 'roles', tenantClaim = 'tenant' } = attributes;
    if (!cdk.Token.isUnresolved(issuer) && !(isLiteral(issuer, /^https:/) && URL.canParse(issuer))) {
      throw synthError(this, `issuer is ${shown(issuer)}: give an https URL, as the iss of its tokens has it`);
    }
    for (const [name, value] of Object.entries({ clientId, rolesClaim, tenantClaim })) {
      // An empty variable is one that is not set, and services would take their own default for it.
      if (value.trim() === '') throw synthError(this, `${name} is ${shown(value)}: give what the issuer has there`);
    }
    if (!signInScopes.includes('openid')) {
      throw synthError(
        this,
        `signInScopes is "${signInScopes.join(' ')}": add openid, without which there is no ID token`,
      );
    }
    this.issuer = issuer;
    this.clientId = clientId;
    this.clientSecret = attributes.clientSecret;
    this.signInScopes = signInScopes.join(' ');
    this.rolesClaim = rolesClaim;
    this.tenantClaim = tenantClaim;
  }
}
