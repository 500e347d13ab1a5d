import type * as cdk from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { IAuditTrail } from './audit-trail.ts';
import type { IPublicEdge } from './edge-routes.ts';
import type { Egress } from './egress.ts';
import type { IIdentityProvider } from './identity-provider-base.ts';
import type { JwtValidation } from './jwt-validation.ts';
import type { MutualTls } from './mutual-tls.ts';
import type { PlatformProfile } from './platform-profile.ts';
import type { IPolicyBundle } from './policy-bundle.ts';
import type { McpServiceSizing } from './service-sizing.ts';
import type { SlackConnection } from './slack-connection.ts';
import type { IStateTables } from './state-tables.ts';
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
   * A public edge of your own, in the VPC of the platform. The props above are then its own, and refused here.
   *
   * @default - a new one
   */
  readonly edge?: IPublicEdge;

  // The network.
  /**
   * A VPC that is there already.
   *
   * @default - that of `cluster` or `edge` when one of them is given, else a new one
   */
  readonly vpc?: ec2.IVpc;
  /**
   * How tasks reach AWS and the Internet.
   *
   * @default - by the profile; with a VPC of your own whatever its subnets are
   */
  readonly egress?: Egress;
  /**
   * Where the services run, and tool servers unless they say otherwise, in the VPC of the platform. One of this app is made to know FARGATE and
   * FARGATE_SPOT; one that is imported knows them.
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

  // Who says yes.
  /**
   * Where people are asked about calls that need a yes, beside the page `/approvals` of the gateway's host.
   *
   * @default - nowhere: they look at the page
   */
  readonly slack?: SlackConnection;
  /**
   * How long people have to answer a question. From 2 minutes to 7 days.
   *
   * @default Duration.days(1)
   */
  readonly approvalWait?: cdk.Duration;
  /**
   * How long telling people of a question may take, while Slack is away or takes no more messages. After it the question is taken back. From
   * 2 minutes to a day, and no longer than `approvalWait`.
   *
   * @default - an hour, or `approvalWait` when that is shorter
   */
  readonly noticeTimeout?: cdk.Duration;

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

  /**
   * Who is told when something must be looked at.
   *
   * @default - a new topic in production, which nobody is subscribed to; for development there are no alarms
   */
  readonly alarmTopic?: sns.ITopic;

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
   * Tasks of the approvals service.
   *
   * @default - by the profile
   */
  readonly approvalsSizing?: McpServiceSizing;
  /**
   * Tasks of the registry.
   *
   * @default - by the profile, but one task: while it restarts, what is declared waits, and calls do not
   */
  readonly registrySizing?: McpServiceSizing;
}
