import * as cdk from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import { checkHost } from './check-host.ts';
import { checkDuration, checkWhole, requireProps } from './check-props.ts';
import { checkSubnets } from './check-vpc.ts';
import { EdgeFirewall } from './edge-firewall.ts';
import { EdgeLogs } from './edge-logs.ts';
import type { GatewayRouteProps, IPublicEdge, PathRouteProps } from './edge-routes.ts';
import { EdgeRules } from './edge-rules.ts';
import { loadBalancerQuotas, validateQuotas } from './load-balancer-quotas.ts';
import type { PublicEdgeProps } from './public-edge-props.ts';
import { synthError } from './synth-error.ts';

/**
 * The public door: one Application Load Balancer. 443 takes OAuth clients, 8443 clients with a certificate, and what arrives through one
 * never reaches the port of the other.
 *
 * About 24 USD a month idle (load balancer 16.43, two public addresses 7.30), 5.84 for each LCU in use, and 9 for WAF, us-east-1.
 */
export class PublicEdge extends Construct implements IPublicEdge {
  /** What clients connect to. */
  readonly loadBalancer: elbv2.IApplicationLoadBalancer;
  readonly connections: ec2.Connections;
  /** Of the load balancer. */
  readonly securityGroup: ec2.SecurityGroup;
  /** For both hosts: the one that was given, or one that the hosted zone validates. */
  readonly certificate: acm.ICertificate;
  /** Port 443. */
  readonly listener: elbv2.ApplicationListener;
  /** For clients with a certificate. Undefined without mTLS. */
  readonly mutualTlsListener: elbv2.ApplicationListener | undefined;
  /** Undefined without WAF. */
  readonly firewall: EdgeFirewall | undefined;
  /** Undefined without access logs. */
  readonly logs: EdgeLogs | undefined;
  readonly gatewayHost: string;
  readonly gatewayUrl: string;
  readonly authorizationHost: string;
  readonly authorizationUrl: string;
  readonly mutualTlsHost: string | undefined;
  private readonly rules: EdgeRules;

  constructor(scope: Construct, id: string, props: PublicEdgeProps) {
    super(scope, id);
    requireProps(this, props, ['vpc', 'domainName']);
    const { vpc, mutualTls, internetFacing = true } = props;
    checkHost(this, 'domainName', props.domainName);
    this.gatewayHost = checkHost(this, 'gatewayHost', props.gatewayHost ?? `mcp.${props.domainName}`);
    this.authorizationHost = checkHost(this, 'authorizationHost', props.authorizationHost ?? `id.${props.domainName}`);
    if (this.gatewayHost === this.authorizationHost) {
      throw synthError(
        this,
        `gatewayHost and authorizationHost are both ${this.gatewayHost}: give each a host of its own`,
      );
    }
    this.gatewayUrl = `https://${this.gatewayHost}`;
    this.authorizationUrl = `https://${this.authorizationHost}`;
    this.mutualTlsHost = mutualTls && `${this.gatewayHost}:${mutualTls.port}`;
    this.certificate = props.certificate ?? this.makeCertificate(props.hostedZone);

    const subnets = props.vpcSubnets ?? { subnetType: ec2.SubnetType.PUBLIC };
    if (internetFacing) checkSubnets(this, vpc, subnets, 2, 'internetFacing: false');

    this.securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Public load balancer: in from clients, out to the tasks behind it',
      allowAllOutbound: false,
    });
    const loadBalancer = new elbv2.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing,
      securityGroup: this.securityGroup,
      ...(props.vpcSubnets !== undefined && { vpcSubnets: props.vpcSubnets }),
      idleTimeout: this.idleTimeout(props.idleTimeout ?? cdk.Duration.minutes(15)),
      dropInvalidHeaderFields: true,
      deletionProtection: props.deletionProtection ?? true,
    });
    this.loadBalancer = loadBalancer;
    this.connections = loadBalancer.connections;

    const sslPolicy = this.sslPolicy(props.sslPolicy ?? elbv2.SslPolicy.TLS13_12_RES_PQ);
    const certificates = [this.certificate, ...(props.additionalCertificates ?? [])];
    const closed = { open: false, defaultAction: elbv2.ListenerAction.fixedResponse(404, notHere) };
    this.listener = loadBalancer.addListener('Https', { port: 443, certificates, sslPolicy, ...closed });
    const ports = [443];
    if (mutualTls !== undefined) {
      this.mutualTlsListener = loadBalancer.addListener('MutualTls', {
        port: this.mutualTlsPort(mutualTls.port),
        protocol: elbv2.ApplicationProtocol.HTTPS,
        certificates: [this.certificate],
        sslPolicy,
        mutualAuthentication: mutualTls._bind(this),
        ...closed,
      });
      ports.push(mutualTls.port);
    }
    if (props.redirectHttp ?? true) {
      loadBalancer.addRedirect({ open: false });
      ports.push(80);
    }
    if (props.allowedPeers?.length === 0) {
      throw synthError(
        this,
        'allowedPeers is empty, so nobody could connect: name who may, or leave it out for anybody',
      );
    }
    for (const peer of props.allowedPeers ?? [ec2.Peer.anyIpv4()]) {
      for (const port of ports) this.securityGroup.addIngressRule(peer, ec2.Port.tcp(port), 'Clients');
    }
    if (props.allowedPeers === undefined) {
      cdk.Validations.of(this.securityGroup).acknowledge({
        id: 'AwsSolutions-EC23',
        reason: 'The public door: every caller shows a token or a certificate; allowedPeers narrows who may knock.',
      });
    }
    // The load balancer itself fetches the issuer's keys.
    if (props.jwtValidation)
      this.securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'Keys of the issuer');

    this.rules = new EdgeRules(this, {
      listener: this.listener,
      mutualTlsListener: this.mutualTlsListener,
      gatewayHost: this.gatewayHost,
      authorizationHost: this.authorizationHost,
      jwt: props.jwtValidation?._bind(this, this.authorizationUrl),
    });
    if (props.firewall ?? true) {
      this.firewall = new EdgeFirewall(this, 'Firewall', {
        resourceArn: loadBalancer.loadBalancerArn,
        ...(props.requestsPerAddress !== undefined && { requestsPerAddress: props.requestsPerAddress }),
        ...(props.countedCommonRules !== undefined && { countedCommonRules: props.countedCommonRules }),
      });
    }
    if (props.accessLogs ?? true) {
      const { accessLogBucket: bucket } = props;
      this.logs = new EdgeLogs(this, 'Logs', { loadBalancer, ...(bucket && { bucket }) });
    }
    if (props.hostedZone !== undefined) this.makeRecords(props.hostedZone);
    const { rulesMax = loadBalancerQuotas.rules } = props;
    checkWhole(this, 'rulesMax', rulesMax, 1, 10_000);
    validateQuotas(loadBalancer, rulesMax);
  }

  routeGateway(props: GatewayRouteProps): void {
    this.rules.routeGateway(props);
  }

  routeAuthorization(targetGroup: elbv2.IApplicationTargetGroup): void {
    this.rules.routeAuthorization(targetGroup);
  }

  routeApprovals(targetGroup: elbv2.IApplicationTargetGroup, paths: string[]): void {
    this.rules.routeApprovals(targetGroup, paths);
  }

  routePaths(id: string, props: PathRouteProps): void {
    this.rules.routePaths(id, props);
  }

  private makeCertificate(hostedZone: route53.IHostedZone | undefined): acm.Certificate {
    if (hostedZone === undefined) {
      throw synthError(
        this,
        `there is no certificate for ${this.gatewayHost} and ${this.authorizationHost}: give certificate, or hostedZone, through which one is made and validated`,
      );
    }
    // AWS Certificate Manager API, "RequestCertificate", DomainName.
    if (!cdk.Token.isUnresolved(this.gatewayHost) && this.gatewayHost.length > 64) {
      throw synthError(
        this,
        `${this.gatewayHost} has ${this.gatewayHost.length} characters, and a new certificate is for 64 at most: give a shorter gatewayHost, or certificate`,
      );
    }
    return new acm.Certificate(this, 'Certificate', {
      domainName: this.gatewayHost,
      subjectAlternativeNames: [this.authorizationHost],
      validation: acm.CertificateValidation.fromDns(hostedZone),
    });
  }

  private makeRecords(zone: route53.IHostedZone): void {
    const target = route53.RecordTarget.fromAlias(new targets.LoadBalancerTarget(this.loadBalancer));
    for (const [id, recordName] of [
      ['GatewayRecord', this.gatewayHost],
      ['AuthorizationRecord', this.authorizationHost],
    ] as const) {
      const { zoneName } = zone;
      const isInside = recordName === zoneName || recordName.endsWith(`.${zoneName}`);
      if (!isInside && ![recordName, zoneName].some((name) => cdk.Token.isUnresolved(name))) {
        throw synthError(
          this,
          `${recordName} is not in the hosted zone ${zoneName}: give the zone of that domain, or a certificate and no hostedZone`,
        );
      }
      new route53.ARecord(this, id, { zone, recordName, target });
    }
  }

  private idleTimeout(timeout: cdk.Duration): cdk.Duration {
    checkDuration(this, 'idleTimeout', timeout);
    const seconds = timeout.isUnresolved() ? Number.NaN : timeout.toSeconds({ integral: false });
    if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 4000) return timeout;
    throw synthError(this, `idleTimeout is ${seconds} seconds: give a literal of whole seconds, from 1 to 4000`);
  }

  private sslPolicy(policy: elbv2.SslPolicy): elbv2.SslPolicy {
    if (/-TLS13-1-[23]-/.test(policy)) return policy;
    throw synthError(
      this,
      `sslPolicy is ${policy}, which speaks TLS older than 1.2: give one whose name holds TLS13-1-2 or TLS13-1-3, e.g. SslPolicy.TLS13_12_RES_PQ`,
    );
  }

  private mutualTlsPort(port: number): number {
    if (Number.isInteger(port) && port >= 1 && port <= 65_535 && port !== 80 && port !== 443) return port;
    throw synthError(
      this,
      `the port of mutualTls is ${port}: give one from 1 to 65535 that is not 80 or 443, e.g. 8443`,
    );
  }
}

const notHere: elbv2.FixedResponseOptions = { contentType: 'text/plain', messageBody: 'nothing is here' };
