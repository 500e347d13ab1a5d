import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  type Action,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  type Rule,
  type RuleCondition,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { askEmulator } from './ask-emulator.ts';
import type { PolicyDocument } from './iam-policy.ts';
import type { BalancerAction, BalancerCondition } from './load-balancer.ts';
import type { Ministack } from './ministack.ts';

/** One ECS service as it was deployed. */
export interface DeployedService {
  /** Its last part, after the colon, is the hash of the asset that it was built from. */
  readonly image: string;
  readonly desiredCount: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Names of variables that come from Secrets Manager, already looked up. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What its task role may do, resolved. */
  readonly policies: readonly PolicyDocument[];
  /** Target groups that lead to it, with the container's port. */
  readonly targets: readonly { readonly targetGroupArn: string; readonly port: number }[];
}

/** One listener as it was deployed; the rule without conditions is the default. */
export interface DeployedListener {
  readonly loadBalancerArn: string;
  readonly isInternal: boolean;
  readonly port: number;
  readonly protocol: string;
  readonly isMutualTls: boolean;
  readonly rules: readonly { readonly conditions: readonly BalancerCondition[]; readonly actions: readonly Action[] }[];
}

function connection({ endpoint, region, credentials }: Ministack) {
  return { endpoint, region, credentials };
}

export async function readServices(
  emulator: Ministack,
  policies: ReadonlyMap<string, readonly PolicyDocument[]>,
): Promise<DeployedService[]> {
  const secrets = new SecretsManagerClient(connection(emulator));
  try {
    const { clusterArns } = (await askEcs(emulator, 'ListClusters', {})) as { clusterArns: string[] };
    const found: DeployedService[] = [];
    for (const cluster of clusterArns) {
      const { serviceArns } = (await askEcs(emulator, 'ListServices', { cluster, maxResults: 100 })) as {
        serviceArns: string[];
      };
      if (serviceArns.length === 0) continue;
      const { services } = (await askEcs(emulator, 'DescribeServices', { cluster, services: serviceArns })) as {
        services: EcsService[];
      };
      for (const { taskDefinition, loadBalancers = [], desiredCount } of services) {
        const { taskDefinition: task } = (await askEcs(emulator, 'DescribeTaskDefinition', { taskDefinition })) as {
          taskDefinition: TaskDefinition;
        };
        const [container] = task.containerDefinitions;
        if (container === undefined) throw new Error(`${taskDefinition} has no container`);
        const lookedUp: [string, string][] = [];
        for (const { name, valueFrom } of container.secrets ?? [])
          lookedUp.push([name, await secretOf(secrets, valueFrom)]);
        found.push({
          image: container.image,
          environment: Object.fromEntries((container.environment ?? []).map(({ name, value }) => [name, value])),
          secrets: Object.fromEntries(lookedUp),
          policies: policies.get(task.taskRoleArn.split('/').at(-1) ?? '') ?? [],
          desiredCount,
          targets: loadBalancers.map(({ targetGroupArn, containerPort }) => ({ targetGroupArn, port: containerPort })),
        });
      }
    }
    return found;
  } finally {
    secrets.destroy();
  }
}

interface EcsService {
  readonly taskDefinition: string;
  readonly desiredCount: number;
  readonly loadBalancers?: readonly { readonly targetGroupArn: string; readonly containerPort: number }[];
}

interface TaskDefinition {
  readonly taskRoleArn: string;
  readonly containerDefinitions: readonly {
    readonly image: string;
    readonly environment?: readonly { readonly name: string; readonly value: string }[];
    readonly secrets?: readonly { readonly name: string; readonly valueFrom: string }[];
  }[];
}

/** Not by the client, which drops what ministack leaves in CloudFormation's case (`Name`, `ValueFrom`). */
async function askEcs(emulator: Ministack, operation: string, input: object): Promise<unknown> {
  return inCamelCase(await askEmulator(emulator, 'ecs', `AmazonEC2ContainerServiceV20141113.${operation}`, input));
}

function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key.charAt(0).toLowerCase() + key.slice(1), inCamelCase(member)]),
  );
}

/** ECS developer guide, "Pass Secrets Manager secrets": ARN, then optionally a JSON key, a stage and a version. */
async function secretOf(client: SecretsManagerClient, valueFrom: string): Promise<string> {
  // ministack gives a secret's name where CloudFormation gives its ARN.
  const parts = valueFrom.startsWith('arn:') ? valueFrom.split(':') : [valueFrom];
  const [arn, key] = [parts.slice(0, 7).join(':'), parts[7] ?? ''];
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return key === '' ? SecretString : String(JSON.parse(SecretString)[key]);
}

/** Reads the outputs of every stack: what a template says only in references. */
export async function readOutputs(emulator: Ministack): Promise<(stack: string, output: string) => string> {
  const cloudFormation = new CloudFormationClient(connection(emulator));
  try {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({}));
    const values = new Map(
      Stacks.flatMap(({ StackName, Outputs = [] }) =>
        Outputs.map(({ OutputKey, OutputValue = '' }) => [`${StackName} ${OutputKey}`, OutputValue] as const),
      ),
    );
    return (stack, output) => {
      const value = values.get(`${stack} ${output}`);
      if (value === undefined || value === '') throw new Error(`the stack ${stack} has no output ${output}`);
      return value;
    };
  } finally {
    cloudFormation.destroy();
  }
}

export async function readListeners(emulator: Ministack): Promise<DeployedListener[]> {
  const elb = new ElasticLoadBalancingV2Client(connection(emulator));
  try {
    const { LoadBalancers = [] } = await elb.send(new DescribeLoadBalancersCommand({}));
    const found: DeployedListener[] = [];
    for (const { LoadBalancerArn = '', Scheme } of LoadBalancers) {
      const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }));
      for (const { ListenerArn, Port = 0, Protocol = '', MutualAuthentication } of Listeners) {
        const { Rules = [] } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
        found.push({
          loadBalancerArn: LoadBalancerArn,
          isInternal: Scheme === 'internal',
          port: Port,
          protocol: Protocol,
          isMutualTls: MutualAuthentication?.Mode === 'verify',
          rules: [...Rules].sort(byPriority).map(({ Conditions = [], Actions = [] }) => ({
            conditions: Conditions.map(conditionOf),
            actions: Actions,
          })),
        });
      }
    }
    return found;
  } finally {
    elb.destroy();
  }
}

function byPriority(a: Rule, b: Rule): number {
  const number = ({ Priority }: Rule) => (Priority === 'default' ? Number.POSITIVE_INFINITY : Number(Priority));
  return number(a) - number(b);
}

function conditionOf(condition: RuleCondition): BalancerCondition {
  const { Field, Values = [] } = condition;
  switch (Field) {
    case 'host-header':
      return { field: Field, values: condition.HostHeaderConfig?.Values ?? Values };
    case 'path-pattern':
      return { field: Field, values: condition.PathPatternConfig?.Values ?? Values };
    case 'http-request-method':
      return { field: Field, values: condition.HttpRequestMethodConfig?.Values ?? Values };
    case 'http-header': {
      const { HttpHeaderName = '', Values: values = [] } = condition.HttpHeaderConfig ?? {};
      return { field: Field, name: HttpHeaderName, values };
    }
    default:
      throw new Error(`a rule has the condition ${Field}, which nobody plays here`);
  }
}

/** What a rule does, with the addresses behind its target groups. */
export function actionOf(
  actions: readonly Action[],
  addressesOf: (targetGroupArn: string) => readonly string[],
  jwtKey: () => string,
): BalancerAction {
  const last = actions.at(-1);
  const isVerifying = actions.some(({ Type }) => (Type as string) === 'jwt-validation');
  switch (last?.Type) {
    case 'fixed-response': {
      const { StatusCode, ContentType = 'text/plain', MessageBody = '' } = last.FixedResponseConfig ?? {};
      return { type: 'fixed-response', status: Number(StatusCode), contentType: ContentType, body: MessageBody };
    }
    case 'redirect':
      return { type: 'redirect', status: last.RedirectConfig?.StatusCode === 'HTTP_301' ? 301 : 302 };
    case 'forward': {
      const arns = last.TargetGroupArn ?? last.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn ?? '';
      return { type: 'forward', addresses: addressesOf(arns), ...(isVerifying && { jwtKey: jwtKey() }) };
    }
    default:
      throw new Error(`a rule has the action ${last?.Type}, which nobody plays here`);
  }
}
