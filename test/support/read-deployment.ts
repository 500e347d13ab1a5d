import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  ListClustersCommand,
  ListServicesCommand,
} from '@aws-sdk/client-ecs';
import {
  type Action,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  type Rule,
  type RuleCondition,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { PolicyDocument } from './iam-policy.ts';
import type { BalancerAction, BalancerCondition } from './load-balancer.ts';
import type { Ministack } from './ministack.ts';

/** One ECS service as it was deployed. */
export interface DeployedService {
  /** Logical name: the container's, e.g. `gateway`. */
  readonly name: string;
  readonly image: string;
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

export async function readServices(emulator: Ministack): Promise<DeployedService[]> {
  const ecs = new ECSClient(connection(emulator));
  const iam = new IAMClient(connection(emulator));
  const secrets = new SecretsManagerClient(connection(emulator));
  try {
    const { clusterArns = [] } = await ecs.send(new ListClustersCommand({}));
    const found: DeployedService[] = [];
    for (const cluster of clusterArns) {
      const { serviceArns = [] } = await ecs.send(new ListServicesCommand({ cluster, maxResults: 100 }));
      if (serviceArns.length === 0) continue;
      const { services = [] } = await ecs.send(new DescribeServicesCommand({ cluster, services: serviceArns }));
      for (const { taskDefinition, loadBalancers = [] } of services) {
        const { taskDefinition: task } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
        const [container] = task?.containerDefinitions ?? [];
        if (container === undefined) throw new Error(`${taskDefinition} has no container`);
        const lookedUp = await Promise.all(
          (container.secrets ?? []).map(async ({ name, valueFrom }) => [
            name,
            await secretOf(secrets, valueFrom ?? ''),
          ]),
        );
        found.push({
          name: container.name ?? '',
          image: container.image ?? '',
          environment: Object.fromEntries((container.environment ?? []).map(({ name, value }) => [name, value ?? ''])),
          secrets: Object.fromEntries(lookedUp),
          policies: await policiesOf(iam, task?.taskRoleArn ?? ''),
          targets: loadBalancers.map(({ targetGroupArn = '', containerPort = 0 }) => ({
            targetGroupArn,
            port: containerPort,
          })),
        });
      }
    }
    return found;
  } finally {
    for (const client of [ecs, iam, secrets]) client.destroy();
  }
}

/** ECS developer guide, "Pass Secrets Manager secrets": ARN, then optionally a JSON key, a stage and a version. */
async function secretOf(client: SecretsManagerClient, valueFrom: string): Promise<string> {
  const parts = valueFrom.split(':');
  const [arn, key] = [parts.slice(0, 7).join(':'), parts[7] ?? ''];
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return key === '' ? SecretString : String(JSON.parse(SecretString)[key]);
}

async function policiesOf(iam: IAMClient, roleArn: string): Promise<PolicyDocument[]> {
  const RoleName = roleArn.split('/').at(-1);
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  if (AttachedPolicies.length > 0) throw new Error(`${RoleName} has managed policies, which nobody evaluates here`);
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  return Promise.all(
    PolicyNames.map(async (PolicyName) => {
      const { PolicyDocument: text = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return JSON.parse(text.startsWith('%7B') ? decodeURIComponent(text) : text) as PolicyDocument;
    }),
  );
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
