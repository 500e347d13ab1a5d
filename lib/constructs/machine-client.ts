import * as cdk from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { checkDuration, isLiteral, shown } from './check-props.ts';
import { synthError } from './synth-error.ts';

/** A machine that gets its tokens from Cognito, by client credentials. */
export interface MachineClientProps {
  /** Shown in the pool, e.g. `billing-nightly`. */
  readonly name: string;
  /** Whose it is. Neither the client nor its token request can say otherwise. */
  readonly tenant: string;
  /** Scopes of tool domains that it may ask for, e.g. `billing:read`. */
  readonly scopes: string[];
  /**
   * Roles for policy to read.
   *
   * @default - none: what it may do follows from its scopes
   */
  readonly roles?: string[];
  /**
   * How long a token is good. Cognito bills token requests, so machines keep a token and ask again when it ends.
   *
   * @default Duration.minutes(15)
   */
  readonly accessTokenValidity?: cdk.Duration;
}

/** A machine client as `IdentityProvider.addMachineClient` makes it. */
export interface MachineClientParts extends MachineClientProps {
  /** The pool that the client is made in. */
  readonly userPool: cognito.IUserPool;
  /** What `scopes` are in the pool. */
  readonly oauthScopes: cognito.OAuthScope[];
  /** SSM path under which the pre-token function looks a client up. */
  readonly clientsPath: string;
}

/** What Cognito calls a client, without blanks. */
export const clientName = /^[\w+=,.@-]{1,64}$/;
const tenantName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** An app client for client credentials, its secret, and whose it is. Six USD a month and 2.25 for a thousand tokens. */
export class MachineClient extends Construct {
  /** The app client in the pool. */
  readonly client: cognito.UserPoolClient;
  /** What the machine names itself by at the token endpoint. */
  readonly clientId: string;
  /** The whole value is the client secret. */
  readonly clientSecret: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: MachineClientParts) {
    super(scope, id);
    const { name, tenant, roles = [], clientsPath } = props;
    if (!isLiteral(name, clientName)) {
      throw synthError(this, `name is ${shown(name)}: give 1 to 64 letters, digits and _ + = , . @ -`);
    }
    if (!isLiteral(tenant, tenantName)) {
      throw synthError(this, `tenant is ${shown(tenant)}: give 1 to 63 lower-case letters, digits and hyphens`);
    }
    const validity = props.accessTokenValidity ?? cdk.Duration.minutes(15);
    checkDuration(this, 'accessTokenValidity', validity);
    const minutes = validity.isUnresolved() ? Number.NaN : validity.toMinutes({ integral: false });
    if (!Number.isInteger(minutes) || minutes < 5 || minutes > 60) {
      throw synthError(
        this,
        `accessTokenValidity is ${minutes} minutes: give whole minutes from 5 to 60, because a token cannot be taken back`,
      );
    }
    this.client = new cognito.UserPoolClient(this, 'Client', {
      userPool: props.userPool,
      userPoolClientName: name,
      generateSecret: true,
      oAuth: { flows: { clientCredentials: true }, scopes: props.oauthScopes },
      accessTokenValidity: validity,
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
      authFlows: { user: false },
    });
    this.clientId = this.client.userPoolClientId;
    this.clientSecret = clientSecretOf(this, this.client);
    // The function cannot have client ids in its environment: the pool names the function, and the client the pool. So it reads this.
    new ssm.StringParameter(this, 'Tenant', {
      parameterName: `${clientsPath}/${this.clientId}`,
      description: `Whose the machine client ${name} is`,
      stringValue: JSON.stringify({ tenant, roles }),
      simpleName: false,
    });
  }
}

/** The secret that Cognito made for a client, in Secrets Manager. It is in no template: CloudFormation passes it on at deployment. */
export function clientSecretOf(scope: Construct, client: cognito.UserPoolClient): secretsmanager.Secret {
  const { attrClientSecret } = client.node.defaultChild as cognito.CfnUserPoolClient;
  const secret = new secretsmanager.Secret(scope, 'ClientSecret', {
    description: 'Secret of an app client, made by Cognito',
    secretStringValue: cdk.SecretValue.resourceAttribute(attrClientSecret),
  });
  cdk.Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'Cognito makes this secret and cannot rotate it in place: replace the client to change it.',
  });
  return secret;
}
