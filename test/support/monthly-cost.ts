// What a template costs in a month in which nobody calls, by list prices of us-east-1 in November 2026. docs/cost.md is held to it.

/** One priced thing of a template. */
export interface CostLine {
  readonly what: string;
  readonly count: number;
  /** USD a month for one. */
  readonly each: number;
}

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of any resource type.
  readonly Properties?: any;
}

type Resources = Readonly<Record<string, Resource>>;

const hours = 730;
/** Fargate on ARM64, USD an hour. Spare capacity varies with the day; 70 % off is the usual. */
const fargate = { vcpu: 0.03238, gigabyte: 0.00356, spotShare: 0.3 };

/** USD a month, for resources that cost something while they only stand there. */
const prices: Readonly<Record<string, number>> = {
  'AWS::EC2::NatGateway': 0.045 * hours,
  'AWS::EC2::EIP': 0.005 * hours,
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 0.0225 * hours,
  'AWS::ElasticLoadBalancingV2::TrustStore': 0.0056 * hours,
  'AWS::KMS::Key': 1,
  'AWS::SecretsManager::Secret': 0.4,
  'AWS::Route53::HostedZone': 0.5,
  'AWS::ServiceDiscovery::PrivateDnsNamespace': 0.5,
  'AWS::CloudWatch::Alarm': 0.1,
};

const names: Readonly<Record<string, string>> = {
  'AWS::EC2::NatGateway': 'NAT gateway',
  'AWS::EC2::EIP': 'public address of a NAT gateway',
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 'load balancer, without traffic',
  'AWS::ElasticLoadBalancingV2::TrustStore': 'trust store',
  'AWS::KMS::Key': 'KMS key',
  'AWS::SecretsManager::Secret': 'secret',
  'AWS::Route53::HostedZone': 'private DNS zone',
  'AWS::ServiceDiscovery::PrivateDnsNamespace': 'private DNS zone',
  'AWS::CloudWatch::Alarm': 'alarm',
};

/** Types that cost nothing, or nothing until something happens. One that is in neither list is a failure, so that none slips in. */
const free = new RegExp(
  `^AWS::(?:${[
    'ApplicationAutoScaling::.*',
    'Athena::.*',
    'CertificateManager::Certificate',
    'Cognito::.*',
    'CloudWatch::(?:CompositeAlarm|Dashboard)',
    'DynamoDB::GlobalTable',
    'EC2::(?:VPC|Subnet|RouteTable|SubnetRouteTableAssociation|Route|InternetGateway|VPCGatewayAttachment|FlowLog|SecurityGroup.*)',
    'ECS::(?:Cluster|ClusterCapacityProviderAssociations|TaskDefinition)',
    'ElasticLoadBalancingV2::(?:Listener|ListenerRule|ListenerCertificate|TargetGroup|TrustStoreRevocation)',
    'Events::Rule',
    'Glue::.*',
    'IAM::.*',
    'KMS::Alias',
    'Lambda::.*',
    'Logs::.*',
    'Route53::RecordSet',
    'S3::.*',
    'SNS::.*',
    'SSM::Parameter',
    'StepFunctions::StateMachine',
    'ServiceDiscovery::Service',
    'WAFv2::WebACLAssociation',
  ].join('|')})$`,
);

/** Every line of the month, in the order of the bill. Throws for a resource type that nobody has priced. */
export function monthlyCost(resources: Resources): readonly CostLine[] {
  const lines: CostLine[] = [];
  const add = (what: string, count: number, each: number) => {
    const index = lines.findIndex((line) => line.what === what && line.each === each);
    if (index < 0) lines.push({ what, count, each });
    else lines[index] = { what, each, count: count + (lines[index] as CostLine).count };
  };
  for (const [id, { Type, Properties = {} }] of Object.entries(resources)) {
    const price = prices[Type];
    if (price !== undefined) add(names[Type] ?? Type, 1, price);
    if (Type === 'AWS::ElasticLoadBalancingV2::LoadBalancer' && Properties.Scheme === 'internet-facing') {
      add('public address of the load balancer', Properties.Subnets.length, 0.005 * hours);
    } else if (Type === 'AWS::EC2::VPCEndpoint') {
      if (Properties.VpcEndpointType === 'Interface') {
        add('interface endpoint in one zone', Properties.SubnetIds.length, 0.01 * hours);
      }
    } else if (Type === 'AWS::WAFv2::WebACL') {
      add('WAF list', 1, 5);
      add('WAF rule', Properties.Rules.length, 1);
    } else if (Type === 'AWS::ECS::Service') {
      addTasks(id, Properties, resources, add);
    } else if (price === undefined && !free.test(Type)) {
      throw new Error(`${id} is a ${Type}, and test/support/monthly-cost.ts does not say what that costs`);
    }
  }
  return lines;
}

/** USD a month of all lines, rounded. */
export function total(lines: readonly CostLine[]): number {
  return Math.round(lines.reduce((sum, { count, each }) => sum + count * each, 0));
}

function addTasks(
  id: string,
  service: NonNullable<Resource['Properties']>,
  resources: Resources,
  add: (what: string, count: number, each: number) => void,
): void {
  const task = resources[service.TaskDefinition.Ref]?.Properties;
  const count = service.DesiredCount ?? leastTasks(id, resources);
  const isSpot = service.CapacityProviderStrategy[0].CapacityProvider === 'FARGATE_SPOT';
  const hourly = (task.Cpu / 1024) * fargate.vcpu + (task.Memory / 1024) * fargate.gigabyte;
  const size = `${task.Cpu / 1024} vCPU, ${task.Memory / 1024} GB`;
  add(`task, ${size}${isSpot ? ', spare capacity' : ''}`, count, hourly * hours * (isSpot ? fargate.spotShare : 1));
  const { AssignPublicIp } = service.NetworkConfiguration.AwsvpcConfiguration;
  if (AssignPublicIp === 'ENABLED') add('public address of a task', count, 0.005 * hours);
}

/** With scaling, the number of tasks is the least that scaling keeps. */
function leastTasks(service: string, resources: Resources): number {
  const targets = Object.values(resources).filter(({ Type }) => Type === 'AWS::ApplicationAutoScaling::ScalableTarget');
  const own = targets.find(({ Properties }) => JSON.stringify(Properties.ResourceId).includes(`"${service}"`));
  if (own === undefined) throw new Error(`${service} has neither a number of tasks nor scaling`);
  return own.Properties.MinCapacity;
}
