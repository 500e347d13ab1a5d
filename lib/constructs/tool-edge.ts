import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as cloudmap from 'aws-cdk-lib/aws-servicediscovery';
import type { Construct } from 'constructs';
import { gatewayKeysPath, registryKeysPath } from '../../runtime/contract/upstream-issuers.ts';
import { checkHost } from './check-host.ts';
import { checkWhole } from './check-props.ts';
import { ImportedToolEdge } from './imported-tool-edge.ts';
import type { McpService } from './mcp-service.ts';
import { checkPlatformName } from './platform-name.ts';
import { authorizationKeysPath, keysPort, reservedHosts, servicePort } from './service-ports.ts';
import { type IToolEdge, ToolEdgeBase } from './tool-edge-base.ts';
import { ToolRouting } from './tool-routing.ts';

/** What a tool edge is made of. */
export interface ToolEdgeProps {
  /** Name of the platform. */
  readonly platformName: string;
  /** The network. */
  readonly vpc: ec2.IVpc;
  /**
   * Private DNS zone of tool servers.
   *
   * @default - `tools.{platformName}.internal`
   */
  readonly domainName?: string;
  /**
   * How the gateway reaches tool servers.
   *
   * @default ToolRouting.loadBalancer()
   */
  readonly routing?: ToolRouting;
  /**
   * Rules that the internal load balancer may have: fewer leave room for servers of other apps. Each server has a target group of its own, and
   * AWS gives a load balancer no more than 100.
   *
   * @default 100
   */
  readonly rulesMax?: number;
}

/** What another stack needs to know of a tool edge. */
export interface ToolEdgeAttributes {
  /** Name of the platform. */
  readonly platformName: string;
  /** Private DNS zone of tool servers. */
  readonly domainName: string;
  /** How the gateway reaches tool servers. */
  readonly routing: ToolRouting;
  /** Of the tasks of tool servers. */
  readonly membersSecurityGroupId: string;
  /**
   * Of the tasks that may call tool servers.
   *
   * @default - none, with a load balancer
   */
  readonly callersSecurityGroupId?: string;
  /**
   * Where tool servers add their rules.
   *
   * @default - none, with discovery
   */
  readonly listenerArn?: string;
  /**
   * Of the internal load balancer.
   *
   * @default - none, with discovery
   */
  readonly loadBalancerSecurityGroupId?: string;
  /**
   * Of the Cloud Map namespace.
   *
   * @default - none, with a load balancer
   */
  readonly namespaceId?: string;
  /**
   * Rules that the internal load balancer may have.
   *
   * @default 100
   */
  readonly rulesMax?: number;
}

/**
 * The inner side of the platform. Nothing in it is reachable from the Internet, and each door asks for the gateway's own token all the same:
 * this is the network, not the guard.
 */
export class ToolEdge extends ToolEdgeBase {
  /** A tool edge that another stack or app made. */
  static fromToolEdgeAttributes(scope: Construct, id: string, attributes: ToolEdgeAttributes): IToolEdge {
    return new ImportedToolEdge(scope, id, attributes);
  }

  readonly platformName: string;
  readonly domainName: string;
  /** How the gateway reaches tool servers. */
  readonly routing: ToolRouting;
  /** Tasks that may call tool servers: the gateway's and the registry's. */
  readonly callers: ec2.ISecurityGroup;
  readonly members: ec2.ISecurityGroup;
  /** Undefined with discovery. */
  readonly loadBalancer: elbv2.ApplicationLoadBalancer | undefined;
  /** Where tool servers add their rules. Undefined with discovery. */
  readonly listener: elbv2.ApplicationListener | undefined;
  /** Undefined with a load balancer. */
  readonly namespace: cloudmap.PrivateDnsNamespace | undefined;
  protected readonly rulesMax: number;
  private readonly keysListener: elbv2.ApplicationListener | undefined;

  constructor(scope: Construct, id: string, props: ToolEdgeProps) {
    super(scope, id);
    const { vpc } = props;
    this.platformName = checkPlatformName(this, props.platformName);
    this.domainName = checkHost(this, 'domainName', props.domainName ?? `tools.${props.platformName}.internal`);
    this.routing = props.routing ?? ToolRouting.loadBalancer();
    this.rulesMax = props.rulesMax ?? 100;
    checkWhole(this, 'rulesMax', this.rulesMax, 1, 100);
    this.callers = closedGroup(this, 'Callers', vpc, 'Tasks that may call tool servers');
    this.members = closedGroup(this, 'Members', vpc, 'Tasks of tool servers, which may fetch the keys of the gateway');
    if (!this.routing.isLoadBalanced) {
      this.callers.addEgressRule(this.members, ec2.Port.tcp(servicePort), 'Calls of tools');
      this.namespace = new cloudmap.PrivateDnsNamespace(this, 'Namespace', { vpc, name: this.domainName });
      return;
    }
    const securityGroup = closedGroup(this, 'LoadBalancerSecurityGroup', vpc, 'Internal load balancer of tool servers');
    this.callers.connections.allowTo(securityGroup, ec2.Port.tcp(80), 'Calls of tools');
    this.callers.connections.allowTo(securityGroup, ec2.Port.tcp(keysPort), 'Keys of the authorization server');
    this.members.connections.allowTo(securityGroup, ec2.Port.tcp(keysPort), 'Keys of the gateway');
    securityGroup.addEgressRule(this.members, ec2.Port.tcp(servicePort), 'Tool servers');
    this.loadBalancer = new elbv2.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing: false,
      securityGroup,
      dropInvalidHeaderFields: true,
      // Longer than the gateway waits for a tool server, shorter than a tool server keeps an idle connection.
      idleTimeout: cdk.Duration.seconds(70),
    });
    cdk.Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason:
        'Only the gateway and the registry call through it, and each call is in the audit record with more than a log line says.',
    });
    this.listener = this.closedListener(this.loadBalancer, 'Tools', 80);
    this.keysListener = this.closedListener(this.loadBalancer, 'Keys', keysPort);
    const zone = new route53.PrivateHostedZone(this, 'Zone', { vpc, zoneName: this.domainName });
    new route53.ARecord(this, 'AnyServer', {
      zone,
      recordName: `*.${this.domainName}`,
      target: route53.RecordTarget.fromAlias(new targets.LoadBalancerTarget(this.loadBalancer)),
    });
  }

  /** Where the gateway finds the keys of the authorization server, without leaving the network. */
  get authorizationKeysUrl(): string {
    return `${this.ownUrl(reservedHosts.authorization)}${authorizationKeysPath}`;
  }

  /** Makes the key sets of the gateway and the registry, both of which the gateway serves, reachable for tool servers. */
  addGateway(service: McpService): void {
    this.addKeys(service, reservedHosts.gateway, [gatewayKeysPath, registryKeysPath], 1, this.members);
  }

  /** Makes the authorization server's key set reachable for the gateway. */
  addAuthorizationServer(service: McpService): void {
    this.addKeys(service, reservedHosts.authorization, [authorizationKeysPath], 2, this.callers);
  }

  protected get callersSecurityGroupId(): string {
    return this.callers.securityGroupId;
  }

  protected get listenerArn(): string {
    return this.listener?.listenerArn ?? '';
  }

  protected get loadBalancerSecurityGroupId(): string {
    return this.loadBalancer?.connections.securityGroups[0]?.securityGroupId ?? '';
  }

  private addKeys(
    service: McpService,
    host: string,
    paths: string[],
    priority: number,
    readers: ec2.ISecurityGroup,
  ): void {
    if (this.keysListener === undefined) {
      this.discover(service, host);
      service.connections.allowFrom(readers, ec2.Port.tcp(servicePort), 'Key set');
      return;
    }
    new elbv2.ApplicationListenerRule(this, `${host}-keys`, {
      listener: this.keysListener,
      priority,
      conditions: [
        elbv2.ListenerCondition.hostHeaders([`${host}.${this.domainName}`]),
        elbv2.ListenerCondition.pathPatterns(paths),
      ],
      targetGroups: [service.serveTargets(this, `${host}-targets`, servicePort)],
    });
  }

  private closedListener(
    loadBalancer: elbv2.ApplicationLoadBalancer,
    id: string,
    port: number,
  ): elbv2.ApplicationListener {
    return loadBalancer.addListener(id, {
      port,
      // Inside the network calls carry a token of one minute for one server and no cookie; TLS ends at the public edge.
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultAction: elbv2.ListenerAction.fixedResponse(404, {
        contentType: 'text/plain',
        messageBody: 'no such server',
      }),
    });
  }
}

function closedGroup(scope: Construct, id: string, vpc: ec2.IVpc, description: string): ec2.SecurityGroup {
  return new ec2.SecurityGroup(scope, id, { vpc, description, allowAllOutbound: false });
}
