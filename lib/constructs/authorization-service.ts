import * as cdk from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { generatedSecret } from './generated-secret.ts';
import type { IIdentityProvider } from './identity-provider-base.ts';
import { McpService } from './mcp-service.ts';
import type { PlatformServiceProps } from './platform-service-props.ts';
import { grantParameters } from './registry-service.ts';
import { servicePort } from './service-ports.ts';
import { type AuthorizationSettings, containerSettings } from './service-settings.ts';
import { sizingOf } from './service-sizing.ts';
import { ToolgateImage } from './toolgate-image.ts';

/** What an authorization server needs. */
export interface AuthorizationServiceProps extends PlatformServiceProps {
  /** Name of the platform. */
  readonly platformName: string;
  /** Where people sign in. */
  readonly identity: IIdentityProvider;
  /**
   * Origin of the approvals page, whose people sign in here without being asked for consent.
   *
   * @default - there is no such page
   */
  readonly approvalsUrl?: string;
  /**
   * Seals private keys and whatever else must not lie readable in the table: 32 bytes in base64. With another key everybody signs in again.
   *
   * @default - a new one
   */
  readonly sealingKey?: secretsmanager.ISecret;
  /**
   * What happens to the sealing key when it is no longer in the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: cdk.RemovalPolicy;
  /**
   * Another build of the authorization server.
   *
   * @default - the image that comes with Toolgate
   */
  readonly image?: ecs.ContainerImage;
}

/** Where MCP clients get their tokens: `runtime/authorization` behind the public edge. */
export class AuthorizationService extends Construct {
  /** What answers. */
  readonly service: McpService;
  /** Seals what the authorization server keeps. */
  readonly sealingKey: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: AuthorizationServiceProps) {
    super(scope, id);
    const { edge, toolEdge, stateTables } = props;
    this.sealingKey = props.sealingKey ?? this.makeSealingKey(props.removalPolicy ?? cdk.RemovalPolicy.RETAIN);
    this.service = new McpService(this, 'Service', {
      ...sizingOf(props),
      ...containerSettings(this.settings(props)),
      cluster: props.cluster,
      network: props.network,
      image: props.image ?? ToolgateImage.authorization(),
    });
    stateTables.grants.authorization(this.service);
    grantParameters(this.service, agentsPath(props));

    const targetGroup = this.service.serveTargets(this, 'Targets', servicePort);
    edge.routeAuthorization(targetGroup);
    this.service.scaleOnRequests('Requests', targetGroup);
    toolEdge.addAuthorizationServer(this.service);
  }

  private settings(props: AuthorizationServiceProps): AuthorizationSettings {
    const { edge, identity, stateTables } = props;
    return {
      AUTHORIZATION_ISSUER: edge.authorizationUrl,
      AUTHORIZATION_HOST: '0.0.0.0',
      AUTHORIZATION_PORT: String(servicePort),
      GATEWAY_URL: edge.gatewayUrl,
      APPROVALS_URL: props.approvalsUrl ?? '',
      AUTHORIZATION_SEALING_KEY: ecs.Secret.fromSecretsManager(this.sealingKey),
      UPSTREAM_OIDC_ISSUER: identity.issuer,
      UPSTREAM_OIDC_CLIENT_ID: identity.clientId,
      UPSTREAM_OIDC_CLIENT_SECRET: ecs.Secret.fromSecretsManager(identity.clientSecret),
      UPSTREAM_OIDC_SCOPES: identity.signInScopes,
      TENANT_CLAIM: identity.tenantClaim,
      ROLES_CLAIM: identity.rolesClaim,
      AGENTS_PATH: agentsPath(props),
      TABLE_PREFIX: stateTables.tablePrefix,
      AWS_REGION: cdk.Stack.of(this).region,
    };
  }

  private makeSealingKey(removalPolicy: cdk.RemovalPolicy): secretsmanager.Secret {
    return generatedSecret(
      this,
      'SealingKey',
      'Seals what the authorization server keeps',
      removalPolicy,
      'what it sealed cannot be opened with another key, so changing it signs everybody out.',
    );
  }
}

/** Where the platform team declares its agents: whoever writes there gives them their tenant, roles and scopes. */
function agentsPath({ platformName }: AuthorizationServiceProps): string {
  return `/toolgate/${platformName}/agents`;
}
