import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import { checkWhole, refuseBeside, shown } from './check-props.ts';
import { checkSubnets } from './check-vpc.ts';
import { Egress } from './egress.ts';
import { synthError } from './synth-error.ts';

/** Where the services of a platform run. */
export interface IPlatformNetwork extends IConstruct {
  /** Where everything is. */
  readonly vpc: ec2.IVpc;
  /** Subnets of the tasks. */
  readonly taskSubnets: ec2.SubnetSelection;
  /** Whether tasks need a public address, because their subnets have no other way out. */
  readonly assignPublicIp: boolean;

  /**
   * Makes a security group for tasks: nobody comes in, and only HTTPS goes out. To S3 and DynamoDB it goes to public addresses through
   * gateway endpoints, so out is open to every address on that port; names are resolved by the VPC, which no security group filters.
   */
  createTaskSecurityGroup(scope: Construct, id: string, description: string): ec2.SecurityGroup;
}

/** A network to make, or one that is there. */
export interface PlatformNetworkProps {
  /**
   * A VPC that is there already. It is taken as it is: with endpoints, gateways and routes of its own.
   *
   * @default - a new one
   */
  readonly vpc?: ec2.IVpc;
  /**
   * How tasks reach AWS and the Internet. With a VPC of your own it only says where the tasks are put, and what it needs has to be there.
   *
   * @default - `Egress.nat()`; with a VPC of your own whatever its subnets are: private with egress, else isolated, else public
   */
  readonly egress?: Egress;
  /**
   * Availability zones of a new VPC. A load balancer needs two. Decide it before the first deployment: another number moves the addresses of
   * subnets, which AWS refuses while they overlap.
   *
   * @default 2
   */
  readonly zones?: number;
  /**
   * Addresses of a new VPC. /16 to /21 leave room for the tasks of a deployment.
   *
   * @default 10.0.0.0/16
   */
  readonly cidr?: string;
  /**
   * Logs the traffic that a new VPC rejects, for a month. Costs 0.50 USD a GB.
   *
   * @default true
   */
  readonly flowLogs?: boolean;
}

/**
 * The network of a platform, or the one that is there. It looks nothing up: synth needs no credentials, with an account and region in the
 * stack's `env` or without. What each egress costs stands at `Egress`.
 */
export class PlatformNetwork extends Construct implements IPlatformNetwork {
  /** The network. */
  readonly vpc: ec2.IVpc;
  /** How tasks reach AWS and the Internet. */
  readonly egress: Egress;
  readonly taskSubnets: ec2.SubnetSelection;
  readonly assignPublicIp: boolean;
  /** Takes HTTPS from the VPC to the interface endpoints. Undefined without them. */
  readonly endpointSecurityGroup: ec2.SecurityGroup | undefined;

  constructor(scope: Construct, id: string, props: PlatformNetworkProps = {}) {
    super(scope, id);
    this.egress = props.egress ?? (props.vpc === undefined ? Egress.nat() : egressOf(props.vpc));
    this.assignPublicIp = this.egress.kind === 'publicSubnets';
    this.taskSubnets = { subnetType: subnetTypeOf(this.egress) };
    if (props.vpc !== undefined) {
      this.checkGivenVpc(props.vpc, props);
      this.vpc = props.vpc;
      return;
    }
    const zones = props.zones ?? 2;
    // A load balancer needs two.
    checkWhole(this, 'zones', zones, 2, 6);
    const { natGateways } = this.egress;
    if (this.egress.kind === 'nat' && !(Number.isInteger(natGateways) && natGateways >= 1 && natGateways <= zones)) {
      throw synthError(
        this,
        `Egress.nat has ${natGateways} gateways for ${zones} zones: give 1 to ${zones}, or choose Egress.endpoints() or Egress.publicSubnets()`,
      );
    }
    const cidr = props.cidr ?? ec2.Vpc.DEFAULT_CIDR_RANGE;
    const vpc = withoutLookup(this, zones, () => this.makeVpc(zones, cidr));
    // lib/tsconfig.json says why a Vpc is not taken for an IVpc everywhere.
    this.vpc = vpc as ec2.IVpc;
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    vpc.addGatewayEndpoint('DynamoDb', { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB });
    if (this.egress.interfaceServices.length > 0) this.endpointSecurityGroup = this.makeEndpoints(vpc, cidr);
    if (props.flowLogs ?? true) this.logRejected(vpc);
  }

  createTaskSecurityGroup(scope: Construct, id: string, description: string): ec2.SecurityGroup {
    return createTaskSecurityGroup(scope, id, this.vpc, description);
  }

  private makeVpc(zones: number, cidr: string): ec2.Vpc {
    const open = { name: 'Public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false };
    const closed = { name: 'Tasks', subnetType: subnetTypeOf(this.egress) };
    try {
      return new ec2.Vpc(this, 'Vpc', {
        ipAddresses: ec2.IpAddresses.cidr(cidr),
        maxAzs: zones,
        natGateways: this.egress.natGateways,
        subnetConfiguration: this.assignPublicIp ? [open] : [open, closed],
        // Closing the default security group takes a function of its own in the stack; nothing here uses that group.
        restrictDefaultSecurityGroup: false,
      });
    } catch (cause) {
      throw synthError(
        this,
        `cidr is ${shown(cidr)}, which gives no network of ${zones} zones (${(cause as Error).message}): give a literal of /16 to /21, e.g. 10.0.0.0/16`,
      );
    }
  }

  private makeEndpoints(vpc: ec2.Vpc, cidr: string): ec2.SecurityGroup {
    const group = new ec2.SecurityGroup(this, 'EndpointSecurityGroup', {
      vpc: this.vpc,
      description: 'Interface endpoints: HTTPS from the VPC',
      allowAllOutbound: false,
    });
    group.addIngressRule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(443), 'Tasks');
    const subnets = vpc.selectSubnets(this.taskSubnets).subnets;
    for (const service of this.egress.interfaceServices) {
      vpc.addInterfaceEndpoint(endpointId(service), {
        service,
        securityGroups: [group],
        open: false,
        subnets: { subnets: this.egress.isSingleZone ? subnets.slice(0, 1) : subnets },
      });
    }
    return group;
  }

  private logRejected(vpc: ec2.Vpc): void {
    const logGroup = new logs.LogGroup(this, 'FlowLogs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('Rejected', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup),
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });
  }

  private checkGivenVpc(vpc: ec2.IVpc, { zones, cidr, flowLogs }: PlatformNetworkProps): void {
    refuseBeside(this, 'vpc', { zones, cidr, flowLogs });
    checkSubnets(this, vpc, this.taskSubnets, 1, 'another egress: Egress.nat(), endpoints() or publicSubnets()');
  }
}

/** As {@link IPlatformNetwork.createTaskSecurityGroup} promises. */
export function createTaskSecurityGroup(
  scope: Construct,
  id: string,
  vpc: ec2.IVpc,
  description: string,
): ec2.SecurityGroup {
  const group = new ec2.SecurityGroup(scope, id, { vpc, description, allowAllOutbound: false });
  group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'AWS services, and whatever the egress reaches');
  return group;
}

function subnetTypeOf({ kind }: Egress): ec2.SubnetType {
  if (kind === 'nat') return ec2.SubnetType.PRIVATE_WITH_EGRESS;
  return kind === 'endpoints' ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PUBLIC;
}

function egressOf(vpc: ec2.IVpc): Egress {
  if (vpc.privateSubnets.length > 0) return Egress.nat();
  return vpc.isolatedSubnets.length > 0 ? Egress.endpoints() : Egress.publicSubnets();
}

function endpointId({ shortName }: ec2.InterfaceVpcEndpointAwsService): string {
  return shortName
    .split(/[^a-z0-9]/i)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/**
 * A VPC asks its stack for the zones. A stack with a concrete account and region would look them up with credentials, and one without names
 * two at most. So for as long as the VPC is made, the stack names as many as are wanted by `Fn::GetAZs`, which AWS answers at deployment.
 * A stack class that names its zones itself is left alone.
 */
function withoutLookup<T>(scope: Construct, zones: number, make: () => T): T {
  const stack = cdk.Stack.of(scope);
  if (getterOf(stack) !== getterOf(cdk.Stack.prototype)) return make();
  const names = Array.from({ length: zones }, (_, index) => cdk.Fn.select(index, cdk.Fn.getAzs()));
  Object.defineProperty(stack, 'availabilityZones', { value: names, configurable: true });
  try {
    return make();
  } finally {
    delete (stack as { availabilityZones?: unknown }).availabilityZones;
  }
}

function getterOf(stack: object | null): unknown {
  if (stack === null) return undefined;
  const own = Object.getOwnPropertyDescriptor(stack, 'availabilityZones');
  return own === undefined ? getterOf(Object.getPrototypeOf(stack)) : own.get;
}
