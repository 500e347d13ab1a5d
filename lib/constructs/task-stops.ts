import * as cdk from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface TaskStopsProps {
  readonly namespace: string;
  /** Whose tasks; all in one cluster. */
  readonly services: readonly ecs.FargateService[];
}

/**
 * Keeps why tasks of services stopped, which ECS itself forgets within the hour, and counts those that nobody asked to stop: an end of its
 * own, out of memory, an image or a secret that could not be had.
 */
export class TaskStops extends Construct {
  /** An event a line, as ECS sent it. */
  readonly logGroup: logs.LogGroup;
  private readonly namespace: string;

  constructor(scope: Construct, id: string, { namespace, services }: TaskStopsProps) {
    super(scope, id);
    this.namespace = namespace;
    this.logGroup = new logs.LogGroup(this, 'Events', {
      retention: logs.RetentionDays.THREE_MONTHS,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    const deliver = this.logGroup.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('events.amazonaws.com')],
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    // The L2 target would bring a function to make this policy.
    const rule = new events.Rule(this, 'Rule', {
      description: 'Tasks of the platform that stopped',
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Task State Change'],
        detail: {
          clusterArn: services.slice(0, 1).map(({ cluster }) => cluster.clusterArn),
          group: services.map(({ serviceName }) => `service:${serviceName}`),
          lastStatus: ['STOPPED'],
        },
      },
    });
    rule.addTarget({ bind: () => ({ arn: this.arnForEvents() }) });
    if (deliver.policyDependable !== undefined) rule.node.addDependency(deliver.policyDependable);
    new logs.MetricFilter(this, 'Unwanted', {
      logGroup: this.logGroup,
      filterPattern: logs.FilterPattern.any(
        logs.FilterPattern.stringValue('$.detail.stopCode', '=', 'EssentialContainerExited'),
        logs.FilterPattern.stringValue('$.detail.stopCode', '=', 'TaskFailedToStart'),
      ),
      metricNamespace: namespace,
      metricName: 'UnwantedTaskStops',
      metricValue: '1',
    });
  }

  /** Tasks that nobody asked to stop. */
  metric(period: cdk.Duration): cloudwatch.Metric {
    const { namespace } = this;
    return new cloudwatch.Metric({ namespace, metricName: 'UnwantedTaskStops', period, statistic: 'Sum' });
  }

  /** Without the `:*` that IAM wants at the end. */
  private arnForEvents(): string {
    return cdk.Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: this.logGroup.logGroupName,
      arnFormat: cdk.ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}
