import * as cdk from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';
import { AuditTrail, type IAuditTrail } from './audit-trail.ts';
import { AuthorizationService } from './authorization-service.ts';
import type { IPublicEdge } from './edge-routes.ts';
import type { Egress } from './egress.ts';
import { GatewayService } from './gateway-service.ts';
import { IdentityProvider } from './identity-provider.ts';
import type { IIdentityProvider } from './identity-provider-base.ts';
import type { JwtValidation } from './jwt-validation.ts';
import type { IMcpPlatform } from './mcp-platform-base.ts';
import { type McpServiceSizing, sizingOf } from './mcp-service.ts';
import type { MutualTls } from './mutual-tls.ts';
import { checkPlatformName } from './platform-name.ts';
import { type IPlatformNetwork, PlatformNetwork } from './platform-network.ts';
import { ImportedMcpPlatform, publishPlatform } from './platform-parameters.ts';
import { PlatformProfile } from './platform-profile.ts';
import { type IPolicyBundle, PolicyBundle } from './policy-bundle.ts';
import { PublicEdge } from './public-edge.ts';
import { RegistryService } from './registry-service.ts';
import { type IStateTables, StateTables } from './state-tables.ts';
import { synthError } from './synth-error.ts';
import { ToolEdge } from './tool-edge.ts';
import type { IToolEdge } from './tool-edge-base.ts';
import type { ToolRouting } from './tool-routing.ts';

/** What a platform is made of. */
export interface McpPlatformProps {
  /** One of a kind in its account and region: tables, parameters and the inner domain are called after it. */
  readonly platformName: string;
  /** Domain of the platform, e.g. `tools.example.com`: MCP clients call `mcp.` under it and sign in at `id.` under it. */
  readonly domainName: string;
  /**
   * What the platform is like where nothing else is said.
   *
   * @default PlatformProfile.production()
   */
  readonly profile?: PlatformProfile;

  // The door.
  /**
   * Public zone of the domain. With it records and certificate are made.
   *
   * @default - none: the records are yours to make, and `certificate` is required
   */
  readonly hostedZone?: route53.IHostedZone;
  /**
   * Certificate for `mcp.` and `id.` under the domain.
   *
   * @default - a new one, validated through `hostedZone`
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Opens port 8443 for clients with a certificate.
   *
   * @default - none
   */
  readonly mutualTls?: MutualTls;
  /**
   * Lets the load balancer turn away bearer tokens that are not of this issuer.
   *
   * @default - none: the gateway verifies tokens, and always does
   */
  readonly jwtValidation?: JwtValidation;
  /**
   * A public edge of your own, in the VPC of the platform. The props above are then its own.
   *
   * @default - a new one
   */
  readonly edge?: IPublicEdge;

  // The network.
  /**
   * A VPC that is there already.
   *
   * @default - a new one
   */
  readonly vpc?: ec2.IVpc;
  /**
   * How tasks reach AWS and the Internet.
   *
   * @default - by the profile; with a VPC of your own whatever its subnets are
   */
  readonly egress?: Egress;
  /**
   * Where the services run, and tool servers unless they say otherwise. It knows FARGATE, and FARGATE_SPOT for services on spare capacity.
   *
   * @default - a new one
   */
  readonly cluster?: ecs.ICluster;
  /**
   * How the gateway reaches tool servers.
   *
   * @default - by the profile
   */
  readonly toolRouting?: ToolRouting;

  // Who calls, and what they may.
  /**
   * Where people sign in: `IdentityProvider.fromIssuer(...)`, or an `IdentityProvider` with a user pool of your own.
   *
   * @default - a new Cognito user pool
   */
  readonly identity?: IIdentityProvider;
  /**
   * What each tenant may do: a file `{"tenants": {"acme": {...}}}`, or a folder with a file for each tenant. See `docs/policy.md`.
   *
   * @default - none: `policy` says it
   */
  readonly tenantsPath?: string;
  /**
   * A whole number that is raised with every change of rules or tenants; gateways refuse a lower one.
   *
   * @default - none: `policy` says it
   */
  readonly policyVersion?: number;
  /**
   * Rules and tenants as a part of your own.
   *
   * @default - the rules that come with Toolgate, with `tenantsPath` and `policyVersion`
   */
  readonly policy?: IPolicyBundle;
  /**
   * SPIFFE trust domain of the platform's services.
   *
   * @default - `{platformName}.{domainName}`
   */
  readonly trustDomain?: string;

  // What is kept.
  /**
   * Tables that are there already.
   *
   * @default - new ones
   */
  readonly stateTables?: IStateTables;
  /**
   * The record: one that is there already, e.g. in a log archive, or one with another retention.
   *
   * @default - a new one with the profile's retention
   */
  readonly audit?: IAuditTrail;
  /**
   * Whether a call that changes nothing is recorded before its answer, or within a second after it.
   *
   * @default true
   */
  readonly readsRecordedBeforeAnswer?: boolean;

  // How much of it.
  /**
   * Tasks of the gateway.
   *
   * @default - by the profile
   */
  readonly gatewaySizing?: McpServiceSizing;
  /**
   * Tasks of the authorization server.
   *
   * @default - by the profile
   */
  readonly authorizationSizing?: McpServiceSizing;
  /**
   * Tasks of the registry.
   *
   * @default - by the profile, but one task: while it restarts, what is declared waits, and calls do not
   */
  readonly registrySizing?: McpServiceSizing;
}

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
  /** In KMS; vouches for the keys that sign tokens for tool servers. */
  readonly upstreamKey: kms.Key;
  /** The door itself. */
  readonly gateway: GatewayService;
  /** Brings the catalogue to what stacks declare. */
  readonly registry: RegistryService;

  constructor(scope: Construct, id: string, props: McpPlatformProps) {
    super(scope, id);
    const { platformName, domainName, profile = PlatformProfile.production() } = props;
    this.platformName = checkPlatformName(this, platformName);
    this.profile = profile;
    this.trustDomain = props.trustDomain ?? `${platformName}.${domainName}`;
    const removalPolicy = profile.isKept ? cdk.RemovalPolicy.RETAIN : cdk.RemovalPolicy.DESTROY;

    // A call comes in from the Internet …
    this.network = new PlatformNetwork(this, 'Network', {
      vpc: props.vpc,
      egress: props.egress ?? this.ownEgress(props),
    });
    const { network } = this;
    this.edge = props.edge ?? this.makeEdge(props);
    const { edge } = this;
    this.gatewayUrl = edge.gatewayUrl;
    this.cluster = props.cluster ?? this.makeCluster();
    const { cluster } = this;

    // … with a token that somebody got by signing in …
    this.stateTables = props.stateTables ?? new StateTables(this, 'State', { platformName, removalPolicy });
    const { stateTables } = this;
    const toolEdge = new ToolEdge(this, 'ToolEdge', {
      platformName,
      vpc: network.vpc,
      routing: props.toolRouting ?? profile.routing,
    });
    this.toolEdge = toolEdge;
    this.identity = props.identity ?? this.makeIdentity(props, removalPolicy);
    const place = { platformName, cluster, network, edge, toolEdge, stateTables, removalPolicy };
    this.authorization = new AuthorizationService(this, 'Authorization', {
      ...place,
      ...sizingOf(props.authorizationSizing ?? {}, profile.sizing),
      identity: this.identity,
    });

    // … is decided, counted, forwarded and recorded by the gateway …
    this.policy = props.policy ?? this.makePolicy(props);
    this.audit = props.audit ?? new AuditTrail(this, 'Audit', { retention: profile.auditRetention, removalPolicy });
    this.upstreamKey = new kms.Key(this, 'UpstreamKey', {
      description: `Vouches for the keys that sign tokens for tool servers of ${platformName}`,
      keySpec: kms.KeySpec.ECC_NIST_P256,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy,
    });
    const { audit, upstreamKey, trustDomain } = this;
    this.gateway = new GatewayService(this, 'Gateway', {
      ...place,
      ...sizingOf(props.gatewaySizing ?? {}, profile.sizing),
      audit,
      upstreamKey,
      trustDomain,
      policy: this.policy,
      identity: this.identity,
      readsRecordedBeforeAnswer: props.readsRecordedBeforeAnswer,
    });

    // … and ends at a tool server, which the registry knows because its stack declared it.
    this.registry = new RegistryService(this, 'Registry', {
      ...place,
      ...sizingOf(props.registrySizing ?? {}, { ...profile.sizing, desiredCount: 1, maxCount: 1 }),
      audit,
      upstreamKey,
      trustDomain,
    });
    publishPlatform(new Construct(this, 'Parameters'), this, toolEdge);
  }

  private ownEgress({ vpc }: McpPlatformProps): Egress | undefined {
    return vpc === undefined ? this.profile.egress : undefined;
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

  private makePolicy({ platformName, tenantsPath, policyVersion }: McpPlatformProps): PolicyBundle {
    if (tenantsPath === undefined || policyVersion === undefined) {
      throw synthError(
        this,
        `${tenantsPath === undefined ? 'tenantsPath' : 'policyVersion'} is missing: say who may do what with tenantsPath, a file like policies/tenants.json, and policyVersion, a number that is raised with every change of it; or give policy`,
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

  private makeIdentity({ egress, vpc }: McpPlatformProps, removalPolicy: cdk.RemovalPolicy): IdentityProvider {
    if (vpc === undefined && egress?.kind === 'endpoints') {
      // Amazon Cognito Developer Guide, "Access Amazon Cognito using an interface endpoint".
      throw synthError(
        this,
        'egress is Egress.endpoints(), and no endpoint leads to the token endpoint of Cognito, so nobody could sign in: give identity, an issuer that is reached from inside, or choose Egress.nat()',
      );
    }
    return new IdentityProvider(this, 'Identity', {
      platformName: this.platformName,
      authorizationUrl: this.edge.authorizationUrl,
      gatewayUrl: this.edge.gatewayUrl,
      deletionProtection: this.profile.isKept,
      removalPolicy,
    });
  }
}
