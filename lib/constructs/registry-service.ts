import * as cdk from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { IAuditTrail } from './audit-trail.ts';
import { McpService } from './mcp-service.ts';
import type { PlatformServiceProps } from './platform-service-props.ts';
import { servicePort } from './service-ports.ts';
import { containerSettings, type RegistrySettings } from './service-settings.ts';
import { sizingOf } from './service-sizing.ts';
import { drainTimeoutMs } from './stop-times.ts';
import { ToolgateImage } from './toolgate-image.ts';

/** What a registry needs. */
export interface RegistryServiceProps extends PlatformServiceProps {
  /** Name of the platform. */
  readonly platformName: string;
  /** Where it records. */
  readonly audit: IAuditTrail;
  /** Vouches for the keys that sign the registry's tokens, and for no others: an ECC_NIST_P256 key for SIGN_VERIFY. */
  readonly registryKey: kms.IKey;
  /** SPIFFE trust domain of the platform's services. */
  readonly trustDomain: string;
  /**
   * Another build of the registry.
   *
   * @default - the image that comes with Toolgate
   */
  readonly image?: ecs.ContainerImage;
}

/** Brings the catalogue to what stacks declare: `runtime/registry`. Nothing calls it, so it is behind no load balancer. */
export class RegistryService extends Construct {
  /** What answers. */
  readonly service: McpService;

  constructor(scope: Construct, id: string, props: RegistryServiceProps) {
    super(scope, id);
    const { stateTables, audit, registryKey, toolEdge } = props;
    const declarationsPath = `/toolgate/${props.platformName}/servers`;
    this.service = new McpService(this, 'Service', {
      ...sizingOf(props),
      ...containerSettings(this.settings(props, declarationsPath)),
      cluster: props.cluster,
      network: props.network,
      image: props.image ?? ToolgateImage.registry(),
      memberOf: [toolEdge.callers],
    });
    stateTables.grants.registry(this.service);
    audit.grants.write(this.service, 'registry');
    registryKey.grant(this.service, 'kms:GetPublicKey', 'kms:Sign');
    grantParameters(this.service, declarationsPath);
  }

  private settings(props: RegistryServiceProps, declarationsPath: string): { [name: string]: string } {
    const { edge, toolEdge, stateTables, audit, registryKey } = props;
    return {
      PORT: String(servicePort),
      GATEWAY_URL: edge.gatewayUrl,
      AUTHORIZATION_ISSUER: edge.authorizationUrl,
      TRUST_DOMAIN: props.trustDomain,
      DECLARATIONS_PATH: declarationsPath,
      TOOL_DOMAIN: toolEdge.domainName,
      UPSTREAM_KMS_KEY_ID: registryKey.keyArn,
      TABLE_PREFIX: stateTables.tablePrefix,
      AUDIT_BUCKET: audit.bucket.bucketName,
      AUDIT_KMS_KEY_ID: audit.signingKey.keyArn,
      AUDIT_WRITER: 'registry',
      AWS_REGION: cdk.Stack.of(this).region,
      DRAIN_TIMEOUT_MS: drainTimeoutMs,
    } satisfies RegistrySettings;
  }
}

/** Reads all parameters directly under `path`. */
export function grantParameters(grantee: iam.IGrantable & Construct, path: string): iam.Grant {
  return iam.Grant.addToPrincipal({
    grantee,
    actions: ['ssm:GetParametersByPath'],
    resourceArns: [
      cdk.Stack.of(grantee).formatArn({ service: 'ssm', resource: 'parameter', resourceName: path.slice(1) }),
    ],
  });
}
