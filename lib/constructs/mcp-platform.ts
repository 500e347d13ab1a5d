import * as cdk from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { ApprovalWorkflow } from './approval-workflow.ts';
import { ApprovalsService } from './approvals-service.ts';
import { AuditTrail, type IAuditTrail } from './audit-trail.ts';
import { AuthorizationService } from './authorization-service.ts';
import { noticeTimeoutOf } from './check-approval-times.ts';
import { checkCognitoIsReached, checkSlackIsReached, doubtApprovalsSignIn } from './check-egress.ts';
import { checkHost } from './check-host.ts';
import { checkBesideOwnParts, checkTrustDomain } from './check-platform.ts';
import { checkCidr, checkSameVpc } from './check-vpc.ts';
import type { IPublicEdge } from './edge-routes.ts';
import { GatewayService } from './gateway-service.ts';
import { IdentityProvider } from './identity-provider.ts';
import type { IIdentityProvider } from './identity-provider-base.ts';
import type { IMcpPlatform } from './mcp-platform-base.ts';
import type { McpPlatformProps } from './mcp-platform-props.ts';
import { checkPlatformName } from './platform-name.ts';
import { type IPlatformNetwork, PlatformNetwork } from './platform-network.ts';
import { ImportedMcpPlatform, publishPlatform } from './platform-parameters.ts';
import { PlatformProfile } from './platform-profile.ts';
import { type IPolicyBundle, PolicyBundle } from './policy-bundle.ts';
import { PublicEdge } from './public-edge.ts';
import { RegistryService } from './registry-service.ts';
import { sizingOf } from './service-sizing.ts';
import { type IStateTables, StateTables } from './state-tables.ts';
import { synthError } from './synth-error.ts';
import { claim } from './tool-claims.ts';
import { ToolEdge } from './tool-edge.ts';
import type { IToolEdge } from './tool-edge-base.ts';

/**
 * The governed door, all of it. Read the constructor top to bottom: it makes the parts in the order in which a call meets them. Each part is a
 * property, so whatever a prop does not say can be said to the part itself.
 */
export class McpPlatform extends Construct implements IMcpPlatform {
  /**
   * A platform that another app deployed to this account and region. Nothing is looked up: its parameters are read when the stack is deployed.
   *
   * @param profile the one that the platform was deployed with
   */
  static fromPlatformName(scope: Construct, id: string, platformName: string, profile?: PlatformProfile): IMcpPlatform {
    return new ImportedMcpPlatform(scope, id, platformName, profile);
  }

  readonly platformName: string;
  /** What the platform is like where nothing else is said. */
  readonly profile: PlatformProfile;
  readonly gatewayUrl: string;
  readonly trustDomain: string;
  /** Subnets of its tasks and their way out. */
  readonly network: IPlatformNetwork;
  /** The public door. */
  readonly edge: IPublicEdge;
  /** Where its tasks run. */
  readonly cluster: ecs.ICluster;
  /** Where people sign in. */
  readonly identity: IIdentityProvider;
  /** Where its state is. */
  readonly stateTables: IStateTables;
  /** Where MCP clients get their tokens. */
  readonly authorization: AuthorizationService;
  /** The rules it decides by. */
  readonly policy: IPolicyBundle;
  /** Where it records. */
  readonly audit: IAuditTrail;
  /** The inner side, where tool servers are reached. */
  readonly toolEdge: IToolEdge;
  /** In KMS; vouches for the keys with which the gateway signs tokens for tool servers. */
  readonly upstreamKey: kms.Key;
  /** In KMS; vouches for the keys with which the registry asks tool servers for their tools. */
  readonly registryKey: kms.Key;
  /** The door itself. */
  readonly gateway: GatewayService;
  /** Watches each question to people. */
  readonly approvalWorkflow: ApprovalWorkflow;
  /** Where people say yes or no. */
  readonly approvals: ApprovalsService;
  /** Brings the catalogue to what stacks declare. */
  readonly registry: RegistryService;
  /** What tells operators; undefined for development. */
  readonly alarms: Alarms | undefined;

  constructor(scope: Construct, id: string, props: McpPlatformProps) {
    super(scope, id);
    const { platformName, domainName, profile = PlatformProfile.production() } = props;
    this.platformName = checkPlatformName(this, platformName);
    claim(this, platformName, 'platform', platformName);
    checkHost(this, 'domainName', domainName);
    checkBesideOwnParts(this, props);
    const noticeTimeout = noticeTimeoutOf(this, props);
    this.profile = profile;
    this.trustDomain = checkTrustDomain(this, props.trustDomain ?? `${platformName}.${domainName}`);
    const removalPolicy = profile.isKept ? cdk.RemovalPolicy.RETAIN : cdk.RemovalPolicy.DESTROY;

    // A call comes in from the Internet …
    const vpc = props.vpc ?? props.cluster?.vpc ?? props.edge?.loadBalancer.vpc;
    const network = new PlatformNetwork(this, 'Network', {
      vpc,
      egress: props.egress ?? (vpc === undefined ? profile.egress : undefined),
    });
    this.network = network;
    checkCidr(this, network.vpc);
    this.edge = props.edge ?? this.makeEdge(props);
    const { edge } = this;
    checkSameVpc(this, 'edge', edge.loadBalancer.vpc, network.vpc);
    this.gatewayUrl = edge.gatewayUrl;
    this.cluster = props.cluster ?? this.makeCluster();
    const { cluster } = this;
    checkSameVpc(this, 'cluster', cluster.vpc, network.vpc);

    // … with a token that somebody got by signing in …
    this.stateTables = props.stateTables ?? new StateTables(this, 'State', { platformName, removalPolicy });
    const { stateTables } = this;
    const toolEdge = new ToolEdge(this, 'ToolEdge', {
      platformName,
      vpc: network.vpc,
      routing: props.toolRouting ?? profile.routing,
    });
    this.toolEdge = toolEdge;
    this.identity = props.identity ?? this.makeIdentity(network, removalPolicy);
    const place = { platformName, cluster, network, edge, toolEdge, stateTables, removalPolicy };
    this.authorization = new AuthorizationService(this, 'Authorization', {
      ...place,
      ...sizingOf(props.authorizationSizing ?? {}, profile.sizing),
      identity: this.identity,
      approvalsUrl: edge.gatewayUrl,
    });

    // … is decided, counted, forwarded and recorded by the gateway …
    this.policy = props.policy ?? this.makePolicy(props);
    // Kept in every profile: a bucket with locked records cannot be deleted, and a stack that tries ends half deleted.
    this.audit = props.audit ?? new AuditTrail(this, 'Audit', { retention: profile.auditRetention });
    this.upstreamKey = this.makeRootKey('UpstreamKey', 'gateway', removalPolicy);
    this.registryKey = this.makeRootKey('RegistryKey', 'registry', removalPolicy);
    const { audit, policy, upstreamKey, registryKey, trustDomain } = this;
    const workflow = new ApprovalWorkflow(this, 'ApprovalWorkflow', {
      stateTables,
      noticeTimeout,
      logRetention: profile.sizing.logRetention,
    });
    this.approvalWorkflow = workflow;
    this.gateway = new GatewayService(this, 'Gateway', {
      ...place,
      ...sizingOf(props.gatewaySizing ?? {}, profile.sizing),
      audit,
      upstreamKey,
      registryKey,
      trustDomain,
      policy,
      identity: this.identity,
      workflow,
      approvalWait: props.approvalWait,
      readsRecordedBeforeAnswer: props.readsRecordedBeforeAnswer,
    });

    // … once a person has said yes where that is asked for …
    doubtApprovalsSignIn(this, network, edge);
    if (props.slack !== undefined) checkSlackIsReached(this, network);
    this.approvals = new ApprovalsService(this, 'Approvals', {
      ...place,
      ...sizingOf(props.approvalsSizing ?? {}, profile.sizing),
      audit,
      policy,
      workflow,
      slack: props.slack,
    });

    // … and ends at a tool server, which the registry knows because its stack declared it.
    this.registry = new RegistryService(this, 'Registry', {
      ...place,
      ...sizingOf(props.registrySizing ?? {}, { ...profile.sizing, desiredCount: 1, maxCount: 1 }),
      audit,
      registryKey,
      trustDomain,
    });
    publishPlatform(new Construct(this, 'Parameters'), this, toolEdge);
    this.alarms = profile.hasAlarms || props.alarmTopic !== undefined ? this.makeAlarms(props.alarmTopic) : undefined;
  }

  private makeAlarms(topic: sns.ITopic | undefined): Alarms {
    const { platformName, edge, stateTables } = this;
    return new Alarms(this, 'Alarms', {
      platformName,
      loadBalancer: edge.loadBalancer,
      gateway: this.gateway.service,
      authorization: this.authorization.service,
      registry: this.registry.service,
      approvals: this.approvals.service,
      workflow: this.approvalWorkflow,
      stateTables,
      certificates: edge instanceof PublicEdge ? [edge.certificate] : [],
      topic,
    });
  }

  private makeEdge(props: McpPlatformProps): PublicEdge {
    const { domainName, hostedZone, certificate, mutualTls, jwtValidation } = props;
    const { isKept, hasFirewall } = this.profile;
    return new PublicEdge(this, 'Edge', {
      vpc: this.network.vpc,
      domainName,
      hostedZone,
      certificate,
      mutualTls,
      jwtValidation,
      firewall: hasFirewall,
      deletionProtection: isKept,
    });
  }

  private makeRootKey(id: string, signer: string, removalPolicy: cdk.RemovalPolicy): kms.Key {
    return new kms.Key(this, id, {
      description: `Vouches for the keys with which the ${signer} of ${this.platformName} signs tokens for tool servers`,
      keySpec: kms.KeySpec.ECC_NIST_P256,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy,
    });
  }

  private makePolicy({ platformName, tenantsPath, policyVersion }: McpPlatformProps): PolicyBundle {
    if (tenantsPath === undefined || policyVersion === undefined) {
      throw synthError(
        this,
        `${tenantsPath === undefined ? 'tenantsPath' : 'policyVersion'} is missing: say who may do what with tenantsPath, a file like policies/data/tenants.json of this package, and policyVersion, a number that is raised with every change of it; or give policy`,
      );
    }
    return new PolicyBundle(this, 'Policy', { platformName, tenantsPath, version: policyVersion });
  }

  private makeCluster(): ecs.Cluster {
    const hasInsights = this.profile.isKept;
    const cluster = new ecs.Cluster(this, 'Cluster', {
      vpc: this.network.vpc,
      enableFargateCapacityProviders: true,
      containerInsightsV2: hasInsights ? ecs.ContainerInsights.ENABLED : ecs.ContainerInsights.DISABLED,
    });
    if (!hasInsights) {
      cdk.Validations.of(cluster).acknowledge({
        id: 'AwsSolutions-ECS4',
        reason: 'Container Insights costs more than the tasks of a development platform.',
      });
    }
    return cluster;
  }

  private makeIdentity(network: PlatformNetwork, removalPolicy: cdk.RemovalPolicy): IdentityProvider {
    checkCognitoIsReached(this, network);
    return new IdentityProvider(this, 'Identity', {
      platformName: this.platformName,
      authorizationUrl: this.edge.authorizationUrl,
      gatewayUrl: this.edge.gatewayUrl,
      deletionProtection: this.profile.isKept,
      removalPolicy,
    });
  }
}
