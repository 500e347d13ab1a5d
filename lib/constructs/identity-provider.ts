import * as cdk from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { isLiteral, refuseBeside, shown } from './check-props.ts';
import { type IIdentityProvider, OidcIssuer, type OidcIssuerAttributes } from './identity-provider-base.ts';
import type { AppClientProps, IdentityProviderProps } from './identity-provider-props.ts';
import { clientName, clientSecretOf, MachineClient, type MachineClientProps } from './machine-client.ts';
import { checkPlatformName } from './platform-name.ts';
import { PreTokenFunction } from './pre-token-function.ts';
import { synthError } from './synth-error.ts';
import { resourceServersQuota, ToolDomains } from './tool-domain.ts';
import { createUserPool } from './user-pool.ts';

const tokenValidity = cdk.Duration.minutes(15);

/**
 * People and machines of a platform: a Cognito user pool, or any OpenID issuer by `IdentityProvider.fromIssuer`. The authorization server
 * signs people in through it, and gives clients tokens of its own; tokens of Cognito itself are only taken for the tool domains and clients
 * that are named here.
 *
 * Costs 0.015 USD per person who signs in, and month; the first 10,000 are free. A machine client costs 6.
 */
export class IdentityProvider extends Construct implements IIdentityProvider {
  /** An issuer that is there already, Cognito's or another's. */
  static fromIssuer(scope: Construct, id: string, attributes: OidcIssuerAttributes): IIdentityProvider {
    return new OidcIssuer(scope, id, attributes);
  }

  /** Where people and machines are known. */
  readonly userPool: cognito.IUserPool;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: secretsmanager.ISecret;
  // With any scope beside it, the ID token holds only the attributes of that scope, and no tenant.
  // Amazon Cognito Developer Guide, "Scopes, M2M, and resource servers".
  readonly signInScopes: string = 'openid';
  readonly rolesClaim: string = 'cognito:groups';
  readonly tenantClaim: string = 'custom:tenant';
  readonly directIssuers: string;
  /** Client of the authorization service. */
  readonly signInClient: cognito.UserPoolClient;
  /** Sign-in pages. Undefined with a pool of your own. */
  readonly domain: cognito.UserPoolDomain | undefined;
  /** Undefined with a pool of your own. */
  readonly preToken: PreTokenFunction | undefined;
  private readonly toolDomains: ToolDomains;
  private readonly clientsPath: string;
  private readonly directClientIds: string[] = [];

  constructor(scope: Construct, id: string, props: IdentityProviderProps) {
    super(scope, id);
    this.clientsPath = `/toolgate/${checkPlatformName(this, props.platformName)}/clients`;
    if (props.userPool === undefined) {
      const pool = createUserPool(this, props);
      this.userPool = pool;
      this.preToken = new PreTokenFunction(this, 'PreToken', {
        clientsPath: this.clientsPath,
        ...(props.preTokenCode !== undefined && { code: props.preTokenCode }),
      });
      // V3 is the version that is asked for machines too.
      const { PRE_TOKEN_GENERATION_CONFIG } = cognito.UserPoolOperation;
      pool.addTrigger(PRE_TOKEN_GENERATION_CONFIG, this.preToken.function, cognito.LambdaVersion.V3_0);
      this.domain = pool.addDomain('Domain', {
        cognitoDomain: { domainPrefix: this.checkedPrefix(props.domainPrefix) },
        managedLoginVersion: cognito.ManagedLoginVersion.NEWER_MANAGED_LOGIN,
      });
    } else {
      this.userPool = props.userPool;
      this.refuseForGivenPool(props);
    }
    this.issuer = `https://${this.userPool.userPoolProviderName}`;
    this.toolDomains = new ToolDomains(this, 'ToolDomains', {
      userPool: this.userPool,
      domains: props.toolDomains ?? [],
      gatewayUrl: props.gatewayUrl,
      resourceServersMax: props.resourceServersMax ?? resourceServersQuota,
    });
    const signIn = new Construct(this, 'SignIn');
    this.signInClient = this.makePersonClient(signIn, {
      name: 'toolgate-authorization',
      callbackUrls: [`${this.checkedOrigin(props.authorizationUrl)}/sign-in/callback`],
      oauthScopes: [cognito.OAuthScope.OPENID],
      confidential: true,
      supportedIdentityProviders: props.supportedIdentityProviders,
    });
    this.clientId = this.signInClient.userPoolClientId;
    this.clientSecret = clientSecretOf(signIn, this.signInClient);
    this.directIssuers = cdk.Lazy.string({ produce: () => this.describeDirectIssuers() });
  }

  /**
   * A machine that gets tokens from Cognito. The tenant is fixed here; what it may do follows from its scopes and from policy.
   * @throws Error when a scope is in no tool domain.
   */
  addMachineClient(props: MachineClientProps): MachineClient {
    const client = new MachineClient(this, this.idOfClient('Machine', props.name), {
      ...props,
      userPool: this.userPool,
      oauthScopes: this.toolDomains.find(props.scopes, `the machine client ${props.name}`),
      clientsPath: this.clientsPath,
    });
    this.toolDomains.precede(client.client);
    this.directClientIds.push(client.clientId);
    return client;
  }

  /**
   * An application in which people use tools with tokens of Cognito itself, beside the ones that come through the authorization server.
   * @throws Error when a scope is in no tool domain.
   */
  addAppClient(props: AppClientProps): cognito.UserPoolClient {
    if (!isLiteral(props.name, clientName)) {
      throw synthError(
        this,
        `an app client is named ${shown(props.name)}: give 1 to 64 letters, digits and _ + = , . @ -`,
      );
    }
    const id = this.idOfClient('App', props.name);
    if (props.callbackUrls.length === 0) {
      throw synthError(this, `the app client ${props.name} has no callbackUrls: say where people are sent back to`);
    }
    for (const callback of props.callbackUrls) this.checkCallback(props.name, callback);
    const client = this.makePersonClient(new Construct(this, id), {
      name: props.name,
      callbackUrls: props.callbackUrls,
      oauthScopes: this.toolDomains.find(props.scopes, `the app client ${props.name}`),
      confidential: props.confidential ?? false,
    });
    this.toolDomains.precede(client);
    this.directClientIds.push(client.userPoolClientId);
    return client;
  }

  /** @throws Error when there is such a client already. */
  private idOfClient(kind: 'Machine' | 'App', name: string): string {
    const id = `${kind}-${name}`;
    if (this.node.tryFindChild(id) === undefined) return id;
    throw synthError(this, `there are two clients named "${name}": give one of the two another name`);
  }

  private makePersonClient(scope: Construct, parts: PersonClientParts): cognito.UserPoolClient {
    const { supportedIdentityProviders } = parts;
    const client = new cognito.UserPoolClient(scope, 'Client', {
      userPool: this.userPool,
      userPoolClientName: parts.name,
      generateSecret: parts.confidential,
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: parts.oauthScopes,
        callbackUrls: parts.callbackUrls,
      },
      supportedIdentityProviders: supportedIdentityProviders ?? [cognito.UserPoolClientIdentityProvider.COGNITO],
      // Without a list a client could write every attribute that can change; a person who writes their tenant chooses it.
      writeAttributes: new cognito.ClientAttributes().withStandardAttributes({ email: true }),
      readAttributes: new cognito.ClientAttributes()
        .withStandardAttributes({ email: true, emailVerified: true, fullname: true })
        .withCustomAttributes('tenant'),
      accessTokenValidity: tokenValidity,
      idTokenValidity: tokenValidity,
      refreshTokenValidity: cdk.Duration.hours(8),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
      // Sign-in pages only: no flow takes a password from an application.
      authFlows: { user: false },
    });
    if (this.domain !== undefined) {
      // A client without a style has no sign-in page in the newer managed login.
      new cognito.CfnManagedLoginBranding(scope, 'Branding', {
        userPoolId: this.userPool.userPoolId,
        clientId: client.userPoolClientId,
        useCognitoProvidedValues: true,
      });
    }
    return client;
  }

  private describeDirectIssuers(): string {
    if (this.directClientIds.length === 0) return '';
    return cdk.Stack.of(this).toJsonString([
      {
        issuer: this.issuer,
        jwksUri: `${this.issuer}/.well-known/jwks.json`,
        clientIds: this.directClientIds,
        resourceServerIdentifier: this.toolDomains.identifiers,
      },
    ]);
  }

  private checkedPrefix(prefix: string | undefined): string {
    // The first part of the UUID at the end of the stack's ARN.
    const uuid = cdk.Fn.select(2, cdk.Fn.split('/', cdk.Aws.STACK_ID));
    if (prefix === undefined) return `toolgate-${cdk.Fn.select(0, cdk.Fn.split('-', uuid))}`;
    if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(prefix) && !/aws|amazon|cognito/.test(prefix)) return prefix;
    throw synthError(
      this,
      `domainPrefix is "${prefix}": give 1 to 63 lower-case letters, digits and inner hyphens, without the words aws, amazon and cognito`,
    );
  }

  private checkedOrigin(url: string): string {
    if (cdk.Token.isUnresolved(url) || /^https:\/\/[a-z0-9.-]+(?::\d+)?$/.test(url)) return url;
    throw synthError(
      this,
      `authorizationUrl is "${url}": give an https origin without a path, e.g. https://id.example.com`,
    );
  }

  private checkCallback(name: string, callback: string): void {
    if (cdk.Token.isUnresolved(callback)) return;
    const url = URL.canParse(callback) ? new URL(callback) : undefined;
    const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && url.hostname === 'localhost');
    if (isSafe && url.hash === '') return;
    throw synthError(
      this,
      `the app client ${name} has the callback "${callback}": give https, or http on localhost, without a fragment`,
    );
  }

  private refuseForGivenPool(props: IdentityProviderProps): void {
    const { domainPrefix, mfa, threatProtection, roles, preTokenCode, deletionProtection, removalPolicy } = props;
    const ofNewPools = { domainPrefix, mfa, threatProtection, roles, preTokenCode, deletionProtection, removalPolicy };
    refuseBeside(this, 'userPool', ofNewPools);
  }
}

interface PersonClientParts {
  readonly name: string;
  readonly callbackUrls: string[];
  readonly oauthScopes: cognito.OAuthScope[];
  readonly confidential: boolean;
  readonly supportedIdentityProviders?: cognito.UserPoolClientIdentityProvider[] | undefined;
}
