import { type BalancerListener, type LoadBalancer, startLoadBalancer } from './load-balancer.ts';
import { actionOf, type DeployedListener } from './read-deployment.ts';

/** HAProxy with the deployed listeners, before the addresses of each target group. */
export function startDeployedBalancer(
  listeners: readonly (DeployedListener & { readonly localPort: number })[],
  addresses: ReadonlyMap<string, readonly string[]>,
  certificate: { readonly key: string; readonly cert: string },
): Promise<LoadBalancer> {
  return startLoadBalancer(
    listeners.map(
      ({ localPort, protocol, rules }): BalancerListener => ({
        localPort,
        ...(protocol === 'HTTPS' && { certificate: certificate.cert + certificate.key }),
        rules: rules.map(({ conditions, actions }) => ({
          conditions,
          action: actionOf(
            actions,
            (arn) => addresses.get(arn) ?? [],
            () => {
              throw new Error('the reference deployment verifies no token at the load balancer');
            },
          ),
        })),
      }),
    ),
  );
}
