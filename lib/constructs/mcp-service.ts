import * as cdk from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as cloudmap from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import type { IPlatformNetwork } from './platform-network.ts';
import { checkSizing, type McpServiceSizing } from './service-sizing.ts';
import { startGraceSeconds, stopSeconds } from './stop-times.ts';

/** The one folder of a container that can be written. The image makes it a volume of its own user. */
export const writableFolder = '/var/toolgate';

/** What a service is made of. */
export interface McpServiceProps extends McpServiceSizing {
  /** Where the tasks run. */
  readonly cluster: ecs.ICluster;
  /** An ARM64 image whose process listens on the first of `ports` and answers `/healthz`. */
  readonly image: ecs.ContainerImage;
  /** Variables of the container that are no secrets. */
  readonly environment: { [name: string]: string };
  /**
   * Variables that ECS reads from Secrets Manager when a task starts.
   *
   * @default - none
   */
  readonly secrets?: { [name: string]: ecs.Secret };
  /**
   * Ports that the container listens on.
   *
   * @default - 8080
   */
  readonly ports?: number[];
  /** Subnets of the tasks and their way out. */
  readonly network: IPlatformNetwork;
  /**
   * Security groups beside the service's own.
   *
   * @default - none
   */
  readonly memberOf?: ec2.ISecurityGroup[];
}

/** The one shape of a Toolgate service on Fargate: ARM64, non-root, read-only, scaled, rolled back when it does not start. */
export class McpService extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** What answers. */
  readonly service: ecs.FargateService;
  /** What a task is. */
  readonly taskDefinition: ecs.FargateTaskDefinition;
  /** The one container of a task. */
  readonly container: ecs.ContainerDefinition;
  /** What it logs. */
  readonly logGroup: logs.LogGroup;
  /** What the code may do. */
  readonly taskRole: iam.IRole;
  readonly grantPrincipal: iam.IPrincipal;
  readonly connections: ec2.Connections;
  /** What {@link serveTargets} made, in that order. */
  readonly targetGroups: elbv2.ApplicationTargetGroup[] = [];
  private readonly scaling: ecs.ScalableTaskCount | undefined;
  private readonly network: IPlatformNetwork;
  private readonly requestsPerTargetPerMinute: number;

  constructor(scope: Construct, id: string, props: McpServiceProps) {
    super(scope, id);
    const { cluster, network, ports = [8080] } = props;
    const { cpu, memoryLimitMiB, desiredCount, maxCount, requestsPerTargetPerMinute } = checkSizing(this, props);
    this.network = network;
    // A no-op where it was said; without it ECS refuses the service at deployment. lib/tsconfig.json says why the types differ.
    if ((cluster as unknown) instanceof ecs.Cluster)
      (cluster as unknown as ecs.Cluster).enableFargateCapacityProviders();
    this.requestsPerTargetPerMinute = requestsPerTargetPerMinute;

    this.logGroup = new logs.LogGroup(this, 'Logs', {
      retention: props.logRetention ?? logs.RetentionDays.THREE_MONTHS,
      // The record of what happened is the audit trail, which stays; these lines are for operating the service.
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    this.taskDefinition = new ecs.FargateTaskDefinition(this, 'Task', {
      cpu,
      memoryLimitMiB,
      runtimePlatform: {
        cpuArchitecture: ecs.CpuArchitecture.ARM64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
      volumes: [{ name: 'writable' }],
    });
    this.taskRole = this.taskDefinition.taskRole;
    this.grantPrincipal = this.taskRole;
    const linuxParameters = new ecs.LinuxParameters(this, 'Linux');
    linuxParameters.dropCapabilities(ecs.Capability.ALL);
    this.container = this.taskDefinition.addContainer('Service', {
      image: props.image,
      environment: props.environment,
      ...(props.secrets !== undefined && { secrets: props.secrets }),
      portMappings: ports.map((containerPort) => ({ containerPort })),
      readonlyRootFilesystem: true,
      linuxParameters,
      stopTimeout: cdk.Duration.seconds(stopSeconds.stopTimeout),
      logging: ecs.LogDriver.awsLogs({
        logGroup: this.logGroup,
        streamPrefix: 'task',
        // A log group that gives no answer must not stop calls.
        mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      }),
    });
    acknowledgeFindings(this.taskDefinition);
    this.container.addMountPoints({ containerPath: writableFolder, sourceVolume: 'writable', readOnly: false });

    const ownSecurityGroup = network.createTaskSecurityGroup(this, 'SecurityGroup', 'Tasks of one service');
    this.service = new ecs.FargateService(this, 'Service', {
      cluster,
      taskDefinition: this.taskDefinition,
      securityGroups: [ownSecurityGroup],
      vpcSubnets: network.taskSubnets,
      assignPublicIp: network.assignPublicIp,
      circuitBreaker: { enable: true, rollback: true },
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      enableECSManagedTags: true,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      capacityProviderStrategies: [{ capacityProvider: props.spot === true ? 'FARGATE_SPOT' : 'FARGATE', weight: 1 }],
      // With scaling the number is scaling's: a deployment that set it would throw busy tasks away.
      ...(maxCount === desiredCount && { desiredCount }),
    });
    this.connections = ownSecurityGroup.connections;
    this.join(props.memberOf ?? []);
    if (maxCount > desiredCount) {
      this.scaling = this.service.autoScaleTaskCount({ minCapacity: desiredCount, maxCapacity: maxCount });
      this.scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
    }
  }

  /**
   * By the L1: the L2 would let whatever comes to this service into every member of the groups, and a group of many services is only
   * about where they may go.
   */
  private join(groups: readonly ec2.ISecurityGroup[]): void {
    if (groups.length === 0) return;
    const own = this.connections.securityGroups;
    (this.service.node.defaultChild as ecs.CfnService).addPropertyOverride(
      'NetworkConfiguration.AwsvpcConfiguration.SecurityGroups',
      [...own, ...groups].map(({ securityGroupId }) => securityGroupId),
    );
  }

  /**
   * Serves requests of a load balancer from `port`. The target group lies in `scope`, so that a rule in another stack can own it.
   * Security group rules follow from the listener that the target group is put behind.
   */
  serveTargets(scope: Construct, id: string, port: number): elbv2.ApplicationTargetGroup {
    const targetGroup = new elbv2.ApplicationTargetGroup(scope, id, {
      vpc: this.network.vpc,
      port,
      protocol: elbv2.ApplicationProtocol.HTTP,
      targetType: elbv2.TargetType.IP,
      deregistrationDelay: cdk.Duration.seconds(stopSeconds.deregistrationDelay),
      loadBalancingAlgorithmType: elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: {
        path: '/healthz',
        interval: cdk.Duration.seconds(15),
        timeout: cdk.Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
    });
    const target = this.service.loadBalancerTarget({
      containerName: this.container.containerName,
      containerPort: port,
    });
    targetGroup.addTarget(target);
    // By the L1: ECS refuses a grace period for a service that is behind no load balancer.
    (this.service.node.defaultChild as ecs.CfnService).healthCheckGracePeriodSeconds = startGraceSeconds;
    this.targetGroups.push(targetGroup);
    return targetGroup;
  }

  /** Lets `name` in the namespace lead to the addresses of the tasks. */
  discoverAs(namespace: cloudmap.IPrivateDnsNamespace, name: string): void {
    this.service.enableCloudMap({
      cloudMapNamespace: namespace,
      name,
      dnsRecordType: cloudmap.DnsRecordType.A,
      dnsTtl: cdk.Duration.seconds(10),
    });
  }

  /** Scales on the requests that `targetGroup` brings, beside CPU. Call it once the target group is behind a listener. */
  scaleOnRequests(id: string, targetGroup: elbv2.ApplicationTargetGroup): void {
    this.scaling?.scaleOnRequestCount(id, { requestsPerTarget: this.requestsPerTargetPerMinute, targetGroup });
  }
}

function acknowledgeFindings(taskDefinition: ecs.TaskDefinition): void {
  cdk.Validations.of(taskDefinition).acknowledge({
    id: 'AwsSolutions-ECS2',
    reason: 'These variables are addresses, names and limits; what is secret comes from Secrets Manager.',
  });
  cdk.Validations.of(taskDefinition.obtainExecutionRole()).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'ecr:GetAuthorizationToken knows no resources; the role pulls from one repository.',
  });
}
