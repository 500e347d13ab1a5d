import type * as cdk from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { JwtValidation } from './jwt-validation.ts';
import type { MutualTls } from './mutual-tls.ts';

/** What a public edge is made of. */
export interface PublicEdgeProps {
  /** Network with subnets that the Internet reaches, unless `internetFacing` is false. */
  readonly vpc: ec2.IVpc;
  /** Domain of the platform, e.g. `tools.example.com`: the gateway is `mcp.` and the authorization server `id.` under it. */
  readonly domainName: string;
  /**
   * Host of the gateway.
   *
   * @default - `mcp.{domainName}`
   */
  readonly gatewayHost?: string;
  /**
   * Host of the authorization server.
   *
   * @default - `id.{domainName}`
   */
  readonly authorizationHost?: string;
  /**
   * Public zone of the domain. With it the edge makes the DNS records and, unless one is given, the certificate.
   *
   * @default - none: the records are yours to make, and `certificate` is required
   */
  readonly hostedZone?: route53.IHostedZone;
  /**
   * Certificate for both hosts, in the region of the stack.
   *
   * @default - a new one, validated through `hostedZone`
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Further certificates, for further hosts; at most 25.
   *
   * @default - none
   */
  readonly additionalCertificates?: acm.ICertificate[];
  /**
   * Whether the Internet can reach it. False puts it into the private subnets, for clients in the company's network.
   *
   * @default true
   */
  readonly internetFacing?: boolean;
  /**
   * Subnets of the load balancer, in at least two availability zones.
   *
   * @default - the public ones, or the private ones when not internet-facing
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Addresses that may connect.
   *
   * @default - any
   */
  readonly allowedPeers?: ec2.IPeer[];
  /**
   * Answers plain HTTP on port 80 with a redirect to HTTPS.
   *
   * @default true
   */
  readonly redirectHttp?: boolean;
  /**
   * TLS policy of the listeners; TLS 1.2 is the oldest that is taken.
   *
   * @default SslPolicy.TLS13_12_RES_PQ
   */
  readonly sslPolicy?: elbv2.SslPolicy;
  /**
   * Lets the load balancer turn away bearer tokens that are not of this issuer, before they cost the gateway anything.
   *
   * @default - none: the gateway verifies tokens, and always does
   */
  readonly jwtValidation?: JwtValidation;
  /**
   * Opens a second listener for clients with a certificate.
   *
   * @default - none
   */
  readonly mutualTls?: MutualTls;
  /**
   * Puts AWS WAF in front.
   *
   * @default true
   */
  readonly firewall?: boolean;
  /**
   * Requests that WAF lets one address send in five minutes.
   *
   * @default 10000
   */
  readonly requestsPerAddress?: number;
  /**
   * Rules of the common rule set of WAF that count instead of blocking.
   *
   * @default - the ones that ordinary MCP and OAuth traffic meets
   */
  readonly countedCommonRules?: string[];
  /**
   * Writes access and connection logs.
   *
   * @default true
   */
  readonly accessLogs?: boolean;
  /**
   * Bucket for the logs, encrypted with SSE-S3.
   *
   * @default - a new one, which keeps them for 90 days
   */
  readonly accessLogBucket?: s3.IBucket;
  /**
   * How long a connection may be silent. A stream that sends nothing for longer is cut; up to 4000 seconds.
   *
   * @default Duration.minutes(15)
   */
  readonly idleTimeout?: cdk.Duration;
  /**
   * Refuses to delete the load balancer.
   *
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * Rules that the load balancer may have, by the quota of the account.
   *
   * @default 100
   */
  readonly rulesMax?: number;
}
