import * as cdk from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { failureCodes } from './log-lines.ts';
import type { FailingPart, LogMetrics, Trouble } from './log-metrics.ts';
import type { PlatformMetrics, ServedService } from './platform-metrics.ts';

export interface PlatformDashboardProps {
  readonly metrics: PlatformMetrics;
  readonly logMetrics: LogMetrics;
  readonly alarms: readonly cloudwatch.Alarm[];
}

const period = cdk.Duration.minutes(1);
const troubles: readonly Trouble[] = [
  'auditStorage',
  'auditLost',
  'checkpoints',
  'policy',
  'signingKeys',
  'registration',
  'people',
];

/** One page, in the order in which one asks: is something wrong, for whom, because of what, and is there room left. */
export class PlatformDashboard extends Construct {
  readonly dashboard: cloudwatch.Dashboard;
  private readonly props: PlatformDashboardProps;

  constructor(scope: Construct, id: string, props: PlatformDashboardProps) {
    super(scope, id);
    this.props = props;
    this.dashboard = new cloudwatch.Dashboard(this, 'Page', { defaultInterval: cdk.Duration.hours(3) });
    this.dashboard.addWidgets(
      new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: 24, height: 5 }),
    );
    this.dashboard.addWidgets(...this.answers('gateway'), ...this.answers('authorization'));
    this.dashboard.addWidgets(...this.answers('approvals'), this.questions());
    this.dashboard.addWidgets(this.failures(), this.troubles());
    this.dashboard.addWidgets(this.tasks(), this.tables());
    this.dashboard.addWidgets(this.lastFailures());
  }

  private answers(service: ServedService): cloudwatch.IWidget[] {
    const { metrics, logMetrics } = this.props;
    const seconds = ['p50', 'p90', 'p99'].map((statistic) => metrics.latency(service, statistic, period));
    return [
      new cloudwatch.GraphWidget({
        title: `${service}: answers`,
        left: [metrics.requests(service, period)],
        right: [metrics.errors(service, period)],
        width: 6,
      }),
      new cloudwatch.GraphWidget({
        title: `${service}: seconds to the first byte`,
        left: service === 'gateway' ? [...seconds, logMetrics.callP99(period)] : seconds,
        width: 6,
      }),
    ];
  }

  private questions(): cloudwatch.IWidget {
    const { stateMachine } = this.props.metrics.platform.workflow;
    const sum = { period, statistic: 'Sum' };
    return new cloudwatch.GraphWidget({
      title: 'Questions to people: asked and ended (left), ended wrong (right)',
      left: [
        stateMachine.metricStarted({ ...sum, label: 'asked' }),
        stateMachine.metricSucceeded({ ...sum, label: 'ended' }),
      ],
      right: [
        stateMachine.metricFailed({ ...sum, label: 'failed' }),
        stateMachine.metricAborted({ ...sum, label: 'stopped' }),
        stateMachine.metricTimedOut({ ...sum, label: 'timed out' }),
        stateMachine.metricThrottled({ ...sum, label: 'throttled' }),
      ],
      width: 12,
    });
  }

  private failures(): cloudwatch.IWidget {
    const codes = (Object.keys(failureCodes) as FailingPart[]).flatMap((part) => [...failureCodes[part]]);
    return new cloudwatch.GraphWidget({
      title: 'Calls that failed, lines in the log by code',
      left: codes.map((code) => this.props.logMetrics.failure(code, period)),
      width: 12,
    });
  }

  private troubles(): cloudwatch.IWidget {
    return new cloudwatch.GraphWidget({
      title: 'Trouble behind the calls, lines in the log',
      left: troubles.map((trouble) => this.props.logMetrics.troubles(trouble, period)),
      width: 12,
    });
  }

  private tasks(): cloudwatch.IWidget {
    const { gateway, authorization, registry, approvals } = this.props.metrics.platform;
    const services = Object.entries({ gateway, authorization, registry, approvals });
    return new cloudwatch.GraphWidget({
      title: 'CPU and memory, %',
      left: services.map(([label, { service }]) => service.metricCpuUtilization({ period, label: `${label} CPU` })),
      right: services.map(([label, { service }]) =>
        service.metricMemoryUtilization({ period, label: `${label} memory` }),
      ),
      width: 12,
    });
  }

  private tables(): cloudwatch.IWidget {
    const { metrics } = this.props;
    const { stateTables } = metrics.platform;
    const written = (label: string) =>
      stateTables.table(label).metric('ConsumedWriteCapacityUnits', { period, statistic: 'Sum', label });
    return new cloudwatch.GraphWidget({
      title: 'Tables: written units (left), throttled requests (right)',
      left: stateTables.names.map(written),
      right: stateTables.names.map((name) => metrics.throttles(name, period)),
      width: 12,
    });
  }

  private lastFailures(): cloudwatch.IWidget {
    const { gateway, authorization, registry, approvals } = this.props.metrics.platform;
    return new cloudwatch.LogQueryWidget({
      title: 'Newest lines that tell of trouble',
      logGroupNames: [gateway, authorization, registry, approvals].map(({ logGroup }) => logGroup.logGroupName),
      queryLines: ['fields @timestamp, service, code, msg', 'filter level >= 40', 'sort @timestamp desc', 'limit 50'],
      width: 24,
      height: 8,
    });
  }
}
