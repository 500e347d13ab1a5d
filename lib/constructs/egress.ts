import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** What NAT gateways there are. */
export interface NatEgressOptions {
  /**
   * NAT gateways, each in a zone of its own. With one, tasks in the other zones lose the Internet and AWS when its zone fails.
   *
   * @default 1
   */
  readonly gateways?: number;
}

/** What endpoints there are. */
export interface EndpointsEgressOptions {
  /**
   * Interface endpoints beside those that Toolgate's own services use.
   *
   * @default - none
   */
  readonly additionalServices?: ec2.InterfaceVpcEndpointAwsService[];
  /**
   * Puts each interface endpoint into one zone only. Halves the price of two zones; calls from the other zone pay 0.01 USD a GB and fail
   * with the zone.
   *
   * @default false
   */
  readonly singleZone?: boolean;
}

/**
 * How tasks reach AWS and the Internet. Prices of us-east-1 for two zones, a month, before traffic.
 *
 * | choice | USD | reaches |
 * |---|---|---|
 * | `Egress.nat()` | 36 a gateway and 0.045 a GB | AWS and the Internet |
 * | `Egress.endpoints()` | 102 (7 endpoints in 2 zones; 51 in one) and 0.01 a GB | AWS services with an endpoint, nothing else |
 * | `Egress.publicSubnets()` | 3.65 a running task | AWS and the Internet |
 *
 * Endpoints do not reach the sign-in pages and the token endpoint of Cognito, which PrivateLink does not carry (Amazon Cognito Developer
 * Guide, "Access Amazon Cognito using an interface endpoint"), nor client metadata documents. So with them the authorization service can
 * sign people in only through an issuer inside the network, and agents come with keys that are registered, not fetched.
 */
export class Egress {
  /** Private subnets behind NAT gateways. The default: the cheapest one that keeps tasks private and reaches everything they need. */
  static nat(options: NatEgressOptions = {}): Egress {
    return new Egress('nat', options.gateways ?? 1, [], false);
  }

  /** Isolated subnets with endpoints for the AWS services that Toolgate uses. Nothing leaves for the Internet. */
  static endpoints(options: EndpointsEgressOptions = {}): Egress {
    const services = [...usedServices(), ...(options.additionalServices ?? [])];
    // One of ours that is asked for once more is one endpoint all the same.
    const once = [...new Map(services.map((service) => [service.shortName, service])).values()];
    return new Egress('endpoints', 0, once, options.singleZone ?? false);
  }

  /**
   * Public subnets: each task has a public address, and its security group lets nobody in but the load balancer. For development, where
   * it is the cheapest below ten tasks.
   */
  static publicSubnets(): Egress {
    return new Egress('publicSubnets', 0, [], false);
  }

  /** `nat`, `endpoints` or `publicSubnets`. */
  readonly kind: string;
  /** How many NAT gateways there are. */
  readonly natGateways: number;
  /** Services with an interface endpoint. */
  readonly interfaceServices: ec2.InterfaceVpcEndpointAwsService[];
  /** Whether interface endpoints are in one zone only. */
  readonly isSingleZone: boolean;

  private constructor(
    kind: string,
    natGateways: number,
    interfaceServices: ec2.InterfaceVpcEndpointAwsService[],
    isSingleZone: boolean,
  ) {
    this.kind = kind;
    this.natGateways = natGateways;
    this.interfaceServices = interfaceServices;
    this.isSingleZone = isSingleZone;
  }
}

/**
 * What Toolgate's services call. No STS: tasks get their credentials from the ECS agent, not over the network. S3 and DynamoDB have
 * gateway endpoints, which are free and always there.
 */
function usedServices(): ec2.InterfaceVpcEndpointAwsService[] {
  const { ECR, ECR_DOCKER, CLOUDWATCH_LOGS, SECRETS_MANAGER, SSM, KMS, STEP_FUNCTIONS } =
    ec2.InterfaceVpcEndpointAwsService;
  return [ECR, ECR_DOCKER, CLOUDWATCH_LOGS, SECRETS_MANAGER, SSM, KMS, STEP_FUNCTIONS];
}
