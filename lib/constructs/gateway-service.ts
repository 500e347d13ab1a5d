import * as cdk from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { ApprovalWorkflow } from './approval-workflow.ts';
import type { IAuditTrail } from './audit-trail.ts';
import { approvalWaitMs } from './check-approval-times.ts';
import { generatedSecret } from './generated-secret.ts';
import type { IIdentityProvider } from './identity-provider-base.ts';
import { McpService, writableFolder } from './mcp-service.ts';
import type { PlatformServiceProps } from './platform-service-props.ts';
import type { IPolicyBundle } from './policy-bundle.ts';
import { mutualTlsPort, servicePort } from './service-ports.ts';
import { containerSettings, type GatewaySettings } from './service-settings.ts';
import { sizingOf } from './service-sizing.ts';
import { drainTimeoutMs } from './stop-times.ts';
import { ToolgateImage } from './toolgate-image.ts';

/** What a gateway needs. */
export interface GatewayServiceProps extends PlatformServiceProps {
  /** Whose tokens it takes beside those of the authorization server. */
  readonly identity: IIdentityProvider;
  /** Where it records. */
  readonly audit: IAuditTrail;
  /** The rules it decides by. */
  readonly policy: IPolicyBundle;
  /** Vouches for the keys that sign the gateway's upstream tokens: an ECC_NIST_P256 key for SIGN_VERIFY. */
  readonly upstreamKey: kms.IKey;
  /** Vouches for the keys of the registry, which the gateway publishes: another key of the same kind. */
  readonly registryKey: kms.IKey;
  /** SPIFFE trust domain of the platform's services. */
  readonly trustDomain: string;
  /**
   * What watches each question to people; this service starts it and cannot answer it.
   *
   * @default - nothing: questions are closed by the approvals service alone
   */
  readonly workflow?: ApprovalWorkflow;
  /**
   * How long people have to answer a question. From 2 minutes to 7 days.
   *
   * @default Duration.days(1)
   */
  readonly approvalWait?: cdk.Duration;
  /**
   * When the record of a call that changes nothing must be kept: before its answer, or within a second after it. The second is faster and
   * loses up to that second of records when a task dies. Changes and refusals are always recorded before.
   *
   * @default true
   */
  readonly readsRecordedBeforeAnswer?: boolean;
  /**
   * Key of the pseudonyms in masked columns: 32 bytes in base64. Another key makes other pseudonyms.
   *
   * @default - a new one
   */
  readonly maskKey?: secretsmanager.ISecret;
  /**
   * Origins of web pages that may call the gateway from a browser.
   *
   * @default - none
   */
  readonly allowedOrigins?: string[];
  /**
   * What happens to the key of pseudonyms when it is no longer in the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: cdk.RemovalPolicy;
  /**
   * Another build of the gateway.
   *
   * @default - the image that comes with Toolgate
   */
  readonly image?: ecs.ContainerImage;
}

/** The door itself: `runtime/gateway` behind the public edge. */
export class GatewayService extends Construct {
  /** What answers. */
  readonly service: McpService;
  /** Key of the pseudonyms in masked columns. */
  readonly maskKey: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: GatewayServiceProps) {
    super(scope, id);
    const { edge, toolEdge, stateTables, audit, policy, upstreamKey, registryKey } = props;
    this.maskKey = props.maskKey ?? this.makeMaskKey(props.removalPolicy ?? cdk.RemovalPolicy.RETAIN);
    const hasMutualTls = edge.mutualTlsHost !== undefined;
    this.service = new McpService(this, 'Service', {
      ...sizingOf(props),
      ...containerSettings(this.settings(props)),
      cluster: props.cluster,
      network: props.network,
      image: props.image ?? ToolgateImage.gateway(),
      ports: hasMutualTls ? [servicePort, mutualTlsPort] : [servicePort],
      memberOf: [toolEdge.callers],
    });
    stateTables.grants.gateway(this.service);
    audit.grants.write(this.service, 'gateway');
    policy.grants.read(this.service);
    upstreamKey.grant(this.service, 'kms:GetPublicKey', 'kms:Sign');
    registryKey.grant(this.service, 'kms:GetPublicKey');
    props.workflow?.grants.start(this.service);

    const targetGroup = this.service.serveTargets(this, 'Targets', servicePort);
    edge.routeGateway({
      targetGroup,
      ...(hasMutualTls && {
        mutualTlsTargetGroup: this.service.serveTargets(this, 'MutualTlsTargets', mutualTlsPort),
      }),
    });
    this.service.scaleOnRequests('Requests', targetGroup);
    toolEdge.addGateway(this.service);
  }

  private settings(props: GatewayServiceProps): GatewaySettings {
    const { edge, toolEdge, identity, policy, stateTables, audit, upstreamKey, approvalWait } = props;
    const keysHost = new URL(toolEdge.gatewayKeysUrl).host;
    return {
      PORT: String(servicePort),
      MTLS_PORT: edge.mutualTlsHost === undefined ? undefined : String(mutualTlsPort),
      // The load balancer.
      PROXY_HOPS: '1',
      PUBLIC_URL: edge.gatewayUrl,
      ALLOWED_HOSTS: [keysHost, ...(edge.mutualTlsHost === undefined ? [] : [edge.mutualTlsHost])].join(','),
      ALLOWED_ORIGINS: (props.allowedOrigins ?? []).join(','),
      // The keys come over the network's own inside: no token is refused because the way out is closed.
      ISSUERS: `${edge.authorizationUrl}=${toolEdge.authorizationKeysUrl}`,
      COGNITO_ISSUERS: identity.directIssuers,
      TRUST_DOMAIN: props.trustDomain,
      UPSTREAM_KMS_KEY_ID: upstreamKey.keyArn,
      REGISTRY_KMS_KEY_ID: props.registryKey.keyArn,
      REQUEST_STATE_KEY: ecs.Secret.fromSecretsManager(this.makeStateKey()),
      APPROVALS_URL: edge.gatewayUrl,
      APPROVAL_WORKFLOW_ARN: props.workflow?.stateMachine.stateMachineArn,
      APPROVAL_WAIT_MS: approvalWait === undefined ? undefined : String(approvalWaitMs(this, approvalWait)),
      MASK_KEY: ecs.Secret.fromSecretsManager(this.maskKey),
      POLICY_DIR: `${writableFolder}/policy`,
      POLICY_PARAMETER: policy.parameter.parameterName,
      AUDIT_BUCKET: audit.bucket.bucketName,
      AUDIT_KMS_KEY_ID: audit.signingKey.keyArn,
      AUDIT_WRITER: 'gateway',
      AUDIT_READS: (props.readsRecordedBeforeAnswer ?? true) ? 'before-answer' : 'after-answer',
      TABLE_PREFIX: stateTables.tablePrefix,
      AWS_REGION: cdk.Stack.of(this).region,
      DRAIN_TIMEOUT_MS: drainTimeoutMs,
    };
  }

  private makeStateKey(): secretsmanager.Secret {
    return generatedSecret(
      this,
      'RequestStateKey',
      'Seals what clients carry while a person decides about their call',
      // Nothing outlives it but calls that wait, which are sent again.
      cdk.RemovalPolicy.DESTROY,
      'what it seals is valid for 15 minutes; a new value and a restart end what clients carry by then.',
    );
  }

  private makeMaskKey(removalPolicy: cdk.RemovalPolicy): secretsmanager.Secret {
    return generatedSecret(
      this,
      'MaskKey',
      'Key of the pseudonyms in masked columns',
      removalPolicy,
      'with another key the same person has another pseudonym, and what was found before matches nothing any more.',
    );
  }
}
