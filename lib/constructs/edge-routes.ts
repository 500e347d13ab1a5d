import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IConstruct } from 'constructs';

/** The door to the platform as its services see it. */
export interface IPublicEdge extends IConstruct, ec2.IConnectable {
  /** What clients connect to. */
  readonly loadBalancer: elbv2.IApplicationLoadBalancer;
  /** Host of the gateway, e.g. `mcp.example.com`. */
  readonly gatewayHost: string;
  /** Origin of the gateway, without a trailing slash: `https://mcp.example.com`. */
  readonly gatewayUrl: string;
  /** Host of the authorization server, e.g. `id.example.com`. */
  readonly authorizationHost: string;
  /** Origin of the authorization server, which is its issuer: `https://id.example.com`. */
  readonly authorizationUrl: string;
  /** Host and port for clients with a certificate, e.g. `mcp.example.com:8443`; the gateway must answer to it too. Undefined without mTLS. */
  readonly mutualTlsHost: string | undefined;

  /**
   * Sends what comes for the gateway's host to it. Once.
   * @throws Error when it was called before, or the target group for mTLS is missing or superfluous.
   */
  routeGateway(props: GatewayRouteProps): void;

  /**
   * Sends what comes for the authorization server's host to it. Once.
   * @throws Error when it was called before.
   */
  routeAuthorization(targetGroup: elbv2.IApplicationTargetGroup): void;

  /**
   * Sends paths of the gateway's host to where people answer, before the gateway and {@link routePaths} see them. Once.
   * @throws Error when it was called before, or a path is taken.
   */
  routeApprovals(targetGroup: elbv2.IApplicationTargetGroup, paths: string[]): void;

  /**
   * Sends some paths of a host to another service, before the gateway or the authorization server sees them. Paths of the gateway's host that
   * could be `/approvals`, `/approvals/*` or `/slack/*` are the platform's own.
   * @throws Error when the rule has more values or wildcards than a rule may have, or its id, a path or its priority is taken.
   */
  routePaths(id: string, props: PathRouteProps): void;
}

/** Where calls go. */
export interface GatewayRouteProps {
  /** Takes what comes through 443. */
  readonly targetGroup: elbv2.IApplicationTargetGroup;
  /**
   * Takes what comes through the mTLS listener. It leads to a port of its own, the only one whose `X-Amzn-Mtls-*` headers are believed.
   *
   * @default - none; required when the edge has mTLS
   */
  readonly mutualTlsTargetGroup?: elbv2.IApplicationTargetGroup;
}

/** Paths that another service answers. */
export interface PathRouteProps {
  /** Path patterns as the load balancer reads them, e.g. `/registry/*`; at most four. */
  readonly paths: string[];
  /** Takes what comes for them. */
  readonly targetGroup: elbv2.IApplicationTargetGroup;
  /**
   * Whose paths they are.
   *
   * @default - the gateway's host
   */
  readonly host?: string;
  /**
   * Priority of the listener rule, 2000 to 39999, another one for each route. Of two routes that both fit the lower one is asked first.
   *
   * @default - a stable number made from the id of the route
   */
  readonly listenerPriority?: number;
}
