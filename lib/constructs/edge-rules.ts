import * as cdk from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct, IConstruct } from 'constructs';
import { checkWhole } from './check-props.ts';
import type { GatewayRouteProps, PathRouteProps } from './edge-routes.ts';
import { JwtClaimFormat, type JwtIssuer } from './jwt-validation.ts';
import { loadBalancerQuotas } from './load-balancer-quotas.ts';
import { pathsOverlap } from './path-overlap.ts';
import { stablePriority } from './stable-priority.ts';
import { synthError } from './synth-error.ts';

export interface EdgeRulesProps {
  readonly listener: elbv2.ApplicationListener;
  readonly mutualTlsListener: elbv2.ApplicationListener | undefined;
  readonly gatewayHost: string;
  readonly authorizationHost: string;
  readonly jwt: JwtIssuer | undefined;
}

// A rule with a lower number is asked first. Each keeps its number whatever else there is; the gaps leave room for rules that a platform adds itself.
const priorities = {
  operation: 10,
  discovery: 100,
  approvals: 1000,
  paths: { min: 2000, max: 39_999 },
  bearer: 40_000,
  gateway: 41_000,
  authorization: 42_000,
};

/** Metrics and what is missing inside are nobody's business on the Internet; load balancers and scrapers ask the tasks directly. */
const operationPaths = ['/metrics', '/readyz'];

/** What a client reads before it has a token, and with any token: discovery, and whether anybody is there. */
const openPaths = ['/.well-known/*', '/healthz', '/servers/*/mcp/server-card'];

/** Of the gateway's host, where people answer and Slack knocks: a route of one's own there would be passed over, or take what is theirs. */
const approvalPaths = ['/approvals', '/approvals/*', '/slack/*'];

/** Wildcards in the conditions of one rule. Elastic Load Balancing, "Quotas for your Application Load Balancers". */
const wildcardsMax = 5;

/** The rules of the public listeners, made when the services behind them are known. */
export class EdgeRules {
  private readonly scope: Construct;
  private readonly props: EdgeRulesProps;
  private readonly takenPaths = new Set<string>();
  private readonly routes = new Map<number, string>();
  private hasGateway = false;
  private hasAuthorization = false;
  private hasApprovals = false;

  constructor(scope: Construct, props: EdgeRulesProps) {
    this.scope = scope;
    this.props = props;
    this.closeOperation('ClosedPaths', props.listener);
    if (props.mutualTlsListener !== undefined) this.closeOperation('MutualTlsClosedPaths', props.mutualTlsListener);
  }

  routeGateway({ targetGroup, mutualTlsTargetGroup }: GatewayRouteProps): void {
    const { listener, mutualTlsListener, gatewayHost, jwt } = this.props;
    if (this.hasGateway) throw synthError(this.scope, 'the gateway is routed already: an edge has one gateway');
    this.hasGateway = true;
    const host = elbv2.ListenerCondition.hostHeaders([gatewayHost]);
    const forward = elbv2.ListenerAction.forward([targetGroup]);
    if (jwt !== undefined) {
      this.rule(
        'Discovery',
        listener,
        priorities.discovery,
        [host, elbv2.ListenerCondition.pathPatterns(openPaths)],
        forward,
        targetGroup,
      );
      // Values are compared without regard to case, as the scheme of RFC 9110 § 11.1 is.
      const bearer = elbv2.ListenerCondition.httpHeader('Authorization', ['Bearer *']);
      const verified = verify(jwt, forward);
      addClaims(this.rule('Bearer', listener, priorities.bearer, [host, bearer], verified, targetGroup), jwt);
    }
    this.rule('Gateway', listener, priorities.gateway, [host], forward, targetGroup);
    if ((mutualTlsListener === undefined) !== (mutualTlsTargetGroup === undefined)) {
      throw synthError(
        this.scope,
        mutualTlsListener === undefined
          ? 'mutualTlsTargetGroup is given, but the edge has no mTLS listener: give the edge mutualTls, or leave the target group away'
          : 'the edge has an mTLS listener, but mutualTlsTargetGroup is missing: give one that leads to the port of its own for clients with a certificate',
      );
    }
    if (mutualTlsListener !== undefined && mutualTlsTargetGroup !== undefined) {
      // The one service behind this port, so the host does not decide; the gateway checks it.
      const any = [elbv2.ListenerCondition.pathPatterns(['/*'])];
      const toCertificatePort = elbv2.ListenerAction.forward([mutualTlsTargetGroup]);
      this.rule(
        'MutualTlsGateway',
        mutualTlsListener,
        priorities.gateway,
        any,
        toCertificatePort,
        mutualTlsTargetGroup,
      );
    }
  }

  routeAuthorization(targetGroup: elbv2.IApplicationTargetGroup): void {
    const { listener, authorizationHost } = this.props;
    if (this.hasAuthorization) {
      throw synthError(this.scope, 'the authorization server is routed already: an edge has one');
    }
    this.hasAuthorization = true;
    const host = elbv2.ListenerCondition.hostHeaders([authorizationHost]);
    const forward = elbv2.ListenerAction.forward([targetGroup]);
    this.rule('Authorization', listener, priorities.authorization, [host], forward, targetGroup);
  }

  routeApprovals(targetGroup: elbv2.IApplicationTargetGroup, paths: string[]): void {
    if (this.hasApprovals) throw synthError(this.scope, 'approvals are routed already: an edge has one such service');
    this.hasApprovals = true;
    this.rulePaths('Approvals', priorities.approvals, { paths, targetGroup });
  }

  routePaths(id: string, props: PathRouteProps): void {
    if ([...this.routes.values()].includes(id)) {
      throw synthError(this.scope, `there is a route ${id} already: give this one another id`);
    }
    const { min, max } = priorities.paths;
    const priority = props.listenerPriority ?? stablePriority(id, priorities.paths);
    checkWhole(this.scope, `listenerPriority of the route ${id}`, priority, min, max);
    const other = this.routes.get(priority);
    if (other !== undefined) {
      throw synthError(
        this.scope,
        `the routes ${other} and ${id} both have the listener rule priority ${priority}: set listenerPriority of one of the two, from ${min} to ${max}`,
      );
    }
    this.routes.set(priority, id);
    this.rulePaths(id, priority, props);
    this.keepApprovalPaths(id, props);
  }

  private keepApprovalPaths(id: string, { paths, host = this.props.gatewayHost }: PathRouteProps): void {
    if (host !== this.props.gatewayHost) return;
    for (const path of paths) {
      const own = approvalPaths.find((each) => pathsOverlap(path, each));
      if (own === undefined) continue;
      throw synthError(
        this.scope,
        `the route ${id} has the path "${path}", and the platform itself answers ${own} of ${host}: give a path that cannot be one of those, or another host`,
      );
    }
  }

  private rulePaths(id: string, priority: number, route: PathRouteProps): void {
    const { paths, targetGroup, host = this.props.gatewayHost } = route;
    this.takePaths(id, host, paths);
    const conditions = [elbv2.ListenerCondition.hostHeaders([host]), elbv2.ListenerCondition.pathPatterns(paths)];
    this.rule(id, this.props.listener, priority, conditions, elbv2.ListenerAction.forward([targetGroup]), targetGroup);
  }

  private takePaths(id: string, host: string, paths: readonly string[]): void {
    const valuesMax = loadBalancerQuotas.conditionValues - 1;
    if (paths.length < 1 || paths.length > valuesMax) {
      throw synthError(
        this.scope,
        `the route ${id} has ${paths.length} paths: give 1 to ${valuesMax}, or add a second route, because a rule has at most ${loadBalancerQuotas.conditionValues} values and the host is one`,
      );
    }
    const wildcards = paths.join('').replace(/[^*?]/g, '').length;
    if (wildcards > wildcardsMax) {
      throw synthError(
        this.scope,
        `the route ${id} has ${wildcards} wildcards: a rule has at most ${wildcardsMax}, so split it`,
      );
    }
    for (const path of paths) {
      if (!path.startsWith('/') || path.length > 128) {
        throw synthError(
          this.scope,
          `the route ${id} has the path "${path}": give one that begins with / and has at most 128 characters`,
        );
      }
      if (this.takenPaths.has(host + path)) {
        throw synthError(
          this.scope,
          `the path ${path} of ${host} is routed twice: take it out of the route ${id} or the other one`,
        );
      }
      this.takenPaths.add(host + path);
    }
  }

  private closeOperation(id: string, listener: elbv2.ApplicationListener): void {
    const closed = elbv2.ListenerAction.fixedResponse(404, {
      contentType: 'text/plain',
      messageBody: 'nothing is here',
    });
    const paths = [elbv2.ListenerCondition.pathPatterns(operationPaths)];
    this.rule(id, listener, priorities.operation, paths, closed, this.scope);
  }

  private rule(
    id: string,
    listener: elbv2.ApplicationListener,
    priority: number,
    conditions: elbv2.ListenerCondition[],
    action: elbv2.ListenerAction,
    target: IConstruct,
  ): elbv2.ApplicationListenerRule {
    // An edge of another stack is known to the services, so it cannot know them: their rules lie in their own stack.
    const scope = cdk.Stack.of(target) === cdk.Stack.of(this.scope) ? this.scope : target;
    return new elbv2.ApplicationListenerRule(scope as Construct, id, { listener, priority, conditions, action });
  }
}

function verify({ issuer, jwksUri }: JwtIssuer, next: elbv2.ListenerAction): elbv2.ListenerAction {
  return elbv2.ListenerAction.authenticateJwt({ issuer, jwksEndpoint: jwksUri, next });
}

// The construct of aws-cdk-lib 2.276 has no prop for them.
function addClaims(rule: elbv2.ApplicationListenerRule, { claims = [] }: JwtIssuer): void {
  if (claims.length === 0) return;
  (rule.node.defaultChild as elbv2.CfnListenerRule).addPropertyOverride(
    'Actions.0.JwtValidationConfig.AdditionalClaims',
    claims.map(({ name, values, format = JwtClaimFormat.SINGLE_STRING }) => ({
      Format: format.value,
      Name: name,
      Values: values,
    })),
  );
}
