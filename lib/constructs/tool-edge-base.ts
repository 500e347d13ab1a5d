import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as cloudmap from 'aws-cdk-lib/aws-servicediscovery';
import { Construct, type IConstruct } from 'constructs';
import { gatewayKeysPath, registryKeysPath } from '../../runtime/contract/upstream-issuers.ts';
import { checkWhole } from './check-props.ts';
import type { McpService } from './mcp-service.ts';
import { keysPort, reservedHosts, servicePort } from './service-ports.ts';
import { stablePriority } from './stable-priority.ts';
import { synthError } from './synth-error.ts';
import { claim, countClaims } from './tool-claims.ts';
import type { ToolRouting } from './tool-routing.ts';

/** The inner side of the platform: what stands between the gateway and tool servers. */
export interface IToolEdge extends IConstruct {
  /** The platform it belongs to. */
  readonly platformName: string;
  /** Private DNS zone; a tool server's host is `{name}.{domainName}`. */
  readonly domainName: string;
  /** How the gateway reaches tool servers. */
  readonly routing: ToolRouting;
  /** Tasks of tool servers, which may fetch the key sets of upstream tokens. */
  readonly members: ec2.ISecurityGroup;
  /** Where tool servers find the keys of the gateway's tokens. */
  readonly gatewayKeysUrl: string;
  /** Where tool servers find the keys of the registry's tokens: at the gateway too. */
  readonly registryKeysUrl: string;
  /** Origin at which `serverName` is called, without a path. */
  serverUrl(serverName: string): string;
  /** The security group `members` for tasks in the stack of `scope`, which cannot change it. */
  memberGroup(scope: Construct): ec2.ISecurityGroup;
  /** Routes `{name}.{domainName}` to a service, with everything that takes in the stack of `scope`. */
  addServer(scope: Construct, route: ToolRoute): void;
}

/** How one tool server is reached. */
export interface ToolRoute {
  /** Name of the server. */
  readonly name: string;
  /** What answers. */
  readonly service: McpService;
  /**
   * Priority of the listener rule, 1 to 49999, another one for each server of a platform.
   *
   * @default - a stable number made from the name
   */
  readonly listenerPriority?: number;
}

// Elastic Load Balancing, "Quotas for your Application Load Balancers": this one cannot be raised.
const targetGroupsMax = 100;
// The two rules of the key sets.
const ownRules = 2;
const serverRules = { min: 1, max: 49_999 };

/**
 * What is common to a tool edge made here and to one of another stack.
 * @internal
 */
export abstract class ToolEdgeBase extends Construct implements IToolEdge {
  abstract readonly platformName: string;
  abstract readonly domainName: string;
  abstract readonly routing: ToolRouting;
  abstract readonly members: ec2.ISecurityGroup;
  protected abstract readonly callersSecurityGroupId: string;
  protected abstract readonly listenerArn: string;
  protected abstract readonly loadBalancerSecurityGroupId: string;
  /** Where services are discovered. Undefined with a load balancer. */
  abstract readonly namespace: cloudmap.IPrivateDnsNamespace | undefined;
  protected abstract readonly rulesMax: number;

  get gatewayKeysUrl(): string {
    return `${this.ownUrl(reservedHosts.gateway)}${gatewayKeysPath}`;
  }

  get registryKeysUrl(): string {
    return `${this.ownUrl(reservedHosts.gateway)}${registryKeysPath}`;
  }

  serverUrl(serverName: string): string {
    return `http://${serverName}.${this.domainName}${this.routing.isLoadBalanced ? '' : `:${servicePort}`}`;
  }

  addServer(scope: Construct, route: ToolRoute): void {
    claim(scope, this.platformName, 'server', route.name);
    if (!this.routing.isLoadBalanced) {
      this.discover(route.service, route.name);
      const callers = immutable(scope, 'Callers', this.callersSecurityGroupId);
      route.service.connections.allowFrom(callers, ec2.Port.tcp(servicePort));
      return;
    }
    const priority = this.claimPriority(scope, route);
    const targetGroup = route.service.serveTargets(scope, 'Targets', servicePort);
    new elbv2.ApplicationListenerRule(scope, 'Route', {
      // Seen from outside, so that the rules of a server's security group lie in the server's own stack.
      listener: elbv2.ApplicationListener.fromApplicationListenerAttributes(scope, 'Listener', {
        listenerArn: this.listenerArn,
        securityGroup: immutable(scope, 'ToolEdge', this.loadBalancerSecurityGroupId),
      }),
      priority,
      conditions: [elbv2.ListenerCondition.hostHeaders([`${route.name}.${this.domainName}`])],
      targetGroups: [targetGroup],
    });
    route.service.scaleOnRequests('Requests', targetGroup);
  }

  /** Origin of a service of the platform itself, as far as it is reached from inside. */
  protected ownUrl(host: string): string {
    return `http://${host}.${this.domainName}:${this.routing.isLoadBalanced ? keysPort : servicePort}`;
  }

  protected discover(service: McpService, name: string): void {
    if (this.namespace === undefined) throw synthError(this, 'has no namespace to discover services in');
    service.discoverAs(this.namespace, name);
  }

  private claimPriority(scope: Construct, route: ToolRoute): number {
    const priority = route.listenerPriority ?? stablePriority(route.name, serverRules);
    checkWhole(scope, 'listenerPriority', priority, serverRules.min, serverRules.max);
    claim(scope, this.platformName, 'priority', priority);
    const servers = countClaims(scope, this.platformName, 'server');
    const serversMax = Math.min(this.rulesMax, targetGroupsMax) - ownRules;
    if (servers > serversMax) {
      throw synthError(
        scope,
        `is tool server ${servers} of the platform ${this.platformName}, whose internal load balancer has room for ${serversMax}: ` +
          'open a second platform, or route by ToolRouting.discovery(), which has no load balancer',
      );
    }
    return priority;
  }

  memberGroup(scope: Construct): ec2.ISecurityGroup {
    return immutable(scope, 'Members', this.members.securityGroupId);
  }
}

function immutable(scope: Construct, id: string, securityGroupId: string): ec2.ISecurityGroup {
  return ec2.SecurityGroup.fromSecurityGroupId(scope, id, securityGroupId, { mutable: false });
}
