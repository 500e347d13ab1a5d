import type * as cdk from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ApprovalWorkflow } from './approval-workflow.ts';
import type { McpService } from './mcp-service.ts';
import type { IStateTables } from './state-tables.ts';

/** What of a platform has metrics. */
export interface MeteredPlatform {
  readonly loadBalancer: elbv2.IApplicationLoadBalancer;
  readonly gateway: McpService;
  readonly authorization: McpService;
  readonly registry: McpService;
  readonly approvals: McpService;
  readonly workflow: ApprovalWorkflow;
  readonly stateTables: IStateTables;
}

/** Services that the load balancer knows. */
export type ServedService = 'gateway' | 'authorization' | 'approvals';

/** With fewer requests in a period one error is many per cent, and no trend. */
const requestsMin = 20;

/** The metrics that AWS keeps of a platform's parts. */
export class PlatformMetrics {
  readonly platform: MeteredPlatform;

  constructor(platform: MeteredPlatform) {
    this.platform = platform;
  }

  requests(service: ServedService, period: cdk.Duration): cloudwatch.IMetric {
    return this.total(service, 'requests', (metrics) => metrics.requestCount({ period, statistic: 'Sum' }));
  }

  /** Answers with a status from 500 that the service gave. */
  errors(service: ServedService, period: cdk.Duration): cloudwatch.IMetric {
    const status = elbv2.HttpCodeTarget.TARGET_5XX_COUNT;
    return this.total(service, 'errors', (metrics) => metrics.httpCodeTarget(status, { period, statistic: 'Sum' }));
  }

  /** Of {@link requests}; 0 while there are too few. */
  errorPercent(service: ServedService, period: cdk.Duration): cloudwatch.IMetric {
    return new cloudwatch.MathExpression({
      expression: `IF(requests >= ${requestsMin}, 100 * errors / requests, 0)`,
      usingMetrics: { requests: this.requests(service, period), errors: this.errors(service, period) },
      label: `${service}: 5xx, %`,
      period,
    });
  }

  /** Seconds to the first byte of an answer, at the service's first port: a stream counts when it begins, and a call that people decide when they did. */
  latency(service: ServedService, statistic: string, period: cdk.Duration): cloudwatch.IMetric {
    const [first] = this.platform[service].targetGroups;
    if (first === undefined) throw new Error(`${service} is behind no load balancer`);
    return first.metrics.targetResponseTime({ period, statistic, label: statistic });
  }

  /** Answers with a status from 500 that the load balancer gave for itself. */
  edgeErrors(period: cdk.Duration): cloudwatch.IMetric {
    return this.platform.loadBalancer.metrics.httpCodeElb(elbv2.HttpCodeElb.ELB_5XX_COUNT, {
      period,
      statistic: 'Sum',
      label: '5xx of the load balancer',
    });
  }

  unhealthyTargets(targetGroup: elbv2.ApplicationTargetGroup, period: cdk.Duration): cloudwatch.IMetric {
    return targetGroup.metrics.unhealthyHostCount({ period, statistic: 'Maximum' });
  }

  /** Each running task gives one sample of its CPU a minute. ECS guide, "Service RUNNING task count". */
  runningTasks(service: ecs.FargateService, period: cdk.Duration): cloudwatch.IMetric {
    return service.metricCpuUtilization({ period, statistic: 'SampleCount', label: 'tasks' });
  }

  /** Requests to the table that DynamoDB turned away. */
  throttles(table: string, period: cdk.Duration): cloudwatch.IMetric {
    const of = (metricName: string) =>
      this.platform.stateTables.table(table).metric(metricName, { period, statistic: 'Sum' });
    // In a graph of several tables each id must be one of a kind.
    const [reads, writes] = [`reads_${table}`, `writes_${table}`].map((id) => id.replaceAll('-', '_')) as [
      string,
      string,
    ];
    return new cloudwatch.MathExpression({
      expression: `FILL(${reads}, 0) + FILL(${writes}, 0)`,
      usingMetrics: { [reads]: of('ReadThrottleEvents'), [writes]: of('WriteThrottleEvents') },
      label: table,
      period,
    });
  }

  /** Over all ports of the service. */
  private total(
    service: ServedService,
    what: 'requests' | 'errors',
    metricOf: (metrics: elbv2.IApplicationTargetGroupMetrics) => cloudwatch.Metric,
  ): cloudwatch.MathExpression {
    const metrics = this.platform[service].targetGroups.map(({ metrics: own }) => metricOf(own));
    const period = metrics[0]?.period;
    if (period === undefined) throw new Error(`${service} is behind no load balancer`);
    const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`${what}${index}`, metric]));
    const expression = Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + ');
    return new cloudwatch.MathExpression({ expression, usingMetrics, label: `${service}: ${what}`, period });
  }
}
