/**
 * How the gateway reaches tool servers. The same for a whole platform, and decided before tenants come: both keep a private zone of one name,
 * of which a VPC takes one, and every tool server is deployed anew.
 */
export class ToolRouting {
  /** An internal load balancer with a rule for each server: health checks, draining, and requests per target to scale on. */
  static loadBalancer(): ToolRouting {
    return new ToolRouting('load-balancer');
  }

  /** Addresses of tasks in a private DNS zone. Costs nothing idle; a task that is gone is asked for as long as DNS answers are kept. */
  static discovery(): ToolRouting {
    return new ToolRouting('discovery');
  }

  /** `load-balancer` or `discovery`. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** True with an internal load balancer. */
  get isLoadBalanced(): boolean {
    return this.name === 'load-balancer';
  }
}
